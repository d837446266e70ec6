"""Every 95 % interval covers the truth in about 95 of 100 samples."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.metrics import CATALOGUE
from monitor.metrics.auc import area_interval
from monitor.metrics.average_precision import average_precision, error_of_average_precision
from monitor.metrics.bands import measure_gap
from monitor.metrics.base import Subject, Value
from monitor.metrics.classification import f1_of, macro_f1
from monitor.metrics.fairness.shrinkage import shrunk
from monitor.metrics.fairness.trend import slope
from monitor.metrics.intervals import (
    difference_interval,
    logit_interval,
    mean_interval,
    newcombe,
    of_means,
    ratio_interval,
    wilson,
)
from monitor.metrics.lift import hits_at_top, recall_interval
from monitor.metrics.recalibration import intercept
from monitor.metrics.recalibration import slope as recalibration_slope
from monitor.metrics.regression import quantile
from monitor.metrics.weighted import Weight, effective_pair
from monitor.profiles.magnitudes import Magnitudes, cells_of, edges_of
from tests.parity.raw_profiles import calibration, errors, profile, weighted_errors

METRICS = {metric.name: metric for metric in CATALOGUE}

SAMPLES = 2_000
LEAST, MOST = 0.93, 0.97
"""The simulation itself errs by 0.005; the methods' authors found no less spread."""

Rows = NDArray[np.float64]


@pytest.mark.parametrize(("rows", "share"), [(30, 0.3), (100, 0.1), (400, 0.02), (1_000, 0.5)])
def test_wilson_covers_a_share(rows: int, share: float) -> None:
    rng = np.random.default_rng(1)
    hits = rng.binomial(rows, share, SAMPLES)
    covered = [low <= share <= high for low, high in (wilson(int(k), rows) for k in hits)]
    assert LEAST <= np.mean(covered) <= MOST


@pytest.mark.parametrize(
    ("rows", "p", "others", "q"),
    [(40, 0.3, 60, 0.5), (500, 0.05, 90, 0.12), (2_000, 0.4, 1_500, 0.4), (35, 0.8, 400, 0.75)],
)
def test_newcombe_covers_a_difference(rows: int, p: float, others: int, q: float) -> None:
    rng = np.random.default_rng(2)
    drawn = zip(rng.binomial(rows, p, SAMPLES), rng.binomial(others, q, SAMPLES), strict=True)
    ends = [newcombe(int(a), rows, int(b), others) for a, b in drawn]
    assert LEAST <= np.mean([low <= p - q <= high for low, high in ends]) <= MOST


@pytest.mark.parametrize("rows", [30, 100, 1_000])
@pytest.mark.parametrize(
    ("a", "b"), [(8, 2), (5, 1.5), (2, 5)], ids=["confidences", "skewed confidences", "losses"]
)
def test_the_interval_of_a_mean_covers_it(rows: int, a: float, b: float) -> None:
    drawn = np.random.default_rng(3).beta(a, b, (SAMPLES, rows))
    ends = [mean_interval(rows, x.sum(), (x * x).sum()) for x in drawn]
    covered = [e is not None and e[0] <= a / (a + b) <= e[1] for e in ends]
    assert LEAST <= np.mean(covered) <= MOST


def cells(values: Rows) -> NDArray[np.int64]:
    """Counts in 1,000 cells over [-8, 12], far finer than the samples."""
    return np.histogram(values, 1_000, (-8, 12))[0].astype(np.int64)


def area_coverage(
    positives: Callable[[np.random.Generator], Rows],
    negatives: Callable[[np.random.Generator], Rows],
    area: float,
) -> float:
    rng = np.random.default_rng(4)
    ends = (area_interval(cells(positives(rng)), cells(negatives(rng))) for _ in range(SAMPLES))
    return float(np.mean([low <= area <= high for low, high in ends]))


@pytest.mark.parametrize(("p", "n"), [(30, 30), (40, 400), (200, 800)])
@pytest.mark.parametrize(
    ("shift", "spread", "area"),
    [(0.0, 1.0, 0.5), (1.0, 1.0, 0.76025), (1.5, 3.0, 0.68237)],
    ids=["chance", "usual", "uneven"],
)
def test_the_interval_of_the_area_covers_it(
    p: int, n: int, shift: float, spread: float, area: float
) -> None:
    covered = area_coverage(lambda r: r.normal(shift, spread, p), lambda r: r.normal(0, 1, n), area)
    assert LEAST <= covered <= MOST


@pytest.mark.parametrize(("p", "n"), [(10, 10), (30, 30), (20, 200), (100, 900)])
def test_the_interval_of_an_area_near_one_is_never_too_narrow(p: int, n: int) -> None:
    covered = area_coverage(lambda r: r.normal(3, 1, p), lambda r: r.normal(0, 1, n), 0.98305)
    assert covered >= LEAST


TABLES = {
    "balanced": [[0.3, 0.05, 0.03], [0.04, 0.25, 0.02], [0.02, 0.04, 0.25]],
    "rare": [[0.75, 0.04, 0.01], [0.05, 0.08, 0.01], [0.01, 0.01, 0.04]],
}


@pytest.mark.parametrize("rows", [200, 1_000])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_intervals_of_means_over_classes_cover_them(rows: int, name: str) -> None:
    share = np.array(TABLES[name])
    drawn = np.random.default_rng(5).multinomial(rows, share.ravel(), SAMPLES).reshape(-1, 3, 3)
    recall = float((share.diagonal() / share.sum(axis=0)).mean())
    f1 = float((2 * share.diagonal() / (share.sum(axis=0) + share.sum(axis=1))).mean())
    of_recall, of_f1 = [], []
    for table in drawn:
        low, high = of_means(
            [(int(a), int(b)) for a, b in zip(table.diagonal(), table.sum(axis=0), strict=True)]
        )
        of_recall.append(low <= recall <= high)
        ends = logit_interval(*macro_f1(np.pad(table, (0, 1))))
        of_f1.append(ends is not None and ends[0] <= f1 <= ends[1])
    assert LEAST <= np.mean(of_recall) <= MOST
    assert LEAST <= np.mean(of_f1) <= MOST


@pytest.mark.parametrize(("rows", "positives"), [(100, 0.3), (2_000, 0.02)])
def test_the_interval_of_f1_covers_it(rows: int, positives: float) -> None:
    both, either = 0.7 * positives, 1.5 * positives
    truth = 2 * both / (both + either)
    chances = [both, either - both, 1 - either]
    drawn = np.random.default_rng(6).multinomial(rows, chances, SAMPLES)
    found = [f1_of(int(a), int(a + b)) for a, b, _ in drawn]
    covered = [(v.lower or 0) <= truth <= (v.upper or 0) for v in found]
    assert LEAST <= np.mean(covered) <= MOST


@pytest.mark.parametrize(
    ("rows", "p", "others", "q"),
    [(60, 0.3, 80, 0.5), (500, 0.05, 200, 0.12), (2_000, 0.4, 1_500, 0.4), (100, 0.8, 400, 0.9)],
)
def test_koopman_covers_a_ratio(rows: int, p: float, others: int, q: float) -> None:
    rng = np.random.default_rng(5)
    drawn = zip(rng.binomial(rows, p, 1_000), rng.binomial(others, q, 1_000), strict=True)
    ends = [ratio_interval(int(a), rows, int(b), others) for a, b in drawn]
    assert LEAST <= np.mean([low <= p / q <= high for low, high in ends]) <= MOST


@pytest.mark.parametrize(("rows", "others"), [(30, 30), (30, 300), (1_000, 60)])
def test_welch_covers_a_difference_of_mean_confidences(rows: int, others: int) -> None:
    rng = np.random.default_rng(6)
    x, y = rng.beta(8, 2, (SAMPLES, rows)), rng.beta(5, 3, (SAMPLES, others))
    ends = [
        difference_interval(a.mean(), a.var(ddof=1), rows, b.mean(), b.var(ddof=1), others)
        for a, b in zip(x, y, strict=True)
    ]
    covered = [e is not None and e[0] <= 8 / 10 - 5 / 8 <= e[1] for e in ends]
    assert LEAST <= np.mean(covered) <= MOST


@pytest.mark.parametrize("count", [6, 8, 12])
def test_the_interval_of_a_trend_covers_it(count: int) -> None:
    rng = np.random.default_rng(7)
    places = range(count)
    p = 0.3 + 0.01 * np.arange(count)
    covered = []
    for _ in range(SAMPLES):
        gaps = rng.binomial(400, p) / 400 - rng.binomial(300, 0.2, count) / 300
        found = slope(places, gaps.tolist())
        assert found.lower is not None
        assert found.upper is not None
        covered.append(found.lower <= 0.01 <= found.upper)
    assert LEAST <= np.mean(covered) <= MOST


@pytest.mark.parametrize("groups", [6, 12, 40])
@pytest.mark.parametrize(("mean", "strength"), [(0.3, 5), (0.3, 30), (0.1, 100)])
def test_shrunk_rates_err_less_and_cover_on_average(
    groups: int, mean: float, strength: float
) -> None:
    rng = np.random.default_rng(8)
    covered, ours, plain = [], 0.0, 0.0
    for _ in range(150):
        rows = rng.integers(30, 400, groups)
        true = rng.beta(mean * strength, (1 - mean) * strength, groups)
        hits = rng.binomial(rows, true)
        found, lower, upper = shrunk(hits, rows)
        covered += ((lower <= true) & (true <= upper)).tolist()
        ours += float(((found - true) ** 2).sum())
        plain += float(((hits / rows - true) ** 2).sum())
    # The declaration says 91 to 95 %.
    assert 0.90 <= np.mean(covered) <= MOST
    # Where six groups have little in common, drawing them together costs a little.
    assert ours <= plain * (1.1 if strength < 10 else 0.9)


CUTS = np.linspace(-6, 8, 141)
"""Cells of a score that is normal around 0 or around 1.5."""


def chances(base: float) -> Rows:
    """Chance of each cell for a positive row, then for a negative one, in one vector."""
    steps = [np.diff(stats.norm.cdf(np.array([-np.inf, *CUTS, np.inf]), at)) for at in (1.5, 0)]
    return np.concatenate([base * steps[0], (1 - base) * steps[1]])


@pytest.mark.parametrize(("rows", "base"), [(300, 0.3), (1_000, 0.1), (3_000, 0.05)])
def test_the_interval_of_average_precision_covers_it(rows: int, base: float) -> None:
    chance = chances(base)
    k = len(chance) // 2
    truth = tied_area(chance[:k], chance[k:])
    drawn = np.random.default_rng(7).multinomial(rows, chance, SAMPLES)
    covered = []
    for table in drawn:
        p, n = table[:k], table[k:]
        ends = logit_interval(average_precision(p, n)[0], error_of_average_precision(p, n))
        covered.append(ends is not None and ends[0] <= truth <= ends[1])
    assert LEAST <= np.mean(covered) <= MOST


def tied_area(positives: Rows, negatives: Rows) -> float:
    """The area over the whole population."""
    found, alarms = positives[::-1].cumsum(), negatives[::-1].cumsum()
    return float((positives[::-1] / found[-1] * found / (found + alarms)).sum())


@pytest.mark.parametrize(("rows", "base"), [(300, 0.3), (1_000, 0.1), (3_000, 0.05)])
def test_the_interval_of_lift_covers_it(rows: int, base: float) -> None:
    chance = chances(base)
    k = len(chance) // 2
    whole = [np.round(some * 1e9).astype(np.int64) for some in np.split(chance, 2)]
    top, _, _ = hits_at_top(whole[0], whole[1])
    truth = top / 1e9 / base
    drawn = np.random.default_rng(8).multinomial(rows, chance, SAMPLES)
    covered = []
    for table in drawn:
        low, high = recall_interval(table[:k], table[k:])
        covered.append(low <= truth <= high)
    assert LEAST <= np.mean(covered) <= MOST


@pytest.mark.parametrize("rows", [200, 2_000])
@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (0.4, 0.6), (-0.5, 1.4)])
def test_the_intervals_of_slope_and_intercept_cover_them(rows: int, a: float, b: float) -> None:
    rng = np.random.default_rng(9)
    x = np.linspace(-3, 3, 25)
    chance = 1 / (1 + np.exp(-a - b * x))
    density = np.exp(-(x**2) / 4)
    density /= density.sum()
    expected = float((density * chance).sum())
    # What the intercept estimates when the slope is not 1: as many expected as come true.
    low, high = -5.0, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        too_few = float((density / (1 + np.exp(-middle - x))).sum()) < expected
        low, high = (middle, high) if too_few else (low, middle)
    covered = []
    for _ in range(SAMPLES // 2):
        n = rng.multinomial(rows, density)
        some = n > 0
        hits = rng.binomial(n[some], chance[some])
        line, shift = recalibration_slope(x[some], n[some], hits), intercept(x[some], n[some], hits)
        assert line is not None
        assert shift is not None
        covered.append(
            (abs(line.value - b) <= 1.96 * line.error, abs(shift.value - low) <= 1.96 * shift.error)
        )
    shares = np.mean(covered, axis=0)
    assert shares.min() >= LEAST - 0.005
    assert shares.max() <= MOST + 0.005


@pytest.mark.parametrize("rows", [100, 1_000])
@pytest.mark.parametrize("too_sure", [0.0, 0.1])
def test_the_interval_of_the_confidence_gap_covers_it(rows: int, too_sure: float) -> None:
    rng = np.random.default_rng(10)
    covered = []
    for _ in range(SAMPLES // 2):
        confidence = rng.uniform(0.55, 1, rows)
        right = rng.random(rows) < confidence - too_sure
        found = measure_gap(Subject("", profile(calibration(confidence, right))))
        assert isinstance(found, Value)
        assert found.lower is not None
        assert found.upper is not None
        covered.append(found.lower <= too_sure <= found.upper)
    assert LEAST - 0.005 <= np.mean(covered) <= MOST + 0.005


def lies_within(found: object, truth: float) -> bool:
    assert isinstance(found, Value)
    assert found.lower is not None
    assert found.upper is not None
    return found.lower <= truth <= found.upper


@pytest.mark.parametrize("rows", [100, 1_000])
def test_the_intervals_of_errors_cover_them(rows: int) -> None:
    rng = np.random.default_rng(11)
    truths = {"mae": math.sqrt(2 / math.pi) * 2, "rmse": 2.0, "mean_error": 0.0, "r2": 1 - 4 / 13}
    covered: dict[str, list[bool]] = {name: [] for name in truths}
    for _ in range(SAMPLES // 4):
        said = rng.normal(5, 3, rows)
        current = profile(*errors(said, said + rng.normal(0, 2, rows)))
        for name, truth in truths.items():
            found = METRICS[name].measure(Subject("errors", current))
            covered[name].append(lies_within(found, truth))
    shares = [np.mean(some) for some in covered.values()]
    # A quarter of the samples: the simulation errs by 0.01.
    assert min(shares) >= LEAST - 0.01
    assert max(shares) <= MOST + 0.01


@pytest.mark.parametrize("rows", [50, 2_000])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_interval_of_a_quantile_is_never_too_narrow(rows: int, share: float) -> None:
    rng = np.random.default_rng(12)
    part = Magnitudes.part("x", 1.0, (-20, 20))
    truth = float(stats.lognorm.ppf(share, 1.0))
    covered = []
    for _ in range(SAMPLES // 2):
        counts = np.bincount(cells_of(part, rng.lognormal(0, 1, rows)), minlength=part.ints)
        found = quantile(Magnitudes(edges_of(part), counts), share)
        covered.append(lies_within(found, truth))
    assert np.mean(covered) >= LEAST - 0.005


@pytest.mark.parametrize("rows", [300, 2_000])
def test_intervals_of_weighted_shares_and_means_cover_them(rows: int) -> None:
    rng = np.random.default_rng(13)
    covered = []
    # Wrong answers are sampled in full, right ones one in five, with the weight that mends it.
    for _ in range(SAMPLES // 2):
        right = rng.random(rows) < 0.8
        kept = ~right | (rng.random(rows) < 0.2)
        w = np.where(right, 5.0, 1.0)[kept]
        hit = right[kept]
        weight = [
            Weight(*map(Fraction, (float(x.sum()), float((x * x).sum())))) for x in (w * hit, w)
        ]
        found, effective = effective_pair(*weight)
        low, high = wilson(found, effective)
        loss = rng.gamma(2, 1, len(w)) + ~hit
        current = profile(weighted_errors(w, loss, np.zeros(len(w))))
        mean = METRICS["weighted_mean_error"].measure(Subject("weighted_errors", current))
        covered.append((low <= 0.8 <= high, lies_within(mean, 2.2)))
    shares = np.mean(covered, axis=0)
    assert shares.min() >= LEAST - 0.005
    assert shares.max() <= MOST + 0.005
