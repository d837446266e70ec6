"""Sums that come out the same in any order: numbers rounded to a grid, added as integers."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

UNIT: Final = 2.0**-32
"""Grid of quantities in about [0, 1]: rounding errs by at most 1.2e-10 a row, and an int64
holds the sum of two thousand million rows."""

MOMENT: Final = 2.0**-30
"""Grid of a feature in units of its reference's scale."""

SQUARE: Final = 2.0**-24
"""Grid of its square; coarser, so that a block of 256 squares is summed exactly in float64."""

CLIP: Final = 2.0**6
"""Values further from the reference's centre than this many scales enter sums as this many;
they are counted, and their histogram and extremes are exact. An int64 holds the sums of 134
million rows that are all that far out; with 2**10 half a million would have overflowed it."""


def on_grid(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values as whole multiples of `UNIT`; |value| up to 2**20.

    >>> on_grid(np.array([0.5, 1.0])).tolist()
    [2147483648, 4294967296]
    """
    return np.rint(values / UNIT).astype(np.int64)
