"""What a signal's own reference says of it, and the filter's way through that reference."""

import math
from typing import Final

import numpy as np
from numba import njit

from monitor.detection.filter import (
    BOUND,
    COUNT,
    SHARE,
    ahead,
    correct,
    forget,
    sampling,
    spread_along,
)
from monitor.detection.memory import PHI, RATIO, likelihoods
from monitor.detection.seasons import freedom, priors, tamed, without_incidents
from monitor.profiles.layout import Floats, Ints

# See evidence.py; change this number after a change of a kernel called from here: 2.

TINY: Final = 1e-12
"""Shares are kept so far from 0 and 1, where a variance would be nothing."""


@njit(cache=True, nogil=True)
def look(
    mode: int, value: Floats, rows: Floats, variance: Floats, x: Floats, block: Ints
) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Priors of the columns, tamed values, rows to learn from, likelihoods, mean sampling variance.

    Args:
        mode: kind of the signal.
        value, rows, variance: of the reference, shape (t,).
        x: calendar columns, shape (t, p).
        block: of each column, shape (p,).
    """
    seen = rows > 0
    count = seen.sum()
    p = len(block)
    trials = rows.sum()
    events = (rows * value).sum()
    share = min(max((events + 0.5) / (trials + 1), TINY), 1 - TINY)
    level = events / trials if mode == SHARE and trials > 0 else value.sum() / max(count, 1)
    v = _expected_variance(mode, np.full(len(value), level), rows, variance, share)
    typical, total, scale = _sizes(value - level, rows, v)
    room = max(total - typical, 0.05 * typical)
    if count == 0:
        return np.zeros(p), value, rows, np.zeros((len(PHI), len(RATIO))), 1.0
    # A level of a thousand deviations, as sums of many rows have it, leaves no digits for them.
    centred = value - level
    drawn = tamed(centred, rows, v, x, block, scale, room)
    kept = without_incidents(centred, drawn, rows)
    typical, total, scale = _sizes(drawn, kept, v)
    room = max(total - typical, 0.05 * typical)
    prior, beta = priors(drawn, kept, v, x, block, scale, room)
    fitted = x @ beta
    if mode in (SHARE, COUNT):
        v = _expected_variance(mode, level + fitted, rows, variance, share)
        prior, beta = priors(drawn, kept, v, x, block, scale, room)
        fitted = x @ beta
    residual = drawn - fitted
    drawn = np.where(drawn == centred, value, level + drawn)
    typical, _, _ = _sizes(residual, kept, v)
    found = likelihoods(residual, kept, v, typical)
    # It is smooth in the logarithm of the ratio: every second one is enough.
    taken = freedom(kept, v, x, prior, PHI, RATIO[::2] * typical)
    for b in range(len(RATIO)):
        found[:, b] += (taken[:, b // 2] + taken[:, (b + 1) // 2]) / 2
    return prior, drawn, kept, found, typical


@njit(cache=True, nogil=True)
def _expected_variance(
    mode: int, expected: Floats, rows: Floats, variance: Floats, share: float
) -> Floats:
    v = np.empty(len(expected))
    for t in range(len(expected)):
        v[t] = sampling(mode, expected[t], max(rows[t], 1.0), variance[t], share)
    return v


@njit(cache=True, nogil=True)
def _sizes(centred: Floats, rows: Floats, v: Floats) -> tuple[float, float, float]:
    """Mean sampling variance, mean square, and the larger of both, over windows with a value."""
    count = 0
    squares = total = 0.0
    for t in range(len(centred)):
        if rows[t] > 0:
            squares += centred[t] ** 2
            total += v[t]
            count += 1
    if count == 0:
        return 1.0, 0.0, 1.0
    squares /= max(count - 1, 1)
    total /= count
    return total, squares, max(squares, total)


@njit(cache=True, nogil=True)
def through(
    mode: int,
    windows: tuple[Floats, Floats, Floats],
    x: Floats,
    chosen: Ints,
    prior: Floats,
    phi: float,
    tau2: float,
    share: float,
    mean: Floats,
    cov: Floats,
) -> tuple[float, Floats, Floats, Floats]:
    """Gain at the end of the reference; expectation, variance and sampling variance per window.

    Fills `mean` and `cov` with the filter's state at the end.

    Args:
        mode: kind of the signal.
        windows: value, rows and sampling variance, shape (t,) each.
        x: calendar columns, shape (t, p).
        chosen: columns that are used, the intercept first, shape (k,).
        prior: variance of their coefficients, shape (k,).
        phi: decay of the wandering.
        tau2: variance of it.
        share: of the reference.
        mean: room for the states, shape (p + 1,).
        cov: room for the packed covariance.
    """
    value, rows, variance = windows
    used = len(chosen) + 1
    mean[:] = 0.0
    # From 0 the clipped innovations would never reach a level of many deviations.
    seen = rows > 0
    mean[1] = value[seen].mean() if seen.any() else 0.0
    cov[:] = 0.0
    cov[0] = tau2
    for k in range(1, used):
        cov[k * (k + 1) // 2 + k] = prior[k - 1]
    row = np.empty(len(mean))
    along = np.empty(len(mean))
    row[0] = 1.0
    expected = np.zeros(len(value))
    spread = np.ones(len(value))
    v = np.ones(len(value))
    gain = 0.0
    for t in range(len(value)):
        forget(mean, cov, used, phi, tau2, 0.0)
        if rows[t] <= 0:
            continue
        for k in range(1, used):
            row[k] = x[t, chosen[k - 1]]
        f = ahead(mean, used, row)
        v[t] = sampling(mode, f, rows[t], variance[t], share)
        s = v[t] + spread_along(cov, used, row, along)
        expected[t] = f
        spread[t] = s
        bound = BOUND * math.sqrt(s)
        correct(mean, cov, used, along, min(max(value[t] - f, -bound), bound), s)
        gain = along[0] / s
    return gain, expected, spread, v
