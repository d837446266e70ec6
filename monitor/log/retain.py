"""Rows older than their card allows, removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from monitor.events.schema import Kind
from monitor.log.erase import Doomed, remove
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.moved import MovedLog
from monitor.log.read import partition_day
from monitor.log.rewrite import File, FilesMovedError, files, replace
from monitor.log.store import Table


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows are kept.

    Attributes:
        events: by model.
        others: of models that are not in `events`, and of rows without a model.
        quarantine: of messages that nobody understood.
    """

    events: Mapping[str, timedelta]
    others: timedelta
    quarantine: timedelta


def marks(retention: Retention, now: datetime, *, by_month: bool) -> dict[str | None, date]:
    """The first partition that is kept, per model; None stands for all other models."""
    kept: dict[str | None, timedelta] = {None: retention.others}
    kept.update(retention.events)
    return {model: _first_kept(now, length, by_month) for model, length in kept.items()}


def retain(
    log: EventLog, feedback: FeedbackLog, moved: MovedLog, retention: Retention, *, now: datetime
) -> int:
    """Number of rows removed from events and what was said of them; no window becomes dirty.

    Whole partitions go without being read. Only those that lie before one model's mark and after
    another's are rewritten, a file a commit.

    Args:
        log: which one.
        feedback: of that log.
        moved: of that log.
        retention: how long rows are kept.
        now: aware.
    """
    first = marks(retention, now, by_month=log.by_month)
    gone = _drop(
        log.table, _quarantined_before(_first_kept(now, retention.quarantine, log.by_month))
    )
    oldest = min(first.values())
    for table in (log.table, feedback.table, moved.table):
        gone += _drop(table, _events_before(oldest))
        for mark in sorted(set(first.values()) - {oldest}):
            gone += remove(
                table, _events_before(mark), ["model"], _expired(first, mark), work="retain"
            )
    return gone


def _drop(table: Table, expired: Callable[[File], bool]) -> int:
    """Rows in files that are taken off the table unread."""
    while True:
        old = [file for file in files(table.current()) if expired(file)]
        try:
            if old:
                empty = table.layout.schema.empty_table()
                replace(table, old, empty, work="retain", data_change=True)
        except FilesMovedError:
            continue
        return sum(file.rows for file in old)


def _quarantined_before(day: date) -> Callable[[File], bool]:
    return lambda file: _is_quarantine(file) and _day(file) < day


def _events_before(day: date) -> Callable[[File], bool]:
    return lambda file: not _is_quarantine(file) and _day(file) < day


def _expired(first: Mapping[str | None, date], mark: date) -> Doomed:
    """Which rows are of models whose first kept partition is `mark`."""
    named = pa.array([model for model in first if model is not None], pa.string())
    short = pa.array(
        [m for m, kept in first.items() if m is not None and kept == mark], pa.string()
    )

    def doomed(rows: pa.Table) -> pa.ChunkedArray:
        mine = pc.is_in(rows["model"], value_set=short)
        if first[None] != mark:
            return mine
        return pc.or_(mine, pc.invert(pc.is_in(rows["model"], value_set=named)))

    return doomed


def _first_kept(now: datetime, length: timedelta, by_month: bool) -> date:
    return partition_day((now - length).date(), by_month)


def _is_quarantine(file: File) -> bool:
    return dict(file.partition)["kind"] == Kind.QUARANTINE


def _day(file: File) -> date:
    return date.fromisoformat(dict(file.partition)["day"] or "")
