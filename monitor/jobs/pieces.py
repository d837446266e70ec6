"""A batch cut where its rows would touch too many partitions of the log."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.events.batch import RawBatch
from monitor.events.table import Partition

MOST_PARTITIONS: Mapping[Partition, int] = {"day": 200, "month": 1_000}
"""Partitions of the log, each a file, that one commit writes to. Months are for thin histories,
where more pieces would only mean more and smaller files."""


def pieces(batch: RawBatch, rows: pa.Table, most: int) -> list[RawBatch]:
    """The batch in consecutive pieces whose rows touch at most `most` partitions each.

    The batch stays whole if that took more than twice as many pieces as its partitions need:
    events in no order of time would then make many more files in pieces than in one.

    Args:
        batch: messages.
        rows: what they were decoded to, sorted by kind and day.
        most: days (or months) times kinds of one piece.
    """
    if not len(rows):
        return [batch]
    kind = rows["kind"].combine_chunks().dictionary_encode().indices.to_numpy()
    day = rows["day"].cast(pa.int32()).to_numpy()
    begins = (np.diff(kind, prepend=-1) != 0) | (np.diff(day, prepend=0) != 0)
    number = np.cumsum(begins)
    if number[-1] <= most:
        return [batch]
    message = _messages(batch, rows)
    order = np.argsort(message, kind="stable")
    cuts, touched = [0], set[int]()
    for at, partition in zip(message[order].tolist(), number[order].tolist(), strict=True):
        if partition not in touched and len(touched) == most:
            cuts.append(at)
            touched.clear()
        touched.add(partition)
    if len(cuts) > 2 * -(-int(number[-1]) // most):
        return [batch]
    found: list[RawBatch] = []
    marks = dict(batch.after)
    for begin, end in pairwise([*cuts, len(batch.values)]):
        found.append(_piece(batch, begin, end, marks))
        marks |= found[-1].upto
    return found


def _messages(batch: RawBatch, rows: pa.Table) -> NDArray[np.int64]:
    """The place in the batch of each row's message, shape (rows,)."""
    numbers = zip(batch.partition.tolist(), batch.offsets.tolist(), strict=True)
    places = {(batch.partitions[p], offset): at for at, (p, offset) in enumerate(numbers)}
    named = zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), strict=True)
    return np.array([places[key] for key in named], np.int64)


def _piece(batch: RawBatch, begin: int, end: int, marks: Mapping[str, int]) -> RawBatch:
    """Messages [begin, end); `marks` hold before them. The last piece has all that is left."""
    here, later = batch.partition[begin:end], batch.partition[end:]
    upto = {}
    for i, name in enumerate(batch.partitions):
        offsets = batch.offsets[begin:end][here == i]
        if not (later == i).any():
            mark = batch.upto[name]
        elif len(offsets):
            mark = int(offsets[-1])
        else:
            continue
        if mark != marks[name]:
            upto[name] = mark
    numbers = [i for i, name in enumerate(batch.partitions) if name in upto]
    place = np.zeros(len(batch.partitions), np.int32)
    place[numbers] = np.arange(len(numbers))
    return replace(
        batch,
        values=batch.values[begin:end],
        headers=batch.headers and batch.headers[begin:end],
        partitions=tuple(batch.partitions[i] for i in numbers),
        partition=place[here],
        offsets=batch.offsets[begin:end],
        broker_ms=batch.broker_ms[begin:end],
        after={name: marks[name] for name in upto},
        upto=upto,
    )
