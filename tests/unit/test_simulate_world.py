from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor.simulate.facts import Facts, total
from monitor.simulate.world import Event, World, demo_world
from tests.simulated import decoded, parsed_time

NOW = datetime(2026, 11, 20, 13, 27, 5, tzinfo=UTC)
START = datetime(2026, 3, 2, tzinfo=UTC)


def small(**changes: object) -> World:
    return World(**{"seed": 3, "start": START, "days": 5, "per_day": 300, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def dirty() -> tuple[World, list[Event]]:
    world = small(duplicates=0.1, poison=6, days=9)
    return world, list(world.events())


def test_equal_worlds_send_equal_bytes() -> None:
    assert list(small(duplicates=0.1).events()) == list(small(duplicates=0.1).events())


def test_another_seed_is_another_world_with_other_ids() -> None:
    ours, theirs = ({e.key for e in small(seed=s).events()} for s in (1, 2))
    assert ours & theirs == {b"lending"}


def test_a_longer_world_begins_with_the_shorter_one() -> None:
    short, long = list(small().events()), list(small(days=7).events())
    assert long[: len(short)] == short


def test_repeating_messages_changes_no_original(dirty: tuple[World, list[Event]]) -> None:
    clean = Counter(e.value for e in small(days=9).events())
    assert clean <= Counter(e.value for e in dirty[1])


def test_events_arrive_in_order_and_never_before_they_happen() -> None:
    events = list(small().events())
    assert all(a.time <= b.time for a, b in pairwise(events))
    assert all(parsed_time(e.value) <= e.time for e in events)


def test_nothing_happens_outside_the_world() -> None:
    world = demo_world(NOW, days=5, per_day=200)
    times = [parsed_time(e.value) for e in world.events()]
    assert NOW - timedelta(hours=1) < world.end <= NOW
    assert world.start <= min(times)
    assert max(e.time for e in world.events()) < world.end


def test_feedback_follows_its_prediction() -> None:
    events = decoded(small().events())
    times = {e["event_id"]: e["event_time"] for e in events if e["type"] == "prediction"}
    feedback = [e for e in events if "prediction_id" in e]
    assert len(feedback) > 1_000
    for event in feedback:
        assert event["event_time"] > times[event["prediction_id"]]
        assert (
            event.get("prediction_time", times[event["prediction_id"]])
            == (times[event["prediction_id"]])
        )


def test_each_truth_is_what_a_count_of_the_messages_gives(
    dirty: tuple[World, list[Event]],
) -> None:
    world, sent = dirty
    poison = [e for e in sent if e.key == b"poison"]
    distinct = {e.value: e for e in sent if e.key != b"poison"}
    events = decoded(distinct.values())
    kinds = Counter(e["type"] for e in events)
    predictions = {e["event_id"]: e for e in events if e["type"] == "prediction"}
    shown = [e for e in events if e.get("recommendation_shown")]
    overruled = [e for e in shown if e["decision"] != predictions[e["prediction_id"]]["prediction"]]
    outcomes = [e for e in events if e["type"] == "outcome"]
    truth = world.truth()
    assert truth == Facts(
        predictions=kinds["prediction"],
        versions=Counter(e["version"] for e in predictions.values()),
        approved=sum(e["prediction"] == "approve" for e in predictions.values()),
        decisions=kinds["decision"],
        shown=len(shown),
        overridden=len(overruled),
        decisions_by_team=Counter(e["team"] for e in shown),
        overrides_by_team=Counter(e["team"] for e in overruled),
        outcomes=kinds["outcome"],
        right=sum(e["label"] == predictions[e["prediction_id"]]["prediction"] for e in outcomes),
        usage=kinds["usage"],
        failures=kinds["failure"],
        deployments=kinds["deployment"],
        duplicates=len(sent) - len(poison) - len(distinct),
        poison=truth.poison,
    )
    assert sum(truth.poison.values()) == len(poison) == 9 * 6
    assert truth.messages == len(sent)
    assert truth.duplicates > 0.15 * len(distinct)


def test_the_sum_of_no_facts_is_nothing() -> None:
    assert total([]) == Facts()
    assert Facts().messages == 0


def test_version_2_takes_over_as_planned() -> None:
    world = demo_world(NOW)
    events = decoded(world.events())
    days = [(parsed_time(e) - world.start) / timedelta(days=1) for e in events]
    predictions = [
        (day, e) for day, e in zip(days, events, strict=True) if e["type"] == "prediction"
    ]
    for begin, end, share, stage in (
        (0, 8, 0, None),
        (8, 10, 0.1, "canary"),
        (12, 21, 0.5, "full"),
    ):
        window = [e for day, e in predictions if begin <= day < end]
        second = [e for e in window if e["version"] == "2"]
        assert len(second) / len(window) == pytest.approx(share, abs=0.02)
        assert {e["stage"] for e in second} == ({stage} if stage else set())
    steps = [e["traffic_share"] for e in events if e["type"] == "deployment"]
    assert steps == [1.0, 0.1, 0.25, 0.5]


def test_nights_and_sundays_are_quiet() -> None:
    world = small(days=14, per_day=2_000)
    times = [parsed_time(e) for e in decoded(world.events()) if e["type"] == "prediction"]
    hours, weekdays = Counter(t.hour for t in times), Counter(t.weekday() for t in times)
    assert hours[2] < 0.15 * hours[10]
    assert weekdays[6] < 0.6 * weekdays[0]
    assert len(times) == pytest.approx(14 * 2_000, rel=0.02)
