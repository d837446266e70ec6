"""Ids that stand in several windows, found in any order and across looks that die."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.log import moved as moved_log
from monitor.log.clean import clean_log
from monitor.log.events import EventLog
from monitor.log.moved import BEGIN, END, MovedLog, look
from monitor.log.store import Store
from tests.services.rows import START, at, prediction, store

SECONDS = {"credit": 300}


@pytest.fixture
def place(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "log"))


def listed(moved: MovedLog, model: str = "credit") -> list[int]:
    """Minutes after the start of the rows that do not count."""
    start = int(START.timestamp()) * 1_000_000
    return sorted(((moved.within(model, BEGIN, END).time - start) // 60_000_000).tolist())


def test_the_earliest_window_keeps_its_row(place: Store) -> None:
    log, moved = EventLog.open(place), MovedLog.open(place)
    store(
        log,
        *(prediction("a", at(minutes=m)) for m in (61, 7, 62, 8)),
        prediction("b", at(minutes=30)),
        *(prediction("c", at(minutes=m)) for m in (10, 11)),
        prediction("a", at(minutes=1), model="other"),
    )
    assert moved.looked() is None
    assert look(log, moved, SECONDS) == 2
    # Minutes 7 and 8 lie in one window, where the kernel decides; models are apart.
    assert listed(moved) == [61, 62]
    assert moved.counts() == {"credit": 2}
    assert moved.looked() == 1
    assert look(log, moved, SECONDS) == 0


def test_what_comes_later_is_compared_with_all_that_was_there(place: Store) -> None:
    log, moved = EventLog.open(place), MovedLog.open(place)
    store(log, prediction("a", at(days=3)), prediction("b"))
    assert look(log, moved, SECONDS) == 0
    store(log, prediction("a", at(days=5)))
    assert look(log, moved, SECONDS) == 1
    # An earlier copy: the one that won until now loses.
    store(log, prediction("a", at(days=-4)), prediction("a", at(days=5)))
    assert look(log, moved, SECONDS) == 1
    assert listed(moved) == [3 * 1440, 5 * 1440]
    changed = moved.changes(0, moved.version()).windows["prediction", "credit"]
    second = int(START.timestamp())
    assert changed == tuple((second + d * 86_400, second + d * 86_400 + 300) for d in (3, 5))


@pytest.mark.parametrize("partition", ["day", "month"])
def test_any_history_in_pieces_equals_a_look_by_hand(
    place: Store, monkeypatch: pytest.MonkeyPatch, partition: str
) -> None:
    monkeypatch.setattr(moved_log, "MOST", 9)
    dice = random.Random(3)
    log = EventLog.open(place, "month" if partition == "month" else "day")
    moved = MovedLog.open(place)
    times: dict[str, set[datetime]] = defaultdict(set)
    for _ in range(6):
        some = []
        for _ in range(20):
            event_id, time = f"{dice.randrange(40)}", at(minutes=dice.randrange(0, 90_000, 2))
            if times[event_id] and dice.random() < 0.5:
                time = min(times[event_id]) + timedelta(seconds=dice.choice([0, 1, 4_000]))
            times[event_id].add(time)
            some.append(prediction(event_id, time))
        store(log, *some)
        look(log, moved, SECONDS)
    expected = [
        time
        for found in times.values()
        for time in found
        if int(time.timestamp()) // 300 != int(min(found).timestamp()) // 300
    ]
    there = moved.within("credit", BEGIN, END).time.tolist()
    assert sorted(there) == sorted(int(time.timestamp() * 1_000_000) for time in expected)
    assert moved.counts() == {"credit": len(expected)}


def test_a_look_that_died_is_taken_again_and_lists_nothing_twice(
    place: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, moved = EventLog.open(place), MovedLog.open(place)
    store(log, *(prediction("a", at(hours=h)) for h in range(4)))
    honest = moved.append

    def dies(*arguments: object) -> None:
        honest(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(moved, "append", dies)
    with pytest.raises(KeyboardInterrupt):
        look(log, moved, SECONDS)
    again = MovedLog.open(place)
    assert again.looked() is None
    assert look(log, again, SECONDS) == 0
    assert again.counts() == {"credit": 3}


def test_a_first_look_needs_no_history(place: Store) -> None:
    log, moved = EventLog.open(place), MovedLog.open(place)
    for k in range(45):
        store(log, prediction("a", at(hours=k % 2)))
    clean_log(log.table, processed=45, keep=timedelta(0), now=datetime.now(START.tzinfo))
    assert look(log, moved, SECONDS) == 1
