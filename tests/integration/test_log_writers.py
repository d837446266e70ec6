"""Many processes at one log: nothing lost, nothing twice."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.log import clean
from monitor.log.compact import compact
from monitor.log.erase import erase
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.moved import MovedLog
from monitor.log.retain import Retention, retain
from monitor.log.store import Store
from tests.services.rows import START, at, positions, prediction, store
from tests.services.writers import prove, write

WRITERS = 8
SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.timeout(600)
def test_eight_writers_at_once_lose_nothing_and_write_nothing_twice(tmp_path: Path) -> None:
    place = Store(str(tmp_path))
    writers = [SPAWN.Process(target=write, args=(place, seed)) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    prove(place)


def append(uri: str, name: str, batches: int) -> None:
    """Store messages one by one, each tenth of the subject that is to be erased."""
    log = EventLog.open(Store(uri))
    for k in range(batches):
        subject = "gone" if k % 10 == 0 else "stays"
        store(log, prediction(f"{name}-{k}", at(seconds=k), subject=subject), partition=name)


@pytest.mark.timeout(600)
def test_upkeep_during_appends_takes_what_it_should_and_nothing_else(tmp_path: Path) -> None:
    uri, batches = str(tmp_path), 60
    log, feedback = EventLog.open(Store(uri)), FeedbackLog.open(Store(uri))
    moved = MovedLog.open(Store(uri))
    store(log, *(prediction(f"{k}", at(days=-90)) for k in range(5)), partition="old")
    writers = [SPAWN.Process(target=append, args=(uri, f"p{n}", batches)) for n in range(2)]
    for writer in writers:
        writer.start()
    kept = Retention({}, timedelta(days=30), timedelta(days=30))
    while any(writer.is_alive() for writer in writers):
        compact(log.table, fewest=4)
        erase(log, feedback, "gone")
        retain(log, feedback, moved, kept, now=START)
        clean.vacuum(log.table, timedelta(hours=1))
        clean.clean_log(
            log.table, processed=log.version(), keep=timedelta(0), now=datetime.now(UTC)
        )
    assert [writer.exitcode for writer in writers] == [0, 0]
    erase(log, feedback, "gone")
    expected = [(f"p{n}", k) for n in range(2) for k in range(batches) if k % 10]
    assert positions(log) == expected


def create(uri: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    EventLog.open(Store(uri))


@pytest.mark.timeout(400)
def test_processes_that_create_a_log_at_once_make_one(tmp_path: Path) -> None:
    barrier = SPAWN.Barrier(4)
    made = [SPAWN.Process(target=create, args=(str(tmp_path), barrier)) for _ in range(4)]
    for process in made:
        process.start()
    for process in made:
        process.join()
    assert [process.exitcode for process in made] == [0] * 4
    assert EventLog.open(Store(str(tmp_path))).version() == 0
