"""Our figures about truth equal those of scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Value
from monitor.profiles.layout import Profile
from tests.parity.raw_profiles import calibration, confusion, losses, profile, scores

METRICS = {metric.name: metric for metric in CATALOGUE}
CLASSES = ("no", "yes")
SEEDS = range(5)


class World:
    """Raw rows of a two-class model."""

    def __init__(self, seed: int, rows: int = 4_000, decimals: int | None = None) -> None:
        rng = np.random.default_rng(seed)
        true = rng.beta(2, 3, rows)
        self.probability = np.clip(true + rng.normal(0, 0.1, rows), 0, 1)
        if decimals is not None:
            self.probability = self.probability.round(decimals)
        self.positive = rng.random(rows) < true
        self.selected = self.probability >= 0.4
        self.label = [CLASSES[int(x)] for x in self.positive]
        self.predicted = [CLASSES[int(x)] for x in self.selected]


def measured(name: str, current: Profile) -> Value:
    subject = Subject(METRICS[name].column, current, positive="yes")
    found = METRICS[name].measure(subject)
    assert isinstance(found, Value)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracy_equals_scikit_learn_exactly(seed: int) -> None:
    world = World(seed)
    found = measured("accuracy", profile(confusion(world.predicted, world.label, CLASSES)))
    assert found.value == accuracy_score(world.label, world.predicted)


@pytest.mark.parametrize("seed", SEEDS)
def test_brier_equals_scikit_learn(seed: int) -> None:
    world = World(seed)
    found = measured("brier", profile(losses(world.probability, world.positive)))
    expected = brier_score_loss(world.positive, world.probability)
    assert found.value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("decimals", [1, 2, None])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_area_under_the_curve_equals_scikit_learn_within_its_bound(
    seed: int, decimals: int | None
) -> None:
    world = World(seed, decimals=decimals)
    current = profile(scores(world.probability, world.positive))
    expected = roc_auc_score(world.positive, world.probability)
    found, bound = measured("roc_auc", current), measured("roc_auc_bound", current)
    assert abs(found.value - expected) <= bound.value + 1e-12
    assert decimals is None or found.value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_calibration_error_equals_the_formula_over_the_raw_rows(seed: int) -> None:
    world = World(seed)
    confidence = np.maximum(world.probability, 1 - world.probability)
    right = (world.probability >= 0.5) == world.positive
    expected = 0.0
    for tenth in range(10):
        inside = (confidence > tenth / 10) & (confidence <= (tenth + 1) / 10)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            expected += gap * inside.mean()
    found = measured("calibration_error", profile(calibration(confidence, right)))
    assert found.value == pytest.approx(expected, abs=1e-9)
