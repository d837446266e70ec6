"""Every 95 % interval covers the truth in about 95 of 100 samples."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.metrics.auc import area_interval
from monitor.metrics.intervals import mean_interval, newcombe, wilson

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
