"""Every 95 % interval covers the truth in about 95 of 100 samples."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.metrics.auc import area_interval
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
