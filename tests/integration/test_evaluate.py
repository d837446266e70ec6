"""Evaluation end to end: whatever the order, the batches and the runs, the numbers are the same."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.jobs import references
from monitor.profiles.reference import QUANTILES
from monitor.simulate.world import World
from tests.services.evaluation import Evaluation, portions

START = datetime(2026, 11, 2, tzinfo=UTC)
WORLD = World(11, START, 3, 300, duplicates=0.03)
CARD = (
    WORLD.card(1)
    .replace("profile: 6h", "profile: 15m")
    .replace("minimum_rows: 30", "minimum_rows: 5")
)
assert "profile: 15m, detect: 6h" in CARD
assert "minimum_rows: 5" in CARD
UNTIL = START + timedelta(days=4)


@pytest.fixture(scope="module")
def messages() -> list[bytes]:
    """All messages of the world in the order of their arrival."""
    return [event.value for event in WORLD.events()]


@pytest.fixture(scope="module")
def at_once(messages: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """One batch, one run."""
    service = Evaluation(tmp_path_factory.mktemp("once"), CARD)
    service.send(messages)
    service.run(UNTIL)
    return service


LEFT_OUT = {"duplicates", "conflicts"}
"""Metrics of messages that count in no other number."""


def assert_same(one: Evaluation, other: Evaluation, *, copies_came_later: bool = False) -> None:
    """Profiles of every level bit for bit, published numbers to the last digit."""
    assert one.profiles() == other.profiles()
    apart = LEFT_OUT if copies_came_later else set()

    def said(service: Evaluation) -> dict[tuple[object, ...], tuple[object, ...]]:
        found = service.results("publish")
        return {key: numbers for key, numbers in found.items() if key[0] not in apart}

    assert said(one) == said(other)


def pin_reference_of(done: Evaluation, service: Evaluation) -> None:
    """Put in force the reference that another service froze."""
    (model,) = service.cards
    found = references.in_force(done.state, done.definitions, done.cards[model])
    assert found is not None
    references.pin(service.state, service.definitions, found, by="test", now=service.now)


def test_batches_and_order_change_nothing(
    messages: list[bytes], at_once: Evaluation, tmp_path: Path
) -> None:
    shuffled = random.Random(3).sample(messages, len(messages))
    service = Evaluation(tmp_path, CARD)
    for portion in portions(shuffled, 1_500):
        service.send(portion)
    service.run(UNTIL)
    assert_same(service, at_once)


def live(service: Evaluation, arrivals: Sequence[tuple[datetime, bytes]], step: timedelta) -> None:
    """Send what arrives until each step, then evaluate a little behind it."""
    clock = START + step
    rest = list(arrivals)
    while rest:
        due = [value for time, value in rest if time < clock]
        rest = [(time, value) for time, value in rest if time >= clock]
        if due:
            service.send(due)
        service.run(clock - timedelta(minutes=17))
        clock += step
    service.run(UNTIL)


def test_many_runs_while_events_arrive_end_like_a_single_one(
    messages: list[bytes], at_once: Evaluation, tmp_path: Path
) -> None:
    service = Evaluation(tmp_path, CARD)
    pin_reference_of(at_once, service)
    live(service, [(e.time, e.value) for e in WORLD.events()], timedelta(hours=17, minutes=25))
    assert_same(service, at_once)


def test_late_events_and_a_storm_of_duplicates_after_close_change_nothing(
    messages: list[bytes], at_once: Evaluation, tmp_path: Path
) -> None:
    chance = random.Random(5)
    service = Evaluation(tmp_path, CARD)
    pin_reference_of(at_once, service)
    late = [message for message in messages if chance.random() < 0.3]
    held_back = set(late)
    service.send([message for message in messages if message not in held_back])
    service.run(START + timedelta(days=2, hours=3, minutes=35))
    chance.shuffle(late)
    service.send(late)
    service.run(START + timedelta(days=3))
    service.run(START + timedelta(days=3, minutes=50))
    service.send(chance.choices(messages, k=2_000))
    service.run(UNTIL)
    assert_same(service, at_once, copies_came_later=True)


def test_feedback_may_come_before_its_prediction(
    messages: list[bytes], at_once: Evaluation, tmp_path: Path
) -> None:
    service = Evaluation(tmp_path, CARD)
    pin_reference_of(at_once, service)
    is_prediction = [b'"type":"prediction"' in m or b'"type": "prediction"' in m for m in messages]
    assert any(is_prediction)
    service.send([m for m, is_one in zip(messages, is_prediction, strict=True) if not is_one])
    service.run(START + timedelta(days=2))
    service.send([m for m, is_one in zip(messages, is_prediction, strict=True) if is_one])
    service.run(UNTIL)
    assert_same(service, at_once)


def test_running_again_adds_nothing(messages: list[bytes], at_once: Evaluation) -> None:
    before = at_once.revisions()
    assert at_once.run(UNTIL).results == 0
    assert at_once.revisions() == before


def told(messages: list[bytes], kind: str) -> dict[str, dict[str, object]]:
    """The events of a kind by their id, each once."""
    events = [json.loads(message) for message in messages]
    return {event["event_id"]: event for event in events if event["type"] == kind}


def day_of(event: dict[str, object]) -> datetime:
    """First moment of an event's UTC day."""
    time = datetime.fromisoformat(str(event["event_time"])).astimezone(UTC)
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


def newest(events: Iterable[dict[str, object]]) -> dict[str, dict[str, object]]:
    """The last event said of each prediction."""
    ordered = sorted(events, key=lambda event: datetime.fromisoformat(str(event["event_time"])))
    return {str(event["prediction_id"]): event for event in ordered}


def test_published_numbers_are_those_of_the_raw_messages(
    messages: list[bytes], at_once: Evaluation
) -> None:
    predictions = told(messages, "prediction")
    labels = newest(told(messages, "outcome").values())
    decisions = newest(told(messages, "decision").values())
    reference = [p for p in predictions.values() if day_of(p) == START]
    compared = 0
    for day in (START + timedelta(days=n) for n in range(3)):
        mine = [p for p in predictions.values() if day_of(p) == day and p["version"] == "1"]

        def value(metric: str, column: str = "", day: datetime = day) -> float | None:
            (row,) = at_once.rows(
                metric, version="1", stage="", segment="", column_name=column, start=day
            )
            return row.value

        def is_value(metric: str, expected: float, column: str = "") -> None:
            nonlocal compared
            found = value(metric, column)
            if found is not None:
                compared += 1
                assert found == pytest.approx(expected, rel=0, abs=1e-9), (metric, column)

        known = [(p, labels[str(p["event_id"])]) for p in mine if str(p["event_id"]) in labels]
        right = [p["prediction"] == label["label"] for p, label in known]
        is_value("label_coverage", len(known) / len(mine))
        is_value("accuracy", sum(right) / max(len(right), 1))
        is_value("confidence_mean", float(np.mean([confidence(p) for p in mine])))
        seen = [
            (p, decisions[str(p["event_id"])]["decision"])
            for p in mine
            if decisions.get(str(p["event_id"]), {}).get("recommendation_shown", True)
            and str(p["event_id"]) in decisions
        ]
        against = sum(p["prediction"] != decided for p, decided in seen)
        is_value("override", against / max(len(seen), 1))
        is_value(
            "feature_missing", sum(feature(p, "income") is None for p in mine) / len(mine), "income"
        )
        rates = [
            np.mean([p["prediction"] == "approve" for p in mine if group(p) == sex])
            for sex in ("female", "male")
        ]
        is_value("demographic_parity_difference", abs(float(rates[0] - rates[1])), "sex")
        is_value("feature_psi", psi_of_purpose(reference, mine), "purpose")
        is_value("feature_psi", psi_of_age(reference, mine), "age")
    assert compared > 15


def confidence(prediction: dict[str, object]) -> float:
    """Confidence of the model in what it predicted."""
    given = prediction.get("confidence")
    if given is not None:
        return float(str(given))
    p = float(str(prediction["probability"]))
    return p if prediction["prediction"] == "approve" else 1 - p


def feature(prediction: dict[str, object], name: str) -> object:
    """A feature's value, None where it is missing."""
    features = prediction["features"]
    assert isinstance(features, dict)
    return features.get(name)


def group(prediction: dict[str, object]) -> object:
    """The applicant's sex."""
    attributes = prediction["attributes"]
    assert isinstance(attributes, dict)
    return attributes.get("sex")


def psi(before: Sequence[int], after: Sequence[int]) -> float:
    """The formula, with the published floor."""
    p, q = (np.maximum(np.array(x) / sum(x), 1e-4) for x in (before, after))
    return float(((q - p) * np.log(q / p)).sum())


def psi_of_purpose(
    before: Sequence[dict[str, object]], after: Sequence[dict[str, object]]
) -> float:
    """Over all purposes and missing ones; none but the declared ones occur."""
    counts = [Counter(feature(p, "purpose") for p in some) for some in (before, after)]
    names = sorted(counts[0].keys() | counts[1].keys(), key=str)
    return psi(*([one[name] for name in names] for one in counts))


def psi_of_age(before: Sequence[dict[str, object]], after: Sequence[dict[str, object]]) -> float:
    """Over twentieths of the reference."""
    sides = [np.array([feature(p, "age") for p in some], float) for some in (before, after)]
    fine = np.unique(np.quantile(sides[0], QUANTILES, method="inverted_cdf"))
    counts = [
        np.bincount(np.searchsorted(fine, x, "right"), minlength=len(fine) + 1) for x in sides
    ]
    least, firsts, held, left = 0.04 * len(before), [0], 0, len(before)
    for place, rows in enumerate(counts[0].tolist()):
        held, left = held + rows, left - rows
        if held >= least and left >= least:
            firsts.append(place + 1)
            held = 0
    return psi(*(np.add.reduceat(one, firsts).tolist() for one in counts))
