"""Sums of digits are the exact sums of the numbers, in any order and grouping."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.profiles.added import Summed
from monitor.profiles.adding import add_exactly
from monitor.profiles.exact import exact

WIDE = st.floats(-(2.0**190), 2.0**190)
NEAR = st.floats(-(2.0**80), 2.0**80)


def added(values: list[float], low: int, count: int) -> list[int]:
    found = np.zeros((1, count), np.int64)
    rows = np.arange(len(values))
    slots = np.zeros(len(values), np.int32)
    add_exactly(found, 0, count, slots, Summed(rows, 0, np.array(values, np.float64), low))
    return [int(x) for x in found[0]]


@pytest.mark.parametrize(
    ("low", "count", "numbers"), [(-192, 13, WIDE), (-64, 6, NEAR)], ids=["wide", "near"]
)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_the_sum_is_that_of_fractions(
    low: int, count: int, numbers: st.SearchStrategy[float], data: st.DataObject
) -> None:
    values = data.draw(st.lists(numbers, max_size=20))
    grid = Fraction(2) ** low
    expected = sum(round(Fraction(x) / grid) for x in values) * grid
    assert exact(added(values, low, count), low) == expected
    mixed = data.draw(st.permutations(values))
    assert added(mixed, low, count) == added(values, low, count)
    parts = [added(values[:7], low, count), added(values[7:], low, count)]
    assert [sum(pair) for pair in zip(*parts, strict=True)] == added(values, low, count)


def test_what_cancels_leaves_the_smallest_behind() -> None:
    assert exact(added([1e40, 1.0, -1e40, 2.0**-150], -192, 13), -192) == 1 + Fraction(2) ** -150


@pytest.mark.parametrize("value", [2.0**250, np.inf, np.nan])
def test_a_number_that_no_sum_holds_is_refused(value: float) -> None:
    with pytest.raises(IndexError, match="too large"):
        added([value], -192, 13)
