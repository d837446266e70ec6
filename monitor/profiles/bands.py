"""Tenths of the confidence, by which calibration and reviews are divided."""

from typing import Final

import numpy as np

from monitor.profiles.layout import Floats, Ints

BANDS: Final = 10
"""Equal parts of the confidence in [0, 1]: number i holds i/10 < c <= (i+1)/10, the first one
c = 0 too, as in Guo et al. (2017)."""

NAMES: Final = tuple(f"{i / BANDS:.1f}-{(i + 1) / BANDS:.1f}" for i in range(BANDS))


def band_of(confidence: Floats) -> Ints:
    """Number of the band of each confidence, in [0, BANDS); none may be NaN.

    >>> band_of(np.array([0.0, 0.1, 0.11, 1.0])).tolist()
    [0, 0, 1, 9]
    """
    band: Ints = np.clip(np.ceil(confidence * BANDS) - 1, 0, BANDS - 1).astype(np.int64)
    return band
