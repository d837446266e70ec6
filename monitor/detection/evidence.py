"""The bets against a quiet baseline: what each wins or loses on one window."""

import math
from typing import Final

import numpy as np
from numba import njit

from monitor.profiles.layout import Floats

# numba's cache looks at one file alone. After a change here or in another file of kernels of
# this package, change this number in every file whose kernels call the changed one: 1.

DELTAS: Final = np.array([0.35, 0.7, 1.4, 2.8, 5.0])
"""Sizes of shift that are bet on, in standard deviations of a window; each up and down.
Factors of two leave at most a tenth of the growth between two of them."""

BETS: Final = 2 * len(DELTAS)
"""Bet 2k is on a rise by DELTAS[k], bet 2k + 1 on a fall by as much."""

CLIP: Final = 4.0
"""Scores beyond this, or beyond less (`tails`), count as this on the side that a bet wins from: one
window, however wild, brings no bet more than a factor of e^8. Lowering what a bet wins keeps its
mean below 1."""

LARGEST: Final = 6.0
"""Stakes are at most this, where a window has far more rows than usual."""

_STEEPEST: Final = 300.0
"""Largest exponent that is put into exp."""


@njit(cache=True, nogil=True)
def normal_score(z: float, df: float) -> float:
    """The normal deviate as improbable as a t deviate with `df` degrees of freedom.

    Within 0.04 of the exact one from 4 degrees of freedom and up to a score of 3 on.

    Source: Wallace (1959), Bounds on normal approximations to Student's and the chi-square
    distributions.
    """
    score = math.sqrt(df * math.log1p(z * z / df)) * (8 * df + 1) / (8 * df + 3)
    return score if z > 0 else -score


@njit(cache=True, nogil=True)
def log_e_normal(stake: float, score: float, most: float) -> float:
    """Log of the e-value of a bet on a standard normal score.

    The mean of e^(stake z - stake^2 / 2) is 1 for a standard normal z, and below for a clipped
    one.

    Args:
        stake: of the bet, signed [standard deviations].
        score: of the window.
        most: score beyond which it counts as this.
    """
    clipped = min(score, most) if stake > 0 else max(score, -most)
    return stake * clipped - 0.5 * stake * stake


@njit(cache=True, nogil=True)
def log_e_share(
    stake: float,
    score: float,
    variance: float,
    beyond: float,
    share: float,
    rows: float,
    most: float,
) -> float:
    """Log of the e-value of a bet on a share, with the exact cumulant of the binomial.

    A normal bet on a small share is no fair one: its skewness pays the upper side. The part
    of the variance that is not the binomial's is taken as normal.

    Args:
        stake: of the bet, signed [standard deviations].
        score: (share seen - share expected) / root of variance.
        variance: of the share seen.
        beyond: part of it that is not sampling, at least 0.
        share: expected, strictly between 0 and 1.
        rows: of the window, positive.
        most: score beyond which it counts as this.
    """
    clipped = min(score, most) if stake > 0 else max(score, -most)
    root = math.sqrt(variance)
    slope = min(max(stake / root / rows, -_STEEPEST), _STEEPEST)
    theta = slope * rows
    cumulant = rows * math.log1p(share * math.expm1(slope)) - theta * share
    return theta * clipped * root - cumulant - 0.5 * theta * theta * beyond


@njit(cache=True, nogil=True)
def count_score(log_count: float, expected: float, variance: float) -> float:
    """Score of a count for bets on a fall, in counts instead of logarithms.

    The logarithm of a few events has a long lower tail, the count itself none: 0 of 7 is 5
    deviations down in logarithms and 2.6 in counts. For bets on a rise it is the reverse. The
    mean is taken a little low, as that of a logarithm is, which no bet on a fall gains from.

    Args:
        log_count: logarithm of the count seen.
        expected: of such logarithms.
        variance: of them, positive.
    """
    mean = math.exp(min(expected, 700.0))
    return (math.exp(log_count) - mean) / (mean * math.sqrt(math.expm1(min(variance, 50.0))))


@njit(cache=True, nogil=True)
def log_mean(log_r: Floats) -> float:
    """Logarithm of the mean of e^x over a short vector; -inf where all are."""
    top = -math.inf
    for x in log_r:
        top = max(top, x)
    if top == -math.inf:
        return top
    total = 0.0
    for x in log_r:
        total += math.exp(x - top)
    return top + math.log(total / len(log_r))
