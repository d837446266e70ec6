"""By how much a baseline must be widened so that it would not have paged for its own reference."""

import math
from typing import Final

import numpy as np
from numba import njit

from monitor.detection.bets import moved_on, settled
from monitor.detection.evidence import BETS, count_score, log_mean, normal_score
from monitor.detection.filter import COUNT, lasting, within
from monitor.profiles.layout import Floats

# See evidence.py; change this number after a change of a kernel called from here: 4.

STEP: Final = 1.25
STEPS: Final = 14
"""A signal's variance grows by a quarter at a time, to 23 times at most."""

ALLOWED: Final = 1.0
"""A signal's bets may hold so many times the reference's windows in it: fair ones come to that
once on average, or less."""

TOGETHER: Final = 0.5
"""The same for the weighted mean of all signals. What all of them do together, such as shocks
with heavy tails or a second, slower wandering, no single one shows as clearly."""

COMMON_STEP: Final = 1.1
COMMON_STEPS: Final = 16
"""The variance of all signals grows by a tenth at a time, to 4.6 times at most."""

Windows = tuple[Floats, Floats, Floats, Floats, Floats, float]
"""Value, expectation, variance, sampling variance and rows (0 without a value) per window of
the reference, shape (t,) each, and the wandering's gain at its end."""

About = tuple[float, float, float, float, float, float]
"""Of a signal: variance of a recent innovation; its share of the reference, for shares; decay of
the wandering; innovations behind the variance; score beyond which a window counts as this; what
neighbouring windows have in common."""


@njit(cache=True, nogil=True)
def inflation(mode: int, windows: Windows, about: About, start: int) -> float:
    """Factor on the variance of a signal's innovations, at least 1.

    Args:
        mode: how the signal is followed.
        windows: of the reference.
        about: the signal.
        start: first window that counts; before it the baseline was still unknown.
    """
    factor = clipped_scale(windows, start)
    held = np.empty(len(windows[0]))
    limit = math.log(ALLOWED * len(held))
    for _ in range(STEPS):
        running(mode, windows, about, start, factor, held)
        if held.max() <= limit:
            break
        factor *= STEP
    return factor


@njit(cache=True, nogil=True)
def clipped_scale(windows: Windows, start: int) -> float:
    """Mean square of the scores, with five of 1 added; never below 1."""
    value, expected, variance, _, rows, _ = windows
    total = 5.0
    count = 5.0
    for t in range(start, len(value)):
        if rows[t] > 0:
            total += min((value[t] - expected[t]) ** 2 / variance[t], 25.0)
            count += 1
    return max(total / count, 1.0)


@njit(cache=True, nogil=True)
def running(
    mode: int, windows: Windows, about: About, start: int, factor: float, held: Floats
) -> None:
    """Fill `held` with the log of the mean of what a signal's bets hold after each window."""
    value, expected, variance, sampling, rows, gain = windows
    typical, share, phi, df, most, echo = about
    log_r = np.full(BETS, -math.inf)
    run, absorbed = np.zeros(BETS), np.zeros(BETS)
    won, fresh = np.empty(BETS), np.empty(BETS)
    held[:] = -math.inf
    for t in range(start, len(value)):
        held[t] = held[max(t - 1, 0)]
        absorbed *= phi
        if rows[t] <= 0:
            continue
        s = variance[t] * factor
        score = normal_score((value[t] - expected[t]) / math.sqrt(s), df)
        low = score
        if mode == COUNT:
            low = normal_score(count_score(value[t], expected[t], s), df)
        expects = (within(expected[t], share), rows[t])
        usual = (typical * factor, 0.0, most)
        spread = (s, s - sampling[t])
        shown = (absorbed, lasting(phi, gain), echo)
        settled(mode, (score, low), spread, expects, usual, shown, won, fresh)
        for k in range(BETS):
            moved_on(k, log_r, run, absorbed, won, fresh)
            absorbed[k] += gain * (1 - absorbed[k])
        held[t] = log_mean(log_r)
