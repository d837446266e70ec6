"""Messages that nobody understood: listed with their bytes, and taken in after all."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from monitor.errors import PositionConflictError
from monitor.events.batch import Tally
from monitor.events.schema import EVENTS, Kind
from monitor.log import read
from monitor.log.events import EventLog

REPLAY: Final = "replay"
"""Partition under which replayed messages are stored; its positions count them."""

_COLUMNS: Final = (
    *("day", "source", "partition", "offset", "broker_time", "reason", "detail"),
    *("payload", "headers"),
)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message in quarantine.

    Attributes:
        position: "<partition>@<offset>", which names it.
        source: name of the source that brought it.
        partition: id of the partition.
        offset: position in it.
        time: when the broker got it; None where unknown.
        reason: why it is here, one of `Reason`.
        detail: what exactly is wrong.
        payload: its bytes; None is a tombstone.
        headers: as JSON; None without any.
        is_replayed: whether it became rows since.
    """

    position: str
    source: str
    partition: str
    offset: int
    time: datetime | None
    reason: str
    detail: str | None
    payload: bytes | None
    headers: str | None
    is_replayed: bool


def quarantined(
    log: EventLog,
    *,
    source: str | None = None,
    reason: str | None = None,
    since: datetime | None = None,
    waiting: bool = False,
    limit: int | None = None,
) -> list[Quarantined]:
    """Messages in quarantine, newest first, payloads included.

    Args:
        log: which one.
        source: only of this one.
        reason: only for this one.
        since: only those that the broker, else the log, got since; aware.
        waiting: only those that did not become rows since.
        limit: at most so many; all of them, in memory at once, without it.
    """
    newest = EVENTS.empty_table().select(_COLUMNS)
    order = [("day", "descending"), ("broker_time", "descending"), ("offset", "descending")]
    done = replayed(log)
    for batch in _batches(log, source, reason, since):
        table = pa.Table.from_batches([batch])
        found = table.filter(_not_in(_positions(table), done)) if waiting else table
        newest = pa.concat_tables([newest, found]).sort_by(order).slice(0, limit)
    return [_message(row, done) for row in newest.to_pylist()]


def replayed(log: EventLog) -> set[str]:
    """Positions of all messages that became rows after their quarantine."""
    batches = log.read(["replay_of"], "replay_of IS NOT NULL")
    return {position for batch in batches for position in batch.column(0).to_pylist()}


def replay(log: EventLog, rows: pa.Table) -> int:
    """Number of messages that became rows now.

    A message that was replayed before is skipped, and one that still isn't understood stays in
    quarantine as it is. Nothing is deleted: the rows are appended with `replay_of`.

    Args:
        log: which one.
        rows: with the schema `EVENTS`, decoded from messages in quarantine that came with the
            partition and offset which they have there, sorted as for `EventLog.append`.
    """
    understood = rows.filter(pc.not_equal(rows["kind"], Kind.QUARANTINE.value))
    while True:
        mark = log.marks([REPLAY])[REPLAY]
        marked, messages = _marked(understood, replayed(log), mark)
        if not messages:
            return 0
        try:
            log.append(
                marked,
                after={REPLAY: mark},
                upto={REPLAY: mark + messages},
                tallies={REPLAY: Tally(messages, messages, 0, {}, len(marked))},
            )
        except PositionConflictError:
            continue  # Another replay came first: look what it took.
        return messages


def _marked(rows: pa.Table, done: set[str], mark: int) -> tuple[pa.Table, int]:
    """The rows of messages that are not done, under new positions, and how many messages."""
    positions = _positions(rows)
    fresh = _not_in(positions, done)
    rows, positions = rows.filter(fresh), positions.filter(fresh).combine_chunks()
    number = positions.dictionary_encode()
    columns = {
        "partition": pa.repeat(pa.scalar(REPLAY), len(rows)),
        "offset": pc.add(number.indices.cast(pa.int64()), mark + 1),
        "replay_of": positions,
    }
    arrays = [columns.get(name, rows[name]) for name in EVENTS.names]
    return pa.table(arrays, schema=EVENTS), len(number.dictionary)


def _positions(rows: pa.Table) -> pa.ChunkedArray:
    """What names each message: "<partition>@<offset>"."""
    offsets = rows["offset"].cast(pa.string())
    partitions = rows["partition"].cast(pa.string())
    return pc.binary_join_element_wise(partitions, offsets, "@")


def _not_in(positions: pa.ChunkedArray, done: set[str]) -> pa.ChunkedArray:
    return pc.invert(pc.is_in(positions, value_set=pa.array(list(done), pa.string())))


def _batches(
    log: EventLog, source: str | None, reason: str | None, since: datetime | None
) -> Iterator[pa.RecordBatch]:
    recent = None
    if since is not None:
        day = read.partition_day(since.date(), log.by_month)
        recent = f"day >= '{day}' AND (broker_time IS NULL OR broker_time >= {read.instant(since)})"
    condition = read.all_of(
        f"kind = '{Kind.QUARANTINE}'",
        None if source is None else f"source = {read.text(source)}",
        None if reason is None else f"reason = {read.text(reason)}",
        recent,
    )
    return iter(log.read(_COLUMNS, condition))


def _message(row: dict[str, Any], done: set[str]) -> Quarantined:
    position = f"{row['partition']}@{row['offset']}"
    names = ("source", "partition", "offset", "reason", "detail", "payload", "headers")
    return Quarantined(
        position=position,
        time=row["broker_time"],
        is_replayed=position in done,
        **{name: row[name] for name in names},
    )
