"""Quarantine, definitions, erasure, retention, compaction, cleaning."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import LogError
from monitor.log import clean
from monitor.log.compact import compact
from monitor.log.definitions import Definitions
from monitor.log.erase import Erased, erase
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog, State
from monitor.log.ledger import merged
from monitor.log.moved import MovedLog
from monitor.log.quarantine import quarantined, replay, replayed
from monitor.log.resolve import resolve
from monitor.log.retain import Retention, retain
from monitor.log.rewrite import FilesMovedError, files, read_file, replace
from monitor.log.store import Store
from tests.services import rows as build
from tests.services.rows import START, at, outcome, positions, prediction, store


@pytest.fixture
def place(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "log"))


@pytest.fixture
def log(place: Store) -> EventLog:
    return EventLog.open(place)


def test_quarantine_lists_the_newest_first_with_their_bytes(log: EventLog) -> None:
    store(
        log,
        build.quarantined("bad_json", payload=b"{"),
        build.quarantined("bad_time", at(minutes=5), payload=b"x", detail="no zone"),
        build.quarantined("bad_json", at(days=2), payload=None, source="files"),
        prediction("a"),
    )
    listed = quarantined(log)
    assert [m.position for m in listed] == ["p@2", "p@1", "p@0"]
    assert [m.payload for m in listed] == [None, b"x", b"{"]
    assert listed[1].detail == "no zone"
    assert [m.position for m in quarantined(log, reason="bad_json")] == ["p@2", "p@0"]
    assert [m.position for m in quarantined(log, source="files")] == ["p@2"]
    assert [m.position for m in quarantined(log, since=at(minutes=5))] == ["p@2", "p@1"]
    assert [m.position for m in quarantined(log, limit=1)] == ["p@2"]


def test_a_message_is_replayed_once(log: EventLog) -> None:
    store(log, build.quarantined("bad_json"), build.quarantined("bad_json"))
    again = build.table([prediction("a", offset=1), prediction("b", offset=1, row=1)])
    assert replay(log, again) == 1
    assert replay(log, again) == 0
    assert replayed(log) == {"p@1"}
    assert [m.is_replayed for m in quarantined(log)] == [True, False]
    assert replay(log, build.table([build.quarantined("bad_json", offset=0)])) == 0
    assert replay(log, build.table([prediction("c", offset=0)])) == 1
    last = log.changes(0, log.version()).ledger[-1]
    assert (last.partition, last.after, last.upto, last.tally.received) == ("replay", 0, 1, 1)


def test_replayed_feedback_is_resolved(place: Store, log: EventLog) -> None:
    feedback = FeedbackLog.open(place)
    store(log, prediction("a"), build.quarantined("bad_json"))
    resolve(log, feedback, upto_version=log.version(), horizon={}, now=START)
    replay(log, build.table([outcome("o", "a", offset=1)]))
    assert resolve(log, feedback, upto_version=log.version(), horizon={}, now=START).found == 1


def test_a_definition_is_written_once(place: Store) -> None:
    here, there = Definitions.open(place), Definitions.open(place)
    assert here.put("contract", "abc", "first", "credit")
    assert not there.put("contract", "abc", "second")
    assert there.get("contract", "abc") == "first"
    assert there.put("layout", "abc", "other kind")
    assert there.get("reference", "abc") is None
    assert here.list("contract") == {"abc": "first"}
    assert here.list("contract", "churn") == {}


def test_a_subject_is_erased_with_all_that_was_said_of_it(place: Store, log: EventLog) -> None:
    feedback = FeedbackLog.open(place)
    store(
        log,
        prediction("a", subject="s1"),
        prediction("b", subject="s2"),
        prediction("c", at(days=-3), subject="s1", model="churn"),
        outcome("o1", "a"),
        outcome("o2", "b"),
        outcome("o3", "c", model=None),
        outcome("o4", "a", model="churn"),
    )
    resolve(log, feedback, upto_version=1, horizon={}, now=START)
    before = log.version()
    assert erase(log, feedback, "s1") == Erased(predictions=2, feedback=2)
    assert erase(log, feedback, "s1") == Erased(0, 0)
    assert positions(log) == [("p", 1), ("p", 4), ("p", 6)]
    assert feedback.count(State.FOUND) == 1
    assert log.changes(before, log.version()).windows == {}


def test_each_model_keeps_its_own_time(place: Store, log: EventLog) -> None:
    feedback = FeedbackLog.open(place)
    for days in (1, 20, 50, 100):
        store(
            log,
            prediction(f"a{days}", at(days=-days)),
            prediction(f"b{days}", at(days=-days), model="churn"),
            prediction(f"c{days}", at(days=-days), model="gone"),
            build.quarantined("bad_json", at(days=-days)),
        )
    retention = Retention(
        events={"credit": timedelta(days=60), "churn": timedelta(days=30)},
        others=timedelta(days=10),
        quarantine=timedelta(days=7),
    )
    # Of 16: credit loses 100; churn 100, 50; gone 100, 50, 20; quarantine 100, 50, 20.
    moved = MovedLog.open(place)
    assert retain(log, feedback, moved, retention, now=START) == 9
    assert retain(log, feedback, moved, retention, now=START) == 0
    kept = pa.table(log.table.current().scan(columns=["event_id"]))["event_id"].to_pylist()
    assert {name for name in kept if name} == {"a1", "b1", "c1", "a20", "b20", "a50"}


def test_compaction_sorts_by_model_and_loses_nothing(log: EventLog) -> None:
    for k in range(9):
        store(log, prediction(f"{k}", at(minutes=-k), model=f"m{k % 3}"), outcome(f"o{k}", "x"))
    before = positions(log)
    assert compact(log.table) == 16
    assert positions(log) == before
    for file in files(log.table.current()):
        models = read_file(log.table, file, ["model"])["model"]
        assert pc.all(pc.equal(models, models.take(pc.sort_indices(models)))).as_py()


def test_files_that_somebody_took_are_not_brought_back(place: Store, log: EventLog) -> None:
    store(log, prediction("a"))
    store(log, prediction("b"))
    stale = EventLog.open(place)
    old = files(stale.table.current())
    rows = pa.concat_tables([read_file(stale.table, file) for file in old])
    log.table.current().delete("event_id = 'a'")
    with pytest.raises(FilesMovedError):
        replace(stale.table, old, rows, work="compact", data_change=False)
    assert positions(log) == [("p", 1)]


def test_the_log_is_cleaned_up_to_what_was_processed_and_not_beyond(
    place: Store, log: EventLog
) -> None:
    for k in range(70):
        store(log, prediction(f"{k}"))
    now, none = datetime.now(UTC) + timedelta(minutes=1), timedelta(0)
    assert clean.clean_log(log.table, processed=70, keep=timedelta(hours=1), now=now) == 0
    assert clean.clean_log(log.table, processed=45, keep=none, now=now) > 0
    assert len(log.changes(45, 70).ledger) == 25
    with pytest.raises(LogError, match="no commit 1"):
        log.changes(0, 70)
    again = EventLog.open(place)
    assert again.marks(["p"]) == {"p": 69}
    store(again, prediction("x"))
    assert len(positions(again)) == 71


def test_vacuum_leaves_young_files_alone(log: EventLog) -> None:
    store(log, prediction("a"))
    store(log, prediction("b"))
    compact(log.table, fewest=2)
    assert clean.vacuum(log.table, timedelta(hours=1)) == 0
    with pytest.raises(ValueError, match="younger than an hour"):
        clean.vacuum(log.table, timedelta(0))


ranges = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 9)).map(lambda r: (r[0], r[0] + r[1]))
)


@given(ranges, st.integers(1, 5))
def test_merged_ranges_cover_the_same_and_at_most_more(
    given_ranges: list[tuple[int, int]], most: int
) -> None:
    def points(spans: tuple[tuple[int, int], ...]) -> set[int]:
        return {point for start, end in spans for point in range(start, end)}

    exact, joined = merged(given_ranges), merged(given_ranges, most)
    assert points(exact) == points(tuple(given_ranges))
    assert all(a[1] < b[0] for a, b in pairwise(exact))
    assert len(joined) <= most
    assert points(joined) >= points(exact)
    if exact:
        assert (joined[0][0], joined[-1][1]) == (exact[0][0], exact[-1][1])


def test_of_two_that_replace_the_same_files_at_once_one_is_refused(tmp_path: Path) -> None:
    ours, theirs = (EventLog.open(Store(str(tmp_path))) for _ in range(2))
    for k in range(4):
        store(ours, prediction(f"p{k}"))
    old = files(ours.table.current())
    rows = pa.concat_tables([read_file(ours.table, file) for file in old])
    others = [lambda: replace(theirs.table, old, rows, work="compact", data_change=False)]

    def meanwhile(snapshot: DeltaTable) -> None:
        if others:
            others.pop()()

    with pytest.raises(FilesMovedError):
        replace(ours.table, old, rows, work="compact", data_change=False, check=meanwhile)
    assert positions(EventLog.open(Store(str(tmp_path)))) == [("p", k) for k in range(4)]


def test_a_log_that_cannot_be_reached_any_more_is_told_in_a_line(
    tmp_path: Path, log: EventLog
) -> None:
    store(log, prediction("a"))
    (tmp_path / "log").rename(tmp_path / "elsewhere")
    (tmp_path / "log").write_text("a file")
    with pytest.raises(LogError, match=r"cannot read \S+/log/events: .*[^\n]$"):
        log.version()
