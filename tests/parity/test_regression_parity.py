"""Errors of numbers equal scikit-learn's and NumPy's from raw rows, whatever their size."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.profiles.layout import Profile
from tests.parity.raw_profiles import errors, profile

METRICS = {metric.name: metric for metric in CATALOGUE}
Rows = NDArray[np.float64]


def rows(seed: int, unit: float = 1.0, far: float = 0.0) -> tuple[Rows, Rows]:
    """Predictions and labels of a usual model, in some unit and around some place."""
    rng = np.random.default_rng(seed)
    label = far + unit * rng.gamma(2, 3, 3_000)
    return label + unit * (0.3 + rng.standard_t(4, 3_000)), label


def measured(name: str, current: Profile) -> Value:
    found = METRICS[name].measure(Subject(METRICS[name].column, current))
    assert isinstance(found, Value), found
    return found


WORLDS = {
    "usual": (1.0, 0.0, 0.0, 1.0),
    "tiny": (1e-9, 0.0, 0.0, 1.0),
    "large": (1e9, 0.0, 0.0, 1.0),
    "far away": (1.0, 1e6, 0.0, 1.0),
    "far away from a reference": (1.0, 1e9, 1e9, 4.0),
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("seed", range(3))
def test_errors_equal_scikit_learn(seed: int, world: str) -> None:
    unit, far, centre, scale = WORLDS[world]
    predicted, label = rows(seed, unit, far)
    current = profile(*errors(predicted, label, centre, scale))
    expected = {
        "mae": sk.mean_absolute_error(label, predicted),
        "rmse": sk.root_mean_squared_error(label, predicted),
        "mean_error": float((predicted - label).mean()),
        "r2": sk.r2_score(label, predicted),
    }
    for name, value in expected.items():
        assert measured(name, current).value == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_quantiles_lie_in_the_cell_of_the_raw_ones(seed: int, share: float) -> None:
    predicted, label = rows(seed)
    found = measured(
        "absolute_error_median" if share == 0.5 else "absolute_error_p90",
        profile(*errors(predicted, label)),
    )
    expected = float(np.quantile(np.abs(predicted - label), share, method="inverted_cdf"))
    assert found.value == pytest.approx(expected, rel=2 ** (1 / 16) - 1 + 1e-9)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < expected < found.upper
    if share == 0.5:
        assert found.value == pytest.approx(sk.median_absolute_error(label, predicted), rel=0.05)


def test_errors_by_hand() -> None:
    # Errors 1, -2, 3 around labels 1, 2, 6: their mean is 3, their squares from it add up to 14.
    current = profile(*errors(np.array([2.0, 0.0, 9.0]), np.array([1.0, 2.0, 6.0])))
    assert measured("mae", current).value == 2.0
    assert measured("rmse", current).value == pytest.approx(math.sqrt(14 / 3))
    assert measured("mean_error", current).value == pytest.approx(2 / 3)
    assert measured("r2", current).value == pytest.approx(0.0, abs=1e-15)


def test_a_constant_error_has_no_spread_and_claims_no_interval() -> None:
    label = np.arange(50) / 64
    found = measured("mae", profile(*errors(label + 0.125, label)))
    assert found == Value(found.value, 50)
    found = measured("rmse", profile(*errors(np.arange(0.5, 50.5), np.arange(50.0))))
    assert found == Value(0.5, 50)
    assert measured("r2", profile(*errors(label, label))).value == 1.0


def test_labels_without_spread_have_nothing_to_explain() -> None:
    current = profile(*errors(np.arange(40.0), np.full(40, 0.1)))
    found = METRICS["r2"].measure(Subject("errors", current))
    assert isinstance(found, Undefined)
    assert "no spread" in found.why


def test_one_wild_label_is_a_reason_and_no_number() -> None:
    current = profile(*errors(np.zeros(40), np.array([1.0] * 39 + [1e300])))
    for name in ("mae", "rmse", "mean_error", "r2", "absolute_error_median"):
        found = METRICS[name].measure(Subject("errors", current))
        assert found == Undefined(
            "1 row lies too far out to be added up; check the unit of the label"
        )
