"""A world that is sent as its time passes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cards.load import load_cards
from monitor.cli import main
from monitor.client.buffer import Sink
from monitor.client.sinks import Kafka
from monitor.simulate.live import MOST, lasting_world, send
from monitor.simulate.world import Event, World

START = datetime(2026, 3, 2, tzinfo=UTC)
SMALL = World(seed=3, start=START, days=3, per_day=100)


class Clock:
    """A clock that only waiting moves."""

    def __init__(self, now: datetime, until: datetime | None = None) -> None:
        self.now = now
        self.until = until
        self.waited = 0

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waited += 1
        self.now += timedelta(seconds=seconds)
        return self.until is not None and self.now >= self.until


class Taken(list[Sequence[Event]]):
    @property
    def events(self) -> list[Event]:
        return [event for batch in self for event in batch]


def test_the_past_is_sent_at_once_and_the_rest_when_it_happens() -> None:
    clock, taken = Clock(START + timedelta(days=1)), Taken()
    late: list[timedelta] = []

    def take(batch: Sequence[Event]) -> None:
        assert len(batch) <= MOST
        late.extend(clock.now - event.time for event in batch)
        taken.append(batch)

    assert send(SMALL, take, clock=clock, wait=clock.wait)
    assert taken.events == list(SMALL.events())
    past = sum(event.time < START + timedelta(days=1) for event in SMALL.events())
    assert len(taken[0]) == past
    assert min(late) >= timedelta()
    assert max(late[past:]) < timedelta(seconds=10)


def test_it_stops_when_it_is_told_to() -> None:
    stop = START + timedelta(days=2)
    clock, taken = Clock(START + timedelta(days=1), until=stop), Taken()
    assert not send(SMALL, taken.append, clock=clock, wait=clock.wait)
    assert (
        taken.events
        == [event for event in SMALL.events() if event.time < stop][: len(taken.events)]
    )
    assert taken.events[-1].time < stop
    assert clock.now < stop + timedelta(seconds=10)


def test_a_later_start_sends_the_same_past_again() -> None:
    first = lasting_world(START, START + timedelta(days=42), 2)
    second = lasting_world(START, START + timedelta(days=44, hours=1), 2)
    assert (first.days, second.days) == (44, 47)
    assert first.incidents == second.incidents
    assert second.per_day == first.per_day


def test_brokers_that_are_not_there_are_told_and_the_card_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(to: Kafka) -> Sink:
        raise ConnectionError(f"no broker of {to.bootstrap} answers")

    monkeypatch.setattr(Kafka, "open", away)
    cards = tmp_path / "cards"
    done = CliRunner().invoke(main, ["simulate", "--kafka", "localhost:1", "--cards", str(cards)])
    assert done.exit_code == 1
    assert "localhost:1 does not take messages: no broker of localhost:1" in done.output
    assert load_cards(cards).keys() == {"lending"}
