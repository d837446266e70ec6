"""What is new in a log is found in its rows where its history was cleaned up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.jobs import gained
from monitor.jobs.kept import kept_from
from monitor.log.clean import clean_log
from monitor.log.events import EventLog
from monitor.log.recount import recount
from monitor.log.store import Store
from monitor.profiles.windows import seconds_of
from monitor.state import ledger
from monitor.state.database import State
from tests.services import rows as build
from tests.services.rows import at, prediction, store

LOST = ("quarantine", "")


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """A log of two models, with messages that nobody understood."""
    log = EventLog.open(Store(str(tmp_path / "log")))
    store(log, prediction("a", at(days=1)), prediction("b", at(days=2), model="home"))
    store(log, build.quarantined("bad_json", at(minutes=5), payload=b"{"))
    store(log, build.quarantined("bad_json", None, payload=b"{"), prediction("c", at(days=1.5)))
    return log


def test_the_rows_tell_what_the_history_told(log: EventLog) -> None:
    told, found = log.changes(0, log.version()), recount(log, {}, log.version())
    assert {**found.changes.windows, LOST: ()} == {**told.windows, LOST: ()}
    # When a message without a time came, only the history knew.
    assert set(found.changes.windows[LOST]) < set(told.windows[LOST])
    (line,) = found.changes.ledger
    assert (line.after, line.upto) == (-1, 4)
    assert (line.tally.received, line.tally.stored, line.tally.quarantined) == (5, 3, 2)
    assert found.first == {"credit": at(days=1), "home": at(days=2)}


def test_only_what_came_after_the_known_positions_is_new(log: EventLog) -> None:
    found = recount(log, {"p": 2, "gone": 7}, log.version()).changes
    assert found.windows == {
        key: ranges for key, ranges in log.changes(2, 3).windows.items() if key != LOST
    }
    (line,) = found.ledger
    assert (line.partition, line.after, line.upto, line.tally.received) == ("p", 2, 4, 2)
    assert recount(log, {"p": 4}, log.version()).changes.ledger == ()


def test_what_retention_took_since_is_not_to_be_built_again(log: EventLog, state: State) -> None:
    extents = {"credit": (seconds_of(at(days=0)), seconds_of(at(days=3)))}
    ledger.copy(state, log.changes(0, 1).ledger)
    for k in range(40):
        store(log, prediction(f"{k}", at(days=2)))
    log.table.current().delete("model = 'credit' AND day < '2026-11-04'")
    now = datetime.now(UTC) + timedelta(hours=1)
    assert clean_log(log.table, processed=log.version(), keep=timedelta(0), now=now) > 0
    found = gained.events(state, log, 1, log.version(), extents)
    assert [line.after for line in found.ledger] == [1]
    assert kept_from(state, ["credit", "home"]) == {"credit": datetime(2026, 11, 4, tzinfo=UTC)}
