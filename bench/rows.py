"""Rows of the log with fifty numbers each, made of the columns that profiles read."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.events.identity import identities
from monitor.events.schema import EVENTS

START_US = 1_793_577_600_000_000
"""2026-11-02T00:00:00Z."""

CLASSES = ("yes", "no")
GROUPS = {"sex": ("f", "m"), "region": ("north", "south", "east")}


def wide_contract(features: int) -> Contract:
    """So many numbers, two classes and two protected attributes."""
    return Contract(
        model="wide",
        features=tuple(Feature(f"feature_{n:03d}", FeatureType.NUMBER) for n in range(features)),
        classes=CLASSES,
        attributes=tuple(
            Attribute(name, protected=True, values=values) for name, values in GROUPS.items()
        ),
    )


def vectors(values: pa.Table | pa.RecordBatch) -> pa.ListArray:
    """The columns of a table, all floats, as one vector per row; nulls stay nulls."""
    count, width = values.num_rows, values.num_columns
    flat = np.empty((count, width))
    valid = np.ones((count, width), np.bool_)
    for n, column in enumerate(values.columns):
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        begin, end = whole.offset, whole.offset + count
        bitmap, data = whole.buffers()
        flat[:, n] = np.frombuffer(data, np.float64)[begin:end]
        if whole.null_count:
            bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), count=end, bitorder="little")
            valid[:, n] = bits[begin:]
    packed = None if valid.all() else pa.py_buffer(np.packbits(valid.ravel(), bitorder="little"))
    items = pa.Array.from_buffers(pa.float64(), flat.size, [packed, pa.py_buffer(flat)])
    ends = np.arange(count + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(ends), items)


def event_rows(
    values: pa.Table, contract: Contract, windows: int, seconds: int, batch: int = 50_000
) -> Iterator[pa.Table]:
    """A table's rows as predictions of the log, in batches whose events lie in time.

    Args:
        values: a column per feature.
        contract: whose predictions they are.
        windows: over which they are spread evenly.
        seconds: length of a window.
        batch: rows of each.
    """
    count = values.num_rows
    dice = np.random.default_rng(count)
    times = START_US + np.arange(count) * (windows * seconds * 1_000_000 // count)
    score = dice.random(count)
    flat = np.stack([score, 1 - score], 1).ravel()
    texts = {
        "predicted_class": np.array(CLASSES, object)[(score < 0.5).astype(int)],
        "attributes": np.stack(
            [
                np.array(some, object)[dice.integers(0, len(some), count)]
                for some in GROUPS.values()
            ],
            1,
        ),
    }
    for first in range(0, count, batch):
        n = min(batch, count - first)
        rows = slice(first, first + n)
        ids = pa.array([f"{k:020d}" for k in range(first, first + n)])
        high, low = identities(ids)
        columns = {
            "day": pa.array((times[rows] // 86_400_000_000).astype(np.int32)),
            "kind": pa.repeat("prediction", n),
            "model": pa.repeat(contract.model, n),
            "version": pa.repeat("1", n),
            "event_id": ids,
            "id_hi": pa.array(high),
            "id_lo": pa.array(low),
            "payload_hash": pa.array(dice.integers(-(2**63), 2**63, n)),
            "event_time": pa.array(times[rows]),
            "source": pa.repeat("bench", n),
            "partition": pa.repeat("p", n),
            "offset": pa.array(np.arange(first, first + n)),
            "row": pa.array(np.zeros(n, np.int32)),
            "stage": pa.repeat("full", n),
            "contract": pa.repeat(contract.id, n),
            "numeric": vectors(values.slice(first, n)),
            "category": _lists(np.empty((n, 0), object)),
            "attributes": _lists(texts["attributes"][rows]),
            "predicted_class": pa.array(texts["predicted_class"][rows], pa.string()),
            "probabilities": pa.ListArray.from_arrays(
                pa.array(np.arange(n + 1, dtype=np.int32) * 2),
                pa.array(flat[2 * first : 2 * (first + n)]),
            ),
            "confidence": pa.array(np.maximum(score, 1 - score)[rows]),
        }
        yield events(columns, n)


def events(columns: dict[str, pa.Array], rows: int) -> pa.Table:
    """Rows of the log with these columns, and null in all others."""
    arrays = [
        columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type)
        for f in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


def _lists(texts: np.ndarray) -> pa.ListArray:
    ends = np.arange(len(texts) + 1, dtype=np.int32) * texts.shape[1]
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(texts.ravel(), pa.string()))
