"""Progress, heartbeats, ledger, references, runs and the hash key."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import StateError
from monitor.events.batch import Tally
from monitor.jobs.watermark import watermark
from monitor.log.ledger import Entry
from monitor.state import heartbeats, ledger, progress, references, runs
from monitor.state.database import State
from monitor.state.hash_key import load_or_create
from monitor.state.heartbeats import Heartbeat
from monitor.state.progress import NOTHING, DirtyWindow
from monitor.state.references import Pin

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def window(hour: int, version: int, family: str = "inputs") -> DirtyWindow:
    return DirtyWindow("credit", family, NOON + hour * HOUR, NOON + (hour + 1) * HOUR, version)


def test_a_job_begins_with_nothing_and_never_goes_back(state: State) -> None:
    assert progress.processed(state, "evaluate") == NOTHING
    progress.advance(state, "evaluate", 7)
    progress.advance(state, "evaluate", 5)
    assert progress.processed(state, "evaluate") == 7
    assert progress.processed(state, "resolve") == NOTHING


def test_dirty_windows_stay_until_they_are_cleared(state: State) -> None:
    progress.advance(state, "evaluate", 1, [window(1, 1), window(0, 1), window(0, 1, "truth")])
    assert progress.dirty_windows(state, family="inputs") == [window(0, 1), window(1, 1)]
    assert len(progress.dirty_windows(state, model="credit")) == 3
    progress.clear(state, [window(0, 1)])
    assert progress.dirty_windows(state) == [window(1, 1), window(0, 1, "truth")]
    progress.clear(state, [])
    assert len(progress.dirty_windows(state)) == 2


def test_a_window_touched_while_it_was_rebuilt_stays_dirty(state: State) -> None:
    progress.advance(state, "evaluate", 1, [window(0, 1)])
    taken = progress.dirty_windows(state)
    progress.advance(state, "evaluate", 2, [window(0, 2)])
    progress.clear(state, taken)
    assert progress.dirty_windows(state) == [window(0, 2)]


def test_a_closed_window_stays_closed(state: State) -> None:
    assert progress.closed(state, "credit", "publish") is None
    progress.close(state, "credit", "publish", NOON)
    progress.close(state, "credit", "publish", NOON - HOUR)
    assert progress.closed(state, "credit", "publish") == NOON
    assert progress.closed(state, "credit", "detect") is None


def test_the_last_heartbeat_counts_but_event_time_never_goes_back(state: State) -> None:
    first = Heartbeat("kafka", "t-0", 10, 20, NOON, NOON)
    idle = Heartbeat("kafka", "t-1", 0, 0, None, NOON)
    heartbeats.beat(state, [first, idle])
    later = replace(first, position=20, max_event_time=NOON - HOUR, at=NOON + HOUR)
    heartbeats.beat(state, [later, replace(idle, max_event_time=NOON)])
    heartbeats.beat(state, [replace(idle, max_event_time=None)])
    assert heartbeats.heartbeats(state, "kafka") == [
        replace(later, max_event_time=NOON),
        replace(idle, max_event_time=NOON),
    ]
    assert heartbeats.heartbeats(state, "files") == []


def test_partitions_that_are_gone_are_forgotten(state: State) -> None:
    beats = [Heartbeat("kafka", f"t-{number}", 0, 0, None, NOON) for number in range(3)]
    heartbeats.beat(state, beats)
    heartbeats.forget(state, "kafka", keep=["t-1"])
    assert heartbeats.heartbeats(state) == [beats[1]]


def test_the_ledger_adds_up_and_counts_a_commit_once(state: State) -> None:
    entries = [
        Entry(1, 0, "p0", -1, 9, Tally(10, 7, 1, {"tombstone": 2}, rows=9)),
        Entry(2, 0, "p0", 9, 14, Tally(5, 4, 0, {"tombstone": 1}, rows=4)),
        Entry(2, 0, "p1", -1, 0, Tally(1, 1, 0, rows=1)),
    ]
    assert ledger.copied(state) is None
    assert ledger.copy(state, entries[:2]) == 2
    assert ledger.copy(state, entries) == 1
    assert ledger.copied(state) == 2
    first, second = ledger.accounts(state)
    assert (first.partition, first.commits, first.upto, first.unbroken) == ("p0", 2, 14, True)
    assert (first.received, first.stored, first.quarantined, first.rows) == (15, 11, 1, 13)
    assert first.ignored == {"tombstone": 3}
    assert first.received == first.stored + first.quarantined + sum(first.ignored.values())
    assert (second.partition, second.ignored, second.unbroken) == ("p1", {}, True)


def test_a_gap_between_commits_is_seen(state: State) -> None:
    parts = [Entry(1, 0, "p", -1, 9, Tally(10, 10, 0)), Entry(3, 0, "p", 12, 14, Tally(2, 2, 0))]
    ledger.copy(state, parts)
    assert not ledger.accounts(state)[0].unbroken


def test_a_pin_for_the_version_wins_over_the_one_for_all(state: State) -> None:
    assert references.pinned(state, "credit", "3") is None
    for_all = Pin("credit", "", "r1", "file a.parquet", "anna", NOON)
    for_three = Pin("credit", "3", "r2", "version 3", "ben", NOON)
    references.pin(state, for_all)
    references.pin(state, for_three)
    assert references.pinned(state, "credit", "3") == for_three
    assert references.pinned(state, "credit", "4") == for_all
    assert references.pinned(state, "credit") == for_all
    assert references.pinned(state, "fraud") is None


def test_a_new_pin_leaves_the_old_one_in_the_history(state: State) -> None:
    old = Pin("credit", "", "r1", "file a.parquet", "anna", NOON)
    new = replace(old, reference_id="r2", at=NOON + HOUR)
    references.pin(state, old)
    references.pin(state, new)
    assert references.pinned(state, "credit") == new
    assert references.history(state, "credit") == [new, old]


def test_many_that_claim_a_slot_get_it_once(state: State) -> None:
    def claim(_: int) -> bool:
        return runs.claim(state, "evaluate", NOON, NOON, HOUR)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(32))) == 1


def test_a_slot_whose_runner_died_is_claimed_again_after_its_lease(state: State) -> None:
    assert runs.claim(state, "evaluate", NOON, NOON, HOUR)
    assert not runs.claim(state, "evaluate", NOON, NOON + HOUR, HOUR)
    late = NOON + HOUR + timedelta(seconds=1)
    assert runs.claim(state, "evaluate", NOON, late, HOUR)
    assert not runs.claim(state, "evaluate", NOON, late, HOUR)


def test_an_ended_run_is_never_claimed_again(state: State) -> None:
    runs.claim(state, "evaluate", NOON, NOON, HOUR)
    runs.finish(state, "evaluate", NOON, NOON + HOUR, runs.FAILURE, "disk full")
    assert not runs.claim(state, "evaluate", NOON, NOON + 9 * HOUR, HOUR)
    (run,) = runs.newest(state, "evaluate")
    assert (run.outcome, run.message, run.finished) == ("failure", "disk full", NOON + HOUR)
    assert runs.last_success(state, "evaluate") is None


def test_old_runs_are_forgotten_but_not_those_that_run(state: State) -> None:
    for hour in range(3):
        runs.claim(state, "evaluate", NOON + hour * HOUR, NOON + hour * HOUR, HOUR)
    runs.finish(state, "evaluate", NOON, NOON, runs.SUCCESS)
    runs.finish(state, "evaluate", NOON + 2 * HOUR, NOON + 3 * HOUR, runs.SUCCESS)
    assert runs.forget(state, NOON + 2 * HOUR) == 1
    assert [run.slot for run in runs.newest(state)] == [NOON + 2 * HOUR, NOON + HOUR]
    assert runs.last_success(state, "evaluate") == NOON + 3 * HOUR


def test_the_hash_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "hash.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_or_create, [path] * 32))
    assert len(keys) == 1
    (key,) = keys
    assert len(key.secret) == 32
    assert len(key.id) == 8
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_secret_is_not_printed(tmp_path: Path) -> None:
    key = load_or_create(tmp_path / "hash.key")
    assert str(key) == "HashKey()"


def test_a_damaged_hash_key_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "hash.key").write_bytes(b"short")
    with pytest.raises(StateError, match="has 5 bytes instead of 32; restore it"):
        load_or_create(tmp_path / "hash.key")


def test_a_hash_key_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"file/hash\.key"):
        load_or_create(tmp_path / "file" / "hash.key")


def test_partitions_that_never_spoke_hold_the_watermark_until_they_are_gone(state: State) -> None:
    spoken = Heartbeat("s", "a", 5, 5, None, NOON)
    heartbeats.beat(state, [spoken])
    heartbeats.expect(state, "s", ["a", "b"], NOON)
    waiting = Heartbeat("s", "b", 0, 1, None, NOON)
    assert heartbeats.heartbeats(state) == [spoken, waiting]
    assert watermark([spoken, waiting], HOUR) is None
    heartbeats.forget(state, "s", ["a"])
    assert heartbeats.heartbeats(state) == [spoken]
