"""A decoded batch as one table of the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from monitor.events.batch import RawBatch
from monitor.events.identity import identities
from monitor.events.limits import Breaches
from monitor.events.part import Part
from monitor.events.quarantine import Refused, broker_day, headers_json, payload
from monitor.events.rows import Book, columns_of, violations_column
from monitor.events.schema import EVENTS, TIME, Kind

Partition = Literal["day", "month"]

_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """What rows get from their batch rather than from their message.

    Attributes:
        batch: the messages.
        partition: whether the log keeps a partition per day or per month.
        now: day of a refused message whose broker gave no time.
        hashes: of each message's bytes, shape (messages,).
    """

    batch: RawBatch
    partition: Partition
    now: datetime
    hashes: NDArray[np.int64]

    @classmethod
    def of(cls, batch: RawBatch, partition: Partition, now: datetime) -> Self:
        """The place of this batch's messages."""
        # In the order of the messages, which is how they lie in memory.
        digests = b"".join([xxhash.xxh3_64_digest(value or b"") for value in batch.values])
        return cls(batch, partition, now, np.frombuffer(digests, ">i8").astype(np.int64))


def events_table(kind: Kind, part: Part, breaches: Breaches, book: Book, place: Place) -> pa.Table:
    """Rows of one kind with the schema `EVENTS`, sorted by day, model and event time.

    Args:
        kind: of all the events.
        part: the events; `at` are places in the batch.
        breaches: violations that were found when the messages were read alone.
        book: the models.
        place: the batch.
    """
    columns, found = columns_of(kind, part, book)
    n = len(part.at)
    violations = violations_column(n, [*breaches, *found])
    if violations is not None:
        columns["violations"] = violations
    times = columns["event_time"].cast(pa.int64()).to_numpy()
    days = _first_of(times // _DAY_US, place.partition)
    columns["id_hi"], columns["id_lo"] = map(pa.array, identities(columns["event_id"]))
    order = np.lexsort((part.at, times, part.codes, days))
    return _table(kind, columns, days, part.at, order, place)


def quarantine_table(refused: Sequence[Refused], place: Place) -> pa.Table:
    """Refused messages with the schema `EVENTS`, sorted by day and model."""
    at = np.array([r.at for r in refused], np.int64)
    days = np.array([broker_day(ms, place.now) for ms in place.batch.broker_ms[at].tolist()])
    days = _first_of(days, place.partition)
    columns = {
        "model": pa.array([r.rejection.model for r in refused], pa.string()),
        "reason": pa.array([r.rejection.reason.value for r in refused], pa.string()),
        "detail": pa.array([r.rejection.detail for r in refused], pa.string()),
        "payload": pa.array([payload(r) for r in refused], pa.binary()),
        "headers": pa.array([headers_json(r) for r in refused], pa.string()),
    }
    names = [r.rejection.model or "" for r in refused]
    order = np.array(sorted(range(len(at)), key=lambda i: (days[i], names[i], at[i])))
    return _table(Kind.QUARANTINE, columns, days, at, order, place)


def _table(
    kind: Kind,
    columns: dict[str, pa.Array],
    days: NDArray[np.int64],
    at: NDArray[np.int64],
    order: NDArray[np.int64],
    place: Place,
) -> pa.Table:
    batch, n = place.batch, len(at)
    ordered = {name: array.take(pa.array(order)) for name, array in columns.items()}
    at = at[order]
    ordered["day"] = pa.array(days[order].astype(np.int32)).cast(pa.date32())
    ordered["kind"] = pa.repeat(pa.scalar(kind.value, pa.string()), n)
    ordered["payload_hash"] = pa.array(place.hashes[at])
    ordered["source"] = pa.repeat(pa.scalar(batch.source, pa.string()), n)
    names = pa.array(batch.partitions, pa.string())
    ordered["partition"] = names.take(pa.array(batch.partition[at]))
    ordered["offset"] = pa.array(batch.offsets[at])
    ordered["row"] = pa.array(np.zeros(n, np.int32))
    milliseconds = batch.broker_ms[at]
    ordered["broker_time"] = pa.array(milliseconds * 1000, mask=milliseconds < 0).cast(TIME)
    arrays = [
        pa.array(ordered[f.name]) if f.name in ordered else pa.nulls(n, f.type) for f in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


def _first_of(days: NDArray[np.int64], partition: Partition) -> NDArray[np.int64]:
    if partition == "day":
        return days
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    result: NDArray[np.int64] = months.astype("datetime64[D]").astype(np.int64)
    return result
