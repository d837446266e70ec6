"""Rows written under an older contract, in the order of the present one."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.cards.contract import Contract


def realigned(batch: pa.RecordBatch, old: Contract, new: Contract) -> pa.RecordBatch:
    """The rows with their vectors in the order of `new`; what the old contract lacked is null.

    Args:
        batch: rows of `old`, with any of the vectors numeric, category, attributes, probabilities.
        old: the contract that the rows were written under.
        new: the contract that is wanted.
    """
    names = {
        "numeric": ([f.name for f in old.numeric], [f.name for f in new.numeric]),
        "category": ([f.name for f in old.category], [f.name for f in new.category]),
        "attributes": ([a.name for a in old.attributes], [a.name for a in new.attributes]),
        "probabilities": (list(old.classes), list(new.classes)),
    }
    columns = [
        _moved(column, *names[name]) if name in names else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.record_batch(columns, schema=batch.schema)


def by_contract(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each contract in a batch, with its id."""
    ids = pc.unique(batch.column("contract")).to_pylist()
    if len(ids) == 1:
        yield ids[0], batch
        return
    for name in ids:
        yield name, batch.filter(pc.equal(batch.column("contract"), name))


def _moved(column: pa.Array, old: list[str], new: list[str]) -> pa.Array:
    if old == new:
        return column
    lengths = pc.fill_null(column.value_lengths(), 0).to_numpy()
    full = lengths == len(old)
    starts = np.cumsum(lengths) - lengths
    places = np.array([old.index(name) if name in old else -1 for name in new], np.int64)
    wanted = starts[full][:, None] + places
    lost = np.broadcast_to(places < 0, wanted.shape)
    flat = column.flatten().take(pa.array(wanted.ravel(), mask=lost.ravel()))
    ends = np.concatenate([[0], np.cumsum(full * len(new))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), flat, mask=pa.array(~full))
