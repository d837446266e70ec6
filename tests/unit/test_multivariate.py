"""Drift of all features together: silent without it, seen where single features show nothing."""

import numpy as np
import pytest

from monitor.control.conditions import Column
from monitor.control.multivariate import LEAST, Sides, design, domain, reconstruction
from monitor.metrics.base import Undefined, Value
from monitor.profiles.layout import Floats


def correlated(rng: np.random.Generator, rows: int, r: float) -> Floats:
    x = rng.normal(size=(rows, 3))
    x[:, 1] = r * x[:, 0] + np.sqrt(1 - r * r) * x[:, 1]
    return x


def sides(rng: np.random.Generator, before: Floats, after: Floats) -> Sides:
    halves = [rng.random(len(x)) < 0.5 for x in (before, after)]
    return Sides(before, after, *halves)


def test_without_drift_the_intervals_hold_one_and_a_half() -> None:
    rng = np.random.default_rng(41)
    rebuilt, told, samples = 0, 0, 60
    for k in range(samples):
        one = sides(rng, correlated(rng, 1_500, 0.9), correlated(rng, 1_500, 0.9))
        found = reconstruction(one)
        assert isinstance(found, Value)
        assert found.lower is not None
        assert found.upper is not None
        rebuilt += found.lower <= 1 <= found.upper
        if k < 3:
            area = domain(one)
            assert isinstance(area, Value)
            assert area.lower is not None
            assert area.upper is not None
            told += area.lower <= 0.5 <= area.upper
    assert rebuilt / samples >= 0.88
    assert told >= 2


def test_a_correlation_that_turned_is_seen_by_both() -> None:
    rng = np.random.default_rng(42)
    one = sides(rng, correlated(rng, 3_000, 0.95), correlated(rng, 3_000, -0.95))
    for found, none in ((reconstruction(one), 1.0), (domain(one), 0.5)):
        assert isinstance(found, Value)
        assert found.lower is not None
        assert found.lower > none


def test_too_few_rows_and_constants_say_so() -> None:
    rng = np.random.default_rng(43)
    few = sides(rng, rng.normal(size=(2 * LEAST, 2)), rng.normal(size=(9, 2)))
    nothing = sides(rng, np.empty((3_000, 0)), np.empty((3_000, 0)))
    for one, word in ((few, "rows"), (nothing, "varies")):
        for found in (reconstruction(one), domain(one)):
            assert isinstance(found, Undefined)
            assert word in found.why
    alone = sides(rng, rng.normal(size=(3_000, 1)), rng.normal(size=(3_000, 1)))
    assert isinstance(reconstruction(alone), Undefined)


def test_the_design_is_the_references() -> None:
    x = Column("x", numbers=np.array([1.0, 3.0, np.nan, np.inf]))
    y = Column("x", numbers=np.array([2.0, np.nan, 1e9, 3.0]))
    c = Column("c", codes=np.array([0, 0, 1, -1]), names=("a", "b"))
    d = Column("c", codes=np.array([0, 1, -1, 1]), names=("new", "a"))
    before, after = design([x, c, Column("gone", numbers=np.ones(4))], [y, d])
    assert before.shape == after.shape
    # Deviations of 1 from a mean of 2, and what is missing; then a, b and missing.
    assert before[:, :2].tolist() == [[-1, 0], [1, 0], [0, 1], [0, 1]]
    assert after[:, :2].tolist() == [[0, 0], [0, 1], [10, 0], [1, 0]]
    assert before[:, 2:].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert after[:, 2:].tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_are_no_trouble(rows: int) -> None:
    x = Column("x", numbers=np.full(rows, np.nan))
    before, after = design([x], [x])
    half = np.zeros(rows, np.bool_)
    assert isinstance(reconstruction(Sides(before, after, half, half)), Undefined)
