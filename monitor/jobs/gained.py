"""What tables gained since the state last read them, and whether they are still those it read.

A state may be older than what is left of a table's history, where it comes from a backup; then the
rows tell. A table may be older than the state, where it comes from a backup itself; then nothing
could tell what is missing, and it is refused.
"""

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Final

from monitor.errors import HistoryGoneError, LogError
from monitor.jobs.kept import keep_from, kept_from
from monitor.log import feedback as said
from monitor.log import moved as copies
from monitor.log import recount
from monitor.log.changes import Changes
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.ledger import Windows
from monitor.log.moved import MovedLog
from monitor.log.store import Table
from monitor.profiles.windows import Range, instant
from monitor.state import ledger, named
from monitor.state.database import State

_LOG: Final = "log"
"""Name of the id of the log that the state belongs to."""

_COMMIT: Final = "log-commit"
"""Name of the last version that was taken in, with the hash of its commit."""

_REMEDY: Final = (
    "restore the log, or a backup of the state that is older than this copy of the log, or move "
    "the state and the table profiles away, so that all is evaluated anew"
)

_log = logging.getLogger(__name__)


def refuse_another(state: State, table: Table, version: int, before: int) -> None:
    """Remember the log by its id, and make sure that it holds what was read.

    One made anew counts from 0 and would seem to be evaluated; so would one that was restored
    from an older copy and has gone on since.

    Args:
        state: that read it.
        table: of events.
        version: the newest one.
        before: up to which the state has read.

    Raises:
        LogError: it is another log, or an older one.
    """
    present = str(table.current().metadata().id)
    known = named.value_of(state, _LOG)
    if known is None:
        named.put(state, _LOG, present)
    elif known != present:
        raise LogError(f"the log is not the one that the state knows; {_REMEDY}")
    if version < before:
        raise LogError(f"the log ends at version {version}, {before} was evaluated; {_REMEDY}")
    if version == before:
        return
    try:
        there = _hash(table, before)
    except HistoryGoneError:
        return
    if named.value_of(state, _COMMIT) not in (None, [before, there]):
        raise LogError(
            f"version {before} of the log is not the one that was evaluated: the log was restored "
            f"from an older copy and has gone on since; {_REMEDY}"
        )


def remember(state: State, table: Table, version: int) -> None:
    """Write down by which commit the log is known again."""
    named.put(state, _COMMIT, [version, _hash(table, version)])


def events(
    state: State, log: EventLog, before: int, upto: int, extents: Mapping[str, Range]
) -> Changes:
    """What the log gained after one version, up to and with another.

    Args:
        state: that read it.
        log: which one.
        before: up to which the state has read.
        upto: version of the log.
        extents: from the first to the last event of each model that the state knows.
    """
    try:
        return log.changes(before, upto)
    except HistoryGoneError as error:
        _log.warning("%s; what is new since version %d is sought in all rows", error, before)
    known = {account.partition: account.upto for account in ledger.accounts(state)}
    found = recount.recount(log, known, upto)
    # Retention may have gone on since: what is left of its windows is not to be built again.
    kept = kept_from(state, extents)
    for model, (begun, _) in extents.items():
        first = found.first.get(model)
        mark = datetime.combine(first, time(), UTC) if first else instant(begun)
        if mark > max(instant(begun), kept.get(model, instant(begun))):
            keep_from(state, model, mark)
    return found.changes


def feedback(table: FeedbackLog, before: int, upto: int) -> Windows:
    """Windows of predictions of which something new was said, by kind and model."""
    try:
        return table.changes(before, upto).windows
    except HistoryGoneError:
        return recount.windows_held(
            table.table.at(upto), said.FEEDBACK, "prediction_time", f"state = '{said.State.FOUND}'"
        )


def moved(table: MovedLog, before: int, upto: int) -> Windows:
    """Windows of which a row no longer counts, by kind and model."""
    try:
        return table.changes(before, upto).windows
    except HistoryGoneError:
        return recount.windows_held(table.table.at(upto), copies.MOVED, "event_time", "true")


def _hash(table: Table, version: int) -> str:
    return hashlib.sha256(table.commit_text(version).encode()).hexdigest()
