"""Drift of all features together: silent without it, seen where single features show nothing."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.control.conditions import Column
from monitor.control.multivariate import (
    LEAST,
    Sides,
    design,
    domain,
    reconstruction,
    usual_areas,
)
from monitor.metrics.base import Undefined, Value
from monitor.profiles.layout import Floats, Ints


def correlated(rng: np.random.Generator, rows: int, r: float) -> Floats:
    x = rng.normal(size=(rows, 3))
    x[:, 1] = r * x[:, 0] + np.sqrt(1 - r * r) * x[:, 1]
    return x


def sides(rng: np.random.Generator, before: Floats, after: Floats) -> Sides:
    first, second = (rng.random(len(x)) < 0.5 for x in (before, after))
    return Sides(before, after, first, second)


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


def windows(rng: np.random.Generator, count: int, spread: float) -> tuple[Floats, Ints]:
    """Rows of windows, each with a level of its own, and the window of each row."""
    each = [correlated(rng, 1_000, 0.9) * np.exp(spread * rng.normal()) for _ in range(count)]
    return np.concatenate(each), np.repeat(np.arange(count), 1_000)


def test_what_the_references_own_windows_differ_by_is_in_the_interval() -> None:
    rng = np.random.default_rng(44)
    samples, held, narrow = 100, 0, 0
    for _ in range(samples):
        rows, number = windows(rng, 11, 0.1)
        before, after = rows[number < 10], rows[number == 10]
        alone = sides(rng, before, after)
        told = replace(alone, windows=number[number < 10])
        for one in (told, alone):
            found = reconstruction(one)
            assert isinstance(found, Value)
            assert found.lower is not None
            assert found.upper is not None
            is_held = found.lower <= 1 <= found.upper
            held, narrow = (held + is_held, narrow) if one is told else (held, narrow + is_held)
    assert held / samples >= 0.88
    assert narrow / samples <= 0.7


def test_areas_of_the_references_own_windows_are_the_measure_of_one_more() -> None:
    rng = np.random.default_rng(45)
    rows, number = windows(rng, 7, 0.1)
    one = replace(sides(rng, rows[number < 6], rows[number == 6]), windows=number[number < 6])
    usual = usual_areas(one)
    assert not isinstance(usual, Undefined)
    assert len(usual) == 6
    found = domain(one, usual)
    assert isinstance(found, Value)
    half = 2.5706 * np.std(usual, ddof=1) * np.sqrt(1 + 1 / 6)
    assert found.upper is not None
    assert found.upper - found.value == pytest.approx(half, abs=0.02)
    # Four windows do not tell how much windows differ.
    few = replace(one, windows=number[number < 6] // 2)
    assert usual_areas(few) == []


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


def test_the_largest_numbers_are_strange_and_no_trouble() -> None:
    rng = np.random.default_rng(45)
    x = np.where(rng.random(3_000) < 0.5, 1.7e308, rng.normal(size=3_000))
    some = [Column("x", numbers=x), Column("y", numbers=rng.normal(size=3_000))]
    before, after = design(some, some)
    assert np.isfinite(before).all()
    assert before[:, 0].std() == pytest.approx(1)
    found = reconstruction(Sides(before, after, rng.random(3_000) < 0.5, rng.random(3_000) < 0.5))
    assert isinstance(found, Value)
    assert found.value == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_are_no_trouble(rows: int) -> None:
    x = Column("x", numbers=np.full(rows, np.nan))
    before, after = design([x], [x])
    half = np.zeros(rows, np.bool_)
    assert isinstance(reconstruction(Sides(before, after, half, half)), Undefined)
