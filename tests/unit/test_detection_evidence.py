import math

import numpy as np
import pytest
from scipy import stats

from monitor.detection.bets import moved_on, settled
from monitor.detection.components import shape_of, usual
from monitor.detection.evidence import (
    BETS,
    CLIP,
    DELTAS,
    count_score,
    log_e_normal,
    log_e_share,
    log_mean,
    normal_score,
)
from monitor.detection.filter import ahead, correct, forget, lasting, spread_along
from monitor.detection.rare import RATIOS, dispersion, log_e_few, moved_share
from monitor.metrics.neyman import polynomials
from monitor.profiles.layout import Floats, Ints

SEED = 20_261_125


def test_one_step_of_the_filter_by_hand() -> None:
    # u with decay 0.5 and variance 4, level with variance 9; a window of variance 3 shows 8.
    mean, cov = np.array([2.0, 1.0]), np.array([1.0, 0.5, 9.0])
    row, along = np.ones(2), np.empty(2)
    forget(mean, cov, 2, 0.5, 4.0, 1.0)
    # variance of u: 0.25 * 1 + 0.75 * 4; covariance: 0.5 * 0.5; of the level: 9 + 1.
    assert cov.tolist() == [3.25, 0.25, 10.0]
    assert ahead(mean, 2, row) == 2.0
    variance = 3.0 + spread_along(cov, 2, row, along)
    assert along.tolist() == [3.5, 10.25]
    assert variance == 16.75
    correct(mean, cov, 2, along, 6.0, variance)
    assert mean.tolist() == [1.0 + 6 * 3.5 / 16.75, 1.0 + 6 * 10.25 / 16.75]
    assert cov == pytest.approx(
        [3.25 - 3.5**2 / 16.75, 0.25 - 3.5 * 10.25 / 16.75, 10.0 - 10.25**2 / 16.75]
    )


def test_the_filter_equals_least_squares_on_a_constant_level() -> None:
    rng = np.random.default_rng(SEED)
    y = rng.normal(3.0, 1.0, 50)
    mean, cov, along = np.zeros(2), np.array([0.0, 0.0, 1e9]), np.empty(2)
    row = np.ones(2)
    for value in y:
        forget(mean, cov, 2, 0.0, 0.0, 0.0)
        variance = 1.0 + spread_along(cov, 2, row, along)
        correct(mean, cov, 2, along, value - ahead(mean, 2, row), variance)
    assert mean[1] == pytest.approx(y.mean(), rel=1e-7)
    assert cov[2] == pytest.approx(1 / 50, rel=1e-6)


def test_a_running_bet_stakes_on_what_innovations_still_show_of_a_shift() -> None:
    phi, gain, u = 0.8, 0.3, 0.0
    log_r, run, absorbed = np.full(BETS, -np.inf), np.zeros(BETS), np.zeros(BETS)
    won, fresh, typical = np.empty(BETS), np.empty(BETS), 4.0
    lasts = lasting(phi, gain)
    for t in range(200):
        innovation = 1.0 - phi * u
        absorbed *= phi
        assert t == 0 or 1 - absorbed[4] == pytest.approx(innovation)
        about = (typical, 0.0, CLIP)
        settled(
            0, (5.0, 5.0), (typical, 0.0), (0.0, 1.0), about, (absorbed, lasts, 1.0), won, fresh
        )
        stake = DELTAS[2] * max(innovation**2, lasts)
        assert won[4] == pytest.approx(stake * CLIP - stake**2 / 2)
        assert fresh[4] == pytest.approx(DELTAS[2] * CLIP - DELTAS[2] ** 2 / 2)
        assert moved_on(4, log_r, run, absorbed, won, fresh) == (t == 0)
        absorbed[4] += gain * (1 - absorbed[4])
        u = phi * u + gain * innovation
    assert lasts == pytest.approx(0.2 / 0.44)
    assert innovation == pytest.approx(lasts)


def test_one_bet_by_hand() -> None:
    assert log_e_normal(1.4, 2.0, CLIP) == pytest.approx(1.4 * 2 - 1.4**2 / 2)
    assert log_e_normal(-1.4, 2.0, CLIP) == pytest.approx(-1.4 * 2 - 1.4**2 / 2)
    assert log_e_normal(1.4, 90.0, 3.5) == log_e_normal(1.4, 3.5, CLIP)
    assert log_e_normal(1.4, -90.0, CLIP) == pytest.approx(-1.4 * 90 - 1.4**2 / 2)


@pytest.mark.parametrize("delta", DELTAS.tolist())
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_fair_bet_on_a_normal_score_has_mean_at_most_one(delta: float, sign: int) -> None:
    z = np.linspace(-12, 12, 40_001)
    each = np.exp([log_e_normal(sign * delta, x, CLIP) for x in z])
    assert np.trapezoid(each * stats.norm.pdf(z), z) <= 1 + 1e-9


@pytest.mark.parametrize(("rows", "p"), [(20, 0.3), (1_000, 0.05), (50, 0.9), (40_000, 0.002)])
@pytest.mark.parametrize("stake", [-3.0, -0.7, 0.35, 1.4, 5.0])
def test_a_bet_on_a_share_has_mean_at_most_one_under_the_binomial(
    rows: int, p: float, stake: float
) -> None:
    k = np.arange(rows + 1)
    variance = p * (1 - p) / rows
    scores = (k / rows - p) / math.sqrt(variance)
    each = np.exp([log_e_share(stake, z, variance, 0.0, p, rows, CLIP) for z in scores])
    mean = (each * stats.binom.pmf(k, rows, p)).sum()
    assert mean <= 1 + 1e-9
    if np.abs(scores[stats.binom.pmf(k, rows, p) > 1e-12]).max() < CLIP:
        assert mean == pytest.approx(1.0)


def test_the_cumulant_is_the_binomials() -> None:
    rows, p, theta = 30, 0.2, 4.0
    variance = p * (1 - p) / rows
    k = np.arange(rows + 1)
    expected = math.log((np.exp(theta * (k / rows - p)) * stats.binom.pmf(k, rows, p)).sum())
    stake = theta * math.sqrt(variance)
    assert -log_e_share(stake, 0.0, variance, 0.0, p, rows, CLIP) == pytest.approx(expected)


def test_few_events_by_hand() -> None:
    # 3 missing values among 100 where 1 in 100 was usual, bet on 2.5 times as many.
    expected = 3 * math.log(2.5) - 100 * math.log(1 + 0.01 * 1.5)
    assert log_e_few(2, True, 3.0, 100.0, 0.01) == pytest.approx(expected)


def test_dispersion_by_hand() -> None:
    # 4 windows of 100 rows with 0, 8, 8, 0 events of 4 %: 16 / 3.84 in each, 0 in pairs of pairs.
    value, rows = np.array([[0.0, 0.08, 0.08, 0.0]]), np.full((1, 4), 100.0)
    square = 16 / 3.84
    assert dispersion(value, rows, np.array([0.04])) == pytest.approx([(4 * square + 8) / 12])
    # In spells of four windows the whole spell is one count.
    value = np.array([[0.0, 0.0, 0.0, 0.0, 0.08, 0.08, 0.08, 0.08]])
    rows = np.full((1, 8), 100.0)
    assert dispersion(value, rows, np.array([0.04])) == pytest.approx([(2 * 4 * square + 8) / 10])


def test_few_events_that_come_as_the_binomial_has_them_are_hardly_dispersed() -> None:
    rng = np.random.default_rng(SEED)
    rows = np.full((200, 672), 100.0)
    found = dispersion(rng.binomial(100, 0.01, rows.shape) / 100, rows, np.full(200, 0.01))
    assert np.median(found) < 1.2
    spells = 0.002 + 0.03 * (rng.random((200, 672)).cumsum(axis=1) % 20 < 2)
    share = spells.mean(axis=1)
    found = dispersion(rng.binomial(100, spells) / 100, rows, share)
    assert np.median(found) > 3
    assert dispersion(np.zeros((1, 5)), np.zeros((1, 5)), np.array([0.1])).tolist() == [1.0]


@pytest.mark.parametrize("bet", range(len(RATIOS)))
@pytest.mark.parametrize("is_more", [True, False])
def test_a_bet_on_few_events_has_mean_one_at_its_share(bet: int, is_more: bool) -> None:
    k = np.arange(201)
    each = np.exp([log_e_few(bet, is_more, float(x), 200.0, 0.01) for x in k])
    assert (each * stats.binom.pmf(k, 200, 0.01)).sum() == pytest.approx(1.0)


def test_the_share_of_few_events_is_moved_against_the_bet() -> None:
    assert moved_share(10.0, 998.0, 1.0, True) == pytest.approx((11 + 1.5 * math.sqrt(11)) / 1_000)
    assert moved_share(10.0, 998.0, 1.0, False) == pytest.approx((10 - 1.5 * math.sqrt(11)) / 1_000)
    assert 0 < moved_share(0.0, 0.0, 1.0, False) < moved_share(0.0, 0.0, 1.0, True) < 1


@pytest.mark.parametrize("df", [4.0, 10.0, 100.0])
def test_scores_of_t_deviates_are_normal(df: float) -> None:
    t = stats.t.ppf([0.6, 0.9, 0.99, 0.999], df)
    wanted = stats.norm.ppf([0.6, 0.9, 0.99, 0.999])
    assert [normal_score(x, df) for x in t] == pytest.approx(wanted.tolist(), abs=0.04)
    assert normal_score(-2.0, df) == -normal_score(2.0, df)
    assert normal_score(0.0, df) == 0


def test_no_count_is_far_below_a_few_expected() -> None:
    v = 1 / 7
    assert count_score(0.0, math.log(7), v) > -2.7
    assert (0.0 - math.log(7)) / math.sqrt(v) < -5


def test_means_of_logarithms_bear_nothing_and_very_much() -> None:
    assert log_mean(np.full(4, -np.inf)) == -math.inf
    assert log_mean(np.array([0.0, math.log(3.0)])) == pytest.approx(math.log(2))
    assert log_mean(np.full(10, 5_000.0)) == pytest.approx(5_000)


def test_polynomials_are_orthonormal_under_the_reference() -> None:
    share = np.random.default_rng(SEED).dirichlet(np.ones(13))
    found = polynomials(share, 4)
    assert (share @ found) == pytest.approx(np.zeros(4), abs=1e-10)
    assert (found.T * share) @ found == pytest.approx(np.eye(4), abs=1e-9)


def test_components_name_the_kind_of_change() -> None:
    rng = np.random.default_rng(SEED)
    edges = stats.norm.ppf(np.arange(1, 20) / 20)

    def counted(x: Floats) -> Ints:
        return np.bincount(np.searchsorted(edges, x), minlength=20)

    shape = shape_of(counted(rng.normal(size=100_000)), 1_000)
    assert shape is not None
    shifted = shape.values(counted(rng.normal(0.3, 1, 50_000)))
    spread = shape.values(counted(rng.normal(0, 1.3, 50_000)))
    assert np.abs(shifted).argmax() == 0
    assert shifted[0] > 0
    assert np.abs(spread).argmax() == 1
    assert spread[1] > 0


def test_components_of_the_reference_are_nothing() -> None:
    counts = np.array([5, 10, 40, 80, 40, 10, 5])
    shape = shape_of(counts, 100.0)
    assert shape is not None
    assert shape.values(counts) == pytest.approx(np.zeros(4), abs=1e-12)
    assert shape.weights.sum() == pytest.approx(1)


def test_small_bins_are_merged_until_a_window_fills_them() -> None:
    counts = np.array([1, 0, 200, 300, 400, 2, 97])
    shape = shape_of(counts, 40.0)
    assert shape is not None
    assert shape.share.min() >= 0.05
    assert shape.share.sum() == pytest.approx(1)
    assert len(shape.group) == 7
    assert shape.polynomials.shape[1] == 2


def test_two_bins_are_a_share() -> None:
    shape = shape_of(np.array([30, 70]), 500.0)
    assert shape is not None
    assert shape.names == ("share",)
    assert shape.values(np.array([[3, 1], [0, 0]])).tolist() == [[0.25], [0.0]]


@pytest.mark.parametrize("counts", [[], [0, 0, 0], [7], [0, 9, 0]])
def test_one_bin_or_none_has_no_shape(counts: list[int]) -> None:
    assert shape_of(np.array(counts, np.int64), 100.0) is None


def test_a_nearly_constant_column_has_a_usual_value() -> None:
    assert usual(np.array([1, 998, 1])) == 1
    assert usual(np.array([5, 990, 5])) is None
    assert usual(np.array([], np.int64)) is None
