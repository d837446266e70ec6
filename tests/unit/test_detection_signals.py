import math

import numpy as np
import pytest

from monitor.detection.components import shape_of
from monitor.detection.readings import HUGE, History, Kind, Reading, told
from monitor.detection.signals import (
    TOP,
    Graded,
    calibration,
    categories,
    expected_accuracy,
    gap,
    mean,
    numeric,
    share,
    together,
    unusual,
    volume,
    watched,
)
from monitor.detection.tolerance import tolerances
from monitor.profiles.layout import Floats

SEED = 20_261_127


def test_components_have_the_variance_that_is_told() -> None:
    rng = np.random.default_rng(SEED)
    p = rng.dirichlet(np.ones(12))
    shape = shape_of((p * 1e6).astype(np.int64), 400)
    assert shape is not None
    found = numeric(shape, rng.multinomial(400, shape_share(p), 4_000))
    scores = found.value / np.sqrt(found.variance)
    # 4,000 windows: the deviation of a variance is about 0.022.
    assert scores.var(axis=1) == pytest.approx(np.ones(4), abs=0.12)
    assert np.abs(scores.mean(axis=1)).max() < 0.08
    assert found.names == ("location", "spread", "skew", "tails")
    assert found.weights == pytest.approx([0.4, 0.3, 0.15, 0.15])


def shape_share(p: Floats) -> Floats:
    return p / p.sum()


def test_windows_without_rows_are_missing_and_never_zero() -> None:
    rows = np.array([0, 4])
    for found in (
        share(np.array([0, 1]), rows),
        mean(np.array([0.0, 2.0]), rows, 1.0),
        volume(rows),
        expected_accuracy(np.array([0.0, 3.0]), np.array([0.0, 0.5]), rows),
        gap(np.array([0, 1]), rows, np.array([1, 1]), np.array([5, 5])),
    ):
        assert found.rows[:, 0].tolist() == [0.0] * len(found.names)
        assert (found.rows[:, 1] > 0).all()
        assert np.isfinite(found.value).all()
        assert (found.variance > 0).all()


def test_categories_are_named_others_and_unseen() -> None:
    reference = np.array([500, 0, 300] + [20] * (TOP + 2))
    which = watched(reference)
    assert which.top[:2] == (0, 2)
    assert len(which.top) == TOP
    assert which.unseen == (1,)
    names = [f"c{i}" for i in range(len(reference))]
    counts = np.zeros((1, len(reference)), np.int64)
    counts[0, [0, 1, len(reference) - 1]] = [5, 3, 2]
    found = categories(which, counts, names)
    by_name = dict(zip(found.names, found.value[:, 0].tolist(), strict=True))
    assert by_name["c0"] == 0.5
    assert by_name["unseen"] == 0.3
    assert by_name["other"] == 0.2
    assert found.weights.sum() == pytest.approx(1)
    assert set(found.kinds.tolist()) == {Kind.SHARE}


def test_two_categories_are_one_share() -> None:
    found = categories(watched(np.array([70, 30])), np.array([[1, 3]]), ["no", "yes"])
    assert found.names == ("yes",)
    assert found.value.tolist() == [[0.75]]


def test_a_column_without_any_row_is_watched_for_what_comes() -> None:
    found = categories(watched(np.array([0, 0])), np.array([[2, 1]]), ["a", "b"])
    assert found.names == ("unseen",)
    assert found.value.tolist() == [[1.0]]


def test_a_constant_column_is_watched_for_other_values() -> None:
    found = unusual(np.array([[0, 10, 0], [1, 8, 1]]), 1)
    assert found.value.tolist() == [[0.0, 0.2]]


def test_calibration_by_hand() -> None:
    # Two rows: p 0.8 came true, p 0.6 did not; mean p of the reference 0.5, its variance 0.04.
    graded = Graded(
        np.array([2]),
        np.array([0.2 - 0.6]),
        np.array([0.16 + 0.24]),
        np.array([0.2 * 0.3 - 0.6 * 0.1]),
        np.array([0.16 * 0.09 + 0.24 * 0.01]),
    )
    found = calibration(graded, 0.04)
    assert found.value[:, 0] == pytest.approx([-0.2, 0.0])
    assert found.variance[:, 0] == pytest.approx([0.4 / 4, 0.0168 / 4 / 0.04**2])
    assert calibration(graded, 0.0).names == ("bias",)


def test_calibration_scores_are_standard_for_a_calibrated_model() -> None:
    rng = np.random.default_rng(SEED)
    p = rng.beta(2, 3, (3_000, 200))
    y = rng.random(p.shape) < p
    middle, spread = 0.4, 0.04
    graded = Graded(
        np.full(3_000, 200),
        (y - p).sum(axis=1),
        (p * (1 - p)).sum(axis=1),
        ((y - p) * (p - middle)).sum(axis=1),
        (p * (1 - p) * (p - middle) ** 2).sum(axis=1),
    )
    found = calibration(graded, spread)
    scores = found.value / np.sqrt(found.variance)
    assert scores.var(axis=1) == pytest.approx([1, 1], abs=0.12)


def test_a_gap_by_hand() -> None:
    found = gap(np.array([3]), np.array([10]), np.array([30]), np.array([50]))
    r = 34 / 62
    assert found.value[0, 0] == pytest.approx(0.3 - 0.6)
    assert found.variance[0, 0] == pytest.approx(r * (1 - r) * (1 / 10 + 1 / 50))


def test_signals_together_share_the_weight() -> None:
    rows = np.array([5, 5])
    found = together(
        [(0.3, share(rows, rows).named("a")), (0.7, volume(rows).named("b"))],
    )
    assert found.names == ("a/share", "b/log rows")
    assert found.weights == pytest.approx([0.3, 0.7])
    assert found.value.shape == (2, 2)


def test_readings_of_unlike_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="unlike shapes"):
        Reading(np.zeros(2), np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="unlike shapes"):
        History(3_600, 0, np.zeros(3), np.zeros(3), np.zeros(3))


def test_what_arithmetic_cannot_bear_is_no_value() -> None:
    value = np.array([0.0, math.nan, math.inf, -2 * HUGE, 1.0, 1.0])
    rows = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    variance = np.array([1.0, 1.0, 1.0, 1.0, 1.0, math.nan])
    assert told(value, rows, variance).tolist() == [True, False, False, False, False, False]


def test_tolerances_are_in_the_unit_of_each_signal() -> None:
    # A mean of rows with deviation 5, a share of 0.3, a count, a signal never seen.
    value = np.array([[7.0, 7.0], [0.2, 0.4], [6.0, 6.0], [0.0, 0.0]])
    rows = np.array([[10.0, 40.0], [50.0, 50.0], [400.0, 400.0], [0.0, 0.0]])
    variance = np.array([[2.5, 0.625], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    kinds = np.array([Kind.NORMAL, Kind.SHARE, Kind.COUNT, Kind.NORMAL], np.int8)
    found = tolerances(History(3_600, 0, value, rows, variance), kinds)
    assert found == pytest.approx([0.1, 0.006, math.log(1.02), 0.0])
