"""Bets on events so few that a window holds less than five: missing, unseen, unusual values."""

import math
from typing import Final

import numpy as np
from numba import njit

from monitor.profiles.layout import Floats

RATIOS: Final = np.log(np.array([1.25, 1.6, 2.5, 5.0, 15.0]))
"""Factors of the odds that are bet on, as logarithms; as many as `evidence.DELTAS`."""

FEWEST: Final = 5.0
"""Events per window, below which a share is followed as few events."""

SMALLEST: Final = 0.05
"""Share of the rows, below which it may be."""

AGAINST: Final = 1.5
"""Standard deviations by which the share of the reference is moved against each bet: it is an
estimate, often from nothing seen at all."""


SPANS: Final = (1, 2, 4, 8, 16)
"""Windows over which events are counted together: where they come in spells, such as a frost or a
feed that fails for a day, neighbouring windows are no two witnesses."""

USUAL: Final = 8.0
"""Counts as the binomial has them, that are added to those of each span."""


def dispersion(value: Floats, rows: Floats, share: Floats) -> Floats:
    """By how much counts of few events vary more than the binomial, shape (m,), at least 1.

    Mean square of the standardised counts, of the span where it is the greatest.

    Args:
        value: part of the rows that are events, shape (m, t).
        rows: 0 where there is no value, shape (m, t).
        share: of each over all windows, in (0, 1), shape (m,).
    """
    p = share[:, None]
    found = np.ones(len(value))
    for span in SPANS:
        shape = (len(value), rows.shape[1] // span, span)
        cut = slice(0, shape[1] * span)
        off = (rows * (value - p))[:, cut].reshape(shape).sum(axis=2)
        variance = (rows * p * (1 - p))[:, cut].reshape(shape).sum(axis=2)
        seen = variance > 0
        square = np.where(seen, off**2 / np.where(seen, variance, 1.0), 0.0).sum(axis=1)
        found = np.maximum(found, (square + USUAL) / (seen.sum(axis=1) + USUAL))
    return found


@njit(cache=True, nogil=True)
def moved_share(events: float, trials: float, dispersion: float, is_more: bool) -> float:
    """The share that a bet is settled against, in (0, 1).

    >>> round(moved_share(0.0, 998.0, 1.0, True), 4)
    0.0025
    """
    by = AGAINST * math.sqrt(events * dispersion + 1.0)
    if is_more:
        return min((events + 1.0 + by) / (trials + 2.0), 0.999)
    return max((events - by) / (trials + 2.0), 1e-9)


@njit(cache=True, nogil=True)
def log_e_few(bet: int, is_more: bool, events: float, rows: float, share: float) -> float:
    """Log of the e-value of a bet on more or fewer events: the binomial's likelihood ratio.

    Its mean is 1 at `share`, and below on the other side of it than the bet's.
    """
    tilt = RATIOS[bet] if is_more else -RATIOS[bet]
    return float(tilt * events - rows * math.log1p(share * math.expm1(tilt)))
