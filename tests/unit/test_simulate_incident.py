"""The planted incident is to be found with NumPy and SciPy alone, and nothing else is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from monitor.simulate.world import World, demo_world
from tests.simulated import decoded, parsed_time

NOW = datetime(2026, 11, 20, 13, 27, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """Predictions and shown decisions of the reference and of the last five days."""

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    reviews_before: list[dict[str, Any]]
    reviews_after: list[dict[str, Any]]
    classes: dict[str, str]
    labels: dict[str, str]


def seen(world: World) -> Seen:
    events = decoded(world.events())
    split, reference = world.end - timedelta(days=5), world.start + timedelta(days=7)
    predictions = [e for e in events if e["type"] == "prediction"]
    reviews = [e for e in events if e.get("recommendation_shown")]
    return Seen(
        before=[e for e in predictions if parsed_time(e) < reference],
        after=[e for e in predictions if parsed_time(e) >= split],
        reviews_before=[e for e in reviews if parsed_time(e) < split],
        reviews_after=[e for e in reviews if parsed_time(e) >= split],
        classes={e["event_id"]: e["prediction"] for e in predictions},
        labels={e["prediction_id"]: e["label"] for e in events if e["type"] == "outcome"},
    )


@pytest.fixture(scope="module")
def troubled() -> Seen:
    return seen(demo_world(NOW))


@pytest.fixture(scope="module")
def calm() -> Seen:
    return seen(demo_world(NOW, calm=True))


def incomes(events: list[dict[str, Any]], *channels: str) -> np.ndarray:
    values = [
        e["features"]["income"]
        for e in events
        if not channels or e["features"]["channel"] in channels
    ]
    return np.array([value for value in values if value is not None])


def confidence(events: list[dict[str, Any]]) -> np.ndarray:
    probability = np.array([e["probability"] for e in events])
    return np.maximum(probability, 1 - probability)


def overrides(reviews: list[dict[str, Any]], classes: dict[str, str], *teams: str) -> np.ndarray:
    """Whether each decision of these teams overruled the model."""
    return np.array(
        [e["decision"] != classes[e["prediction_id"]] for e in reviews if e["team"] in teams]
    )


def test_income_of_mobile_drifts_and_of_the_rest_does_not(troubled: Seen) -> None:
    before, after = incomes(troubled.before), incomes(troubled.after)
    assert stats.ks_2samp(before, after).statistic > 0.15
    mobile = incomes(troubled.after, "mobile")
    assert np.mean(mobile < 1_000) == pytest.approx(0.6, abs=0.03)
    rest = ("web", "broker", "desk")
    same = stats.ks_2samp(incomes(troubled.before, *rest), incomes(troubled.after, *rest))
    assert same.pvalue > 0.01


def test_confidence_falls(troubled: Seen, calm: Seen) -> None:
    before, after = confidence(troubled.before), confidence(troubled.after)
    fall = before.mean() - after.mean()
    error = np.sqrt(before.var() / len(before) + after.var() / len(after))
    assert fall > 5 * error
    assert np.mean(after < 0.6) > np.mean(before < 0.6) + 0.03
    quiet = confidence(calm.after)
    assert np.mean(after < 0.6) > np.mean(quiet < 0.6) + 0.03
    assert after.mean() < quiet.mean()


def test_only_team_south_overrules_more(troubled: Seen) -> None:
    assert overrides(troubled.reviews_before, troubled.classes, "south").mean() == (
        pytest.approx(0.08, abs=0.02)
    )
    assert overrides(troubled.reviews_after, troubled.classes, "south").mean() == (
        pytest.approx(0.25, abs=0.04)
    )
    others = overrides(troubled.reviews_after, troubled.classes, "north", "central")
    assert others.mean() == pytest.approx(0.08, abs=0.02)


def test_a_calm_world_shows_no_change(calm: Seen) -> None:
    for name in ("age", "loan_amount", "debt_ratio", "late_payments"):
        before, after = (
            np.array([e["features"][name] for e in events], float)
            for events in (calm.before, calm.after)
        )
        p = stats.ks_2samp(before[~np.isnan(before)], after[~np.isnan(after)]).pvalue
        assert p > 0.001
    assert stats.ks_2samp(incomes(calm.before), incomes(calm.after)).pvalue > 0.001
    teams = ("north", "south", "central")
    assert overrides(calm.reviews_after, calm.classes, *teams).mean() == (
        pytest.approx(0.08, abs=0.02)
    )


def test_people_mend_more_than_they_harm(troubled: Seen) -> None:
    right = [
        e["decision"] == troubled.labels[e["prediction_id"]]
        for e in troubled.reviews_before + troubled.reviews_after
        if e["prediction_id"] in troubled.labels
        and e["decision"] != troubled.classes[e["prediction_id"]]
    ]
    assert len(right) > 200
    assert np.mean(right) > 0.5


def test_probabilities_mean_what_they_say(calm: Seen) -> None:
    known = [e for e in calm.before if e["event_id"] in calm.labels]
    truth = np.array([calm.labels[e["event_id"]] == "approve" for e in known])
    probability = np.array([e["probability"] for e in known])
    band = np.minimum((probability * 10).astype(int), 9)
    gaps = [abs(truth[band == b].mean() - probability[band == b].mean()) for b in range(10)]
    assert max(gaps) < 0.12
    assert np.mean((probability >= 0.5) == truth) == pytest.approx(0.81, abs=0.03)
