"""One step of the Kalman filter behind a baseline: forget, look ahead, correct."""

import math
from typing import Final

from numba import njit

from monitor.detection.readings import Kind
from monitor.profiles.layout import Floats

SHARE: Final = int(Kind.SHARE)
COUNT: Final = int(Kind.COUNT)
FEW: Final = 3
FEW_NOT: Final = 4
"""How a signal is followed: as its `readings.Kind`, or as a share of few events, of which either
the events or, where nearly all rows are events, the others are counted."""

BOUND: Final = 5.0
"""Innovations beyond so many standard deviations teach the filter as much as this and no more:
an outage of three hours must not become the new normal."""

# The covariance is packed: row i of the lower triangle begins at i (i + 1) / 2. State 0 is the
# wandering u, state 1 the intercept, then come the other columns that this signal uses.


@njit(cache=True, nogil=True)
def forget(mean: Floats, cov: Floats, used: int, phi: float, tau2: float, drift: float) -> None:
    """A window passes: u decays, its variance grows towards tau2, the level's by `drift`."""
    mean[0] *= phi
    cov[0] = phi * phi * cov[0] + (1 - phi * phi) * tau2
    for i in range(1, used):
        cov[i * (i + 1) // 2] *= phi
    cov[2] += drift


@njit(cache=True, nogil=True)
def ahead(mean: Floats, used: int, row: Floats) -> float:
    """The value that is expected of a window whose columns are `row`."""
    expected = 0.0
    for i in range(used):
        expected += row[i] * mean[i]
    return expected


@njit(cache=True, nogil=True)
def spread_along(cov: Floats, used: int, row: Floats, along: Floats) -> float:
    """Variance of what is expected; fills `along` with covariance times row."""
    for i in range(used):
        along[i] = 0.0
    k = 0
    for i in range(used):
        a = row[i]
        total = 0.0
        for j in range(i):
            c = cov[k]
            total += c * row[j]
            along[j] += c * a
            k += 1
        along[i] += total + cov[k] * a
        k += 1
    variance = 0.0
    for i in range(used):
        variance += row[i] * along[i]
    return max(variance, 0.0)


@njit(cache=True, nogil=True)
def correct(
    mean: Floats, cov: Floats, used: int, along: Floats, innovation: float, variance: float
) -> None:
    """What a window teaches: innovation with its variance, `along` as `spread_along` left it."""
    k = 0
    for i in range(used):
        gain = along[i] / variance
        mean[i] += gain * innovation
        for j in range(i + 1):
            cov[k] -= gain * along[j]
            k += 1


@njit(cache=True, nogil=True)
def sampling(mode: int, expected: float, rows: float, variance: float, share: float) -> float:
    """Sampling variance of a window's value, from what is expected and not from what is seen."""
    if mode == SHARE:
        p = within(expected, share)
        return p * (1 - p) / rows
    if mode == COUNT:
        return math.exp(-min(max(expected, -1.0), 50.0))
    return variance


@njit(cache=True, nogil=True)
def within(expected: float, share: float) -> float:
    """An expected share kept off 0 and 1, by a quarter of the reference's own distance."""
    return min(max(expected, 0.25 * share), 1 - 0.25 * (1 - share))


@njit(cache=True, nogil=True)
def lasting(phi: float, gain: float) -> float:
    """What part of a lasting shift later innovations still show, in (0, 1].

    A shift d is taken for wandering with the filter's gain k: the innovations settle at
    d (1 - phi) / (1 - phi + phi k).
    """
    return (1 - phi) / (1 - phi + phi * gain)
