"""Weighted figures equal scikit-learn's with sample_weight, from raw rows."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.profiles.layout import Profile
from tests.parity.raw_profiles import (
    profile,
    weighted_classes,
    weighted_errors,
    weights,
)

METRICS = {metric.name: metric for metric in CATALOGUE}
CLASSES = ("no", "yes")
THREE = ("a", "b", "c")
SEEDS = range(3)
SUMS = 1e-9

Rows = NDArray[np.float64]


def measured(name: str, current: Profile, positive: str | None = "yes") -> Value:
    found = METRICS[name].measure(Subject(METRICS[name].column, current, positive=positive))
    assert isinstance(found, Value), found
    return found


def sample_of(rng: np.random.Generator, rows: int) -> Rows:
    return rng.choice([0.0, 0.25, 1.0, 10.0, 123.456], rows, p=[0.05, 0.2, 0.4, 0.3, 0.05])


@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 3, 2_000)
    y = rng.random(2_000) < p
    w = sample_of(rng, 2_000)
    said = p > 0.45
    loss = -np.log(np.where(y, p, 1 - p))
    predicted, label = ([CLASSES[int(x)] for x in some] for some in (said, y))
    each = {"brier": (p - y) ** 2, "log_loss": loss}
    current = profile(weighted_classes(w, predicted, label, each, CLASSES))
    given = {"sample_weight": w}
    expected = {
        "weighted_accuracy": sk.accuracy_score(y, said, **given),
        "weighted_balanced_accuracy": sk.balanced_accuracy_score(y, said, **given),
        "weighted_precision": sk.precision_score(y, said, **given),
        "weighted_recall": sk.recall_score(y, said, **given),
        "weighted_f1": sk.f1_score(y, said, **given),
        "weighted_brier": sk.brier_score_loss(y, p, **given),
        "weighted_log_loss": sk.log_loss(y, p, **given),
    }
    for name, value in expected.items():
        assert measured(name, current).value == pytest.approx(value, abs=SUMS)


@pytest.mark.parametrize("seed", SEEDS)
def test_three_classes_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.choice(THREE, 2_000, p=[0.6, 0.3, 0.1])
    said = np.where(rng.random(2_000) < 0.7, y, rng.choice(THREE, 2_000))
    w = sample_of(rng, 2_000)
    nothing = {"brier": np.zeros(2_000), "log_loss": np.zeros(2_000)}
    current = profile(weighted_classes(w, said.tolist(), y.tolist(), nothing, THREE))
    given = {"sample_weight": w, "average": "macro"}
    expected = {
        "weighted_accuracy": sk.accuracy_score(y, said, sample_weight=w),
        "weighted_balanced_accuracy": sk.balanced_accuracy_score(y, said, sample_weight=w),
        "weighted_precision": sk.precision_score(y, said, **given),
        "weighted_recall": sk.recall_score(y, said, **given),
        "weighted_f1": sk.f1_score(y, said, **given),
    }
    for name, value in expected.items():
        assert measured(name, current, None).value == pytest.approx(value, abs=SUMS)


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = rng.gamma(2, 100, 2_000)
    predicted = label * rng.lognormal(0.1, 0.3, 2_000)
    w = sample_of(rng, 2_000)
    current = profile(weighted_errors(w, predicted, label))
    expected = {
        "weighted_mae": sk.mean_absolute_error(label, predicted, sample_weight=w),
        "weighted_rmse": sk.root_mean_squared_error(label, predicted, sample_weight=w),
        "weighted_mean_error": float(np.average(predicted - label, weights=w)),
    }
    for name, value in expected.items():
        assert measured(name, current).value == pytest.approx(value, rel=SUMS)


def test_effective_rows_by_hand() -> None:
    # Nine of weight 1 and one of weight 9: 18 squared over 9 + 81.
    w = np.array([1.0] * 9 + [9.0])
    assert measured("effective_labels", profile(weights(w, w > 0))).value == 324 / 90


def test_without_weights_nothing_is_weighed() -> None:
    w = np.ones(50)
    current = profile(weights(w, w < 0))
    found = METRICS["effective_labels"].measure(Subject("weights", current))
    assert found == Undefined("no outcome has a weight")


def test_equal_weights_give_as_many_rows_as_there_are() -> None:
    w = np.full(64, 0.125)
    assert measured("effective_labels", profile(weights(w, w > 0))).value == 64
