"""Sums of numbers of any size without any error: each number as digits of base 2**32."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from monitor.profiles.layout import Floats, Ints

BITS: Final = 32
"""Of a digit. An int64 holds the sum of two thousand million of them."""

_MASK: Final = np.uint64((1 << BITS) - 1)


def digits(values: Floats, low: int) -> Iterator[tuple[Ints, Ints]]:
    """Where each number adds how much to the integers of its sum, three times.

    Whatever the order, the integers and so the sum come out the same, and a sum of squares less
    the square of a sum keeps all of its figures.

    Args:
        values: finite, shape (n,); d digits hold what is under 2**(low + 32 d - 32).
        low: numbers are whole multiples of 2**low; what is finer is rounded to it.

    Yields:
        Place of a digit and what is added to it, both shape (n,).

    Source: Kulisch and Snyder (2011), The exact dot product as basic tool for long interval
    arithmetic, Computing 91, 307, for one wide accumulator.
    """
    fraction, exponent = np.frexp(values)
    whole = np.ldexp(np.abs(fraction), 53).astype(np.uint64)
    at = exponent.astype(np.int64) - 53 - low
    fine = at < 0
    if fine.any():
        whole[fine] = np.rint(np.ldexp(np.abs(values[fine]), -low)).astype(np.uint64)
        at[fine] = 0
    first, offset = at // BITS, (at % BITS).astype(np.uint64)
    kept = np.uint64(BITS) - offset
    sign = np.where(values < 0, -1, 1)
    least = (whole & ((np.uint64(1) << kept) - np.uint64(1))) << offset
    rest = whole >> kept
    for place, amount in ((0, least), (1, rest & _MASK), (2, rest >> np.uint64(BITS))):
        yield first + place, sign * amount.astype(np.int64)


def exact(found: Sequence[int], low: int) -> Fraction:
    """The sum that these integers are, exactly.

    >>> exact([1, 3], -32)
    Fraction(12884901889, 4294967296)
    """
    total = sum(digit << (BITS * place) for place, digit in enumerate(found))
    return Fraction(total) * Fraction(2) ** low
