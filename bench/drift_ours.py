"""Our drift numbers of two Parquet files: reference frozen, both profiled, all compared."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.child import answer
from bench.rows import vectors
from monitor.cards.card import Card
from monitor.events.schema import EVENTS
from monitor.jobs.freeze import frozen
from monitor.jobs.plan import inputs_plan
from monitor.metrics import CATALOGUE
from monitor.metrics.base import Per, Subject
from monitor.metrics.verdict import Status, verdicts
from monitor.profiles.family import Family
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.inputs_plan import COLUMNS

BATCH = 16_384
START = datetime(2026, 11, 2, tzinfo=UTC)


def compared(reference: str, current: str) -> dict[str, Any]:
    """How many drift numbers were told."""
    features = pq.read_schema(reference).names
    card = Card.model_validate(
        {
            "model": "wide",
            "owner": {"team": "bench", "mail": "bench@example.org"},
            "versions": ["1"],
            "contract": {
                "features": {name: {"type": "number"} for name in features},
                "prediction": {"classes": ["yes", "no"]},
            },
        }
    )
    known = frozen(card, partial(batches, reference))
    plan = inputs_plan(card, known)
    kernel = InputsKernel(plan)
    for batch in batches(current, COLUMNS):
        kernel.feed(batch)
    (found,) = kernel.partials()
    subject = Subject("", found.profile, known.profile(plan.layout))
    drift = [metric for metric in CATALOGUE if metric.compares and metric.per is Per.FEATURE]
    told = verdicts(drift, Family.INPUTS, subject, {})
    return {"numbers": sum(verdict.status is Status.MEASURED for verdict in told)}


def batches(file: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """A file's rows as the kernel takes them, all in one window."""
    first = 0
    with pq.ParquetFile(file, pre_buffer=False) as opened:
        features = opened.schema_arrow.names if "numeric" in names else []
        for batch in opened.iter_batches(BATCH, columns=features, use_threads=False):
            n = batch.num_rows
            # A permutation that looks random, as hashes of ids do.
            numbers = np.arange(first, first + n, dtype=np.uint64)
            ids = pa.array((numbers * np.uint64(0x9E3779B97F4A7C15)).view(np.int64))
            columns = {
                "id_hi": ids,
                "id_lo": ids,
                "payload_hash": ids,
                "event_time": pa.repeat(pa.scalar(START, pa.timestamp("us", "UTC")), n),
                "version": pa.repeat("1", n),
                "stage": pa.repeat("full", n),
                **({"numeric": vectors(batch)} if features else {}),
            }
            arrays = [
                columns[name] if name in columns else pa.nulls(n, EVENTS.field(name).type)
                for name in names
            ]
            yield pa.RecordBatch.from_arrays(arrays, list(names))
            first += n


if __name__ == "__main__":
    answer(compared)
