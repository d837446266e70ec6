"""Sums of numbers of any size without any error: each number as digits of base 2**32.

A number adds to three integers. Whatever the order, the integers and so the sum come out the
same, and a sum of squares less the square of a sum keeps all of its figures.

Source: Kulisch and Snyder (2011), The exact dot product as basic tool for long interval
arithmetic, Computing 91, 307, for one wide accumulator.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

BITS: Final = 32
"""Of a digit. An int64 holds the sum of two thousand million of them."""


def exact(found: Sequence[int], low: int) -> Fraction:
    """The sum that these integers are, exactly.

    >>> exact([1, 3], -32)
    Fraction(12884901889, 4294967296)
    """
    total = sum(digit << (BITS * place) for place, digit in enumerate(found))
    return Fraction(total) * Fraction(2) ** low
