"""The formulas on cases worked by hand or printed in the papers."""

import math

import numpy as np
import pytest
from scipy.special import stdtrit

from monitor.metrics.auc import area_interval, area_under_curve
from monitor.metrics.chi_square import chi_square
from monitor.metrics.comparison import coarse
from monitor.metrics.fairness.gaps import largest_gap
from monitor.metrics.fairness.rates import Share
from monitor.metrics.intervals import mean_interval, newcombe, student, wilson
from monitor.metrics.jensen_shannon import jensen_shannon_distance
from monitor.metrics.kolmogorov_smirnov import kolmogorov_smirnov
from monitor.metrics.psi import population_stability_index
from monitor.metrics.wasserstein import area, single_values, wasserstein
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Ints


def ints(*counts: int) -> Ints:
    return np.array(counts, np.int64)


def distribution(
    edges: list[float], counts: list[int], low: float, high: float, mean: float
) -> Distribution:
    """A distribution in its own unit, its variance 1 around 0."""
    rows = sum(counts)
    sums = {"sum_scaled": mean * rows, "squares_scaled": (1.0 + mean**2) * rows}
    return Distribution(
        edges=np.array(edges),
        counts=ints(*counts),
        missing=0,
        shift=0.0,
        scale=1.0,
        clipped=0,
        low=low,
        high=high,
        **sums,
    )


@pytest.mark.parametrize(
    ("hits", "rows", "lower", "upper"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_as_printed_by_newcombe_1998(
    hits: int, rows: int, lower: float, upper: float
) -> None:
    assert wilson(hits, rows) == pytest.approx((lower, upper), abs=5e-5)


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "lower", "upper"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_newcombe_is_as_printed_by_newcombe_1998(
    a: int, m: int, b: int, n: int, lower: float, upper: float
) -> None:
    assert newcombe(a, m, b, n) == pytest.approx((lower, upper), abs=5e-5)


def test_a_share_of_nothing_may_be_anything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("freedom", [10, 29, 99, 5_000])
def test_student_equals_scipy(freedom: int) -> None:
    assert student(freedom) == pytest.approx(stdtrit(freedom, 0.975), abs=2e-4)


def test_a_mean_without_spread_has_no_interval() -> None:
    assert mean_interval(100, 30.0, 9.0) is None
    assert mean_interval(1, 0.3, 0.09) is None


def test_psi_of_a_quarter_moved() -> None:
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    expected = -0.25 * math.log(0.5) + 0.25 * math.log(1.5)
    assert population_stability_index(p, q) == pytest.approx(expected)


def test_psi_of_an_empty_bin_takes_it_as_a_ten_thousandth() -> None:
    found = population_stability_index(np.array([1.0, 0.0]), np.array([0.9, 0.1]))
    assert found == pytest.approx(-0.1 * math.log(0.9) + 0.0999 * math.log(1_000))


def test_jensen_shannon_of_nothing_in_common_is_its_maximum() -> None:
    found = jensen_shannon_distance(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert found == pytest.approx(math.sqrt(math.log(2)))


def test_chi_square_leaves_out_bins_that_are_empty_on_both_sides() -> None:
    # Expected 37.5 and 62.5 twice, each 7.5 off: 2 (56.25 / 37.5 + 56.25 / 62.5).
    assert chi_square(ints(30, 70, 0), ints(45, 55, 0)) == pytest.approx(4.8)


def test_quantile_bins_are_merged_into_twenty_of_five_percent() -> None:
    tail = [1, 4, 15, 30]
    fine = ints(*tail, *[50] * 18, *reversed(tail))
    first = coarse(fine.tobytes())
    assert np.add.reduceat(fine, first).tolist() == [50] * 20


def test_what_is_left_after_the_last_full_bin_joins_it() -> None:
    assert coarse(ints(50, 40, 7, 2, 1).tobytes()).tolist() == [0, 1, 2]
    assert coarse(ints(50, 47, 2, 1, 0).tobytes()).tolist() == [0, 1]


def test_kolmogorov_smirnov_lies_between_the_edge_and_the_bins_around_it() -> None:
    before = distribution([0.0], [5, 5], -1, 1, 0.0)
    after = distribution([0.0], [2, 8], -1, 1, 0.3)
    # Known: 0.5 against 0.2 at 0. Possible: all five of the first bin before its other two.
    assert kolmogorov_smirnov(before, after) == pytest.approx((0.3, 0.8))


def test_kolmogorov_smirnov_sees_that_two_columns_in_one_bin_do_not_meet() -> None:
    before = distribution([9.0], [5, 0], 0, 1, 0.5)
    after = distribution([9.0], [5, 0], 2, 3, 2.5)
    assert kolmogorov_smirnov(before, after) == (1.0, 1.0)


def test_the_area_between_crossing_lines_counts_both_sides() -> None:
    even = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    step = np.array([0.0, 0.5, 0.5, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])
    assert area(*even, *step) == pytest.approx(0.25)


def test_wasserstein_of_a_shift_is_the_shift_exactly() -> None:
    before = distribution([0.0], [5, 5], -1, 1, 0.0)
    after = distribution([0.0], [0, 10], 4, 6, 5.0)
    assert wasserstein(before, after) == pytest.approx((5.0, 5.0, 5.0))


def test_edges_with_a_bin_per_value_give_the_values_back() -> None:
    edges = [0.0, 0.5, 2.0, np.nextafter(3.0, 4)]
    column = distribution(edges, [0, 5, 4, 1, 0], 0, 3, 0.7)
    found = single_values(column)
    assert found is not None
    assert found.tolist() == [0.0, 1.0, 3.0]


def test_quantile_edges_are_not_taken_for_single_values() -> None:
    assert single_values(distribution([0.0, 1.0, 2.0], [1, 3, 3, 1], -1, 2, 1.0)) is None


def test_the_area_under_the_curve_counts_ties_as_half() -> None:
    # Pairs: (1, 0) right, (1, 1) tied, (2, 0) and (2, 1) right: 3.5 of 4.
    assert area_under_curve(ints(0, 1, 1), ints(1, 1, 0)) == (0.875, 0.125)


def test_a_perfect_separation_is_no_certainty() -> None:
    lower, upper = area_interval(ints(0, 30), ints(30, 0))
    assert upper == 1.0
    assert 0.8 < lower < 0.95


def test_the_interval_of_the_area_has_delongs_variance_away_from_one() -> None:
    rng = np.random.default_rng(9)
    positive, negative = rng.normal(1, 1, 150), rng.normal(0, 1, 200)
    greater = (positive[:, None] > negative).astype(float)
    spread = greater.mean(axis=1).var(ddof=1) / 150 + greater.mean(axis=0).var(ddof=1) / 200
    ends = np.linspace(-6, 6, 100_001)
    cells = [np.histogram(x, ends)[0] for x in (positive, negative)]
    a = greater.mean()
    half = 1.959964 * math.sqrt(spread) / (a * (1 - a))
    expected = [1 / (1 + math.exp(-(math.log(a / (1 - a)) + s * half))) for s in (-1, 1)]
    assert area_interval(cells[0], cells[1]) == pytest.approx(expected, abs=1e-4)


def test_the_largest_gap_is_between_the_extreme_groups() -> None:
    found = largest_gap([Share(48, 80), Share(50, 75), Share(56, 70)])
    assert found.value == pytest.approx(0.2)
    assert (found.lower, found.upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.rows == 225


def test_the_interval_of_no_gap_begins_at_nothing() -> None:
    found = largest_gap([Share(10, 40), Share(10, 40)])
    assert (found.value, found.lower) == (0.0, 0.0)
    assert found.upper is not None
    assert found.upper > 0.1
