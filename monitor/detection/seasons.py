"""Which blocks of calendar columns a signal's baseline uses, and how large they may be."""

import math
from typing import Final

import numpy as np
from numba import njit

from monitor.detection.calendar import INTERCEPT
from monitor.profiles.layout import Floats, Ints

# See evidence.py; change this number after a change of a kernel called from here: 1.

SCALES: Final = np.array([0.1, 1.0, 10.0])
"""Prior variances of a block's coefficients, in variances of the signal, beside 0."""

GAIN: Final = 1.5
"""Nats of marginal likelihood that a block must gain to enter."""

ENOUGH: Final = 8 * 168
"""Windows from which `freedom` is reckoned."""

ROUNDS: Final = 4
"""Times that the blocks are tried in turn, at most."""

VAGUE: Final = 1e3
"""Prior variance of the intercept, in variances of the signal."""

_PHI: Final = np.array([0.0, 0.5, 0.85])
_PART: Final = np.array([1.0, 0.5, 0.2, 0.05])
"""Memory that each choice of blocks may have beside it: decays of the wandering, and its
variance in parts of what sampling leaves unexplained."""

OUTLIER: Final = 6.0
"""Robust standard deviations from a first fit, at which the reference's windows are cut off:
one outage must not widen the baseline of a year."""

EPISODES: Final = 3
APART: Final = 24
FEW: Final = 0.05
"""Outliers in at most so many episodes, which lie at least so many windows apart, and in at most
this part of the reference, are incidents and left out of it; more are the signal's own way."""


@njit(cache=True, nogil=True)
def equations(
    y: Floats, rows: Floats, v: Floats, x: Floats, phi: float, tau2: float, gram: Floats
) -> float:
    """Sum of log variances; fills `gram` with the normal equations of columns and y.

    The filter of the wandering alone runs over y and every column at once and leaves white
    innovations, so that all choices of blocks can be judged from one p + 1 square.

    Source: de Jong (1991), The diffuse Kalman filter, section 2.
    """
    t_max, p = x.shape
    gram[:] = 0.0
    at = np.zeros(p + 1)
    e = np.empty(p + 1)
    variance = tau2
    log_det = 0.0
    for t in range(t_max):
        variance = phi * phi * variance + (1 - phi * phi) * tau2
        for j in range(p + 1):
            at[j] *= phi
        if rows[t] <= 0:
            continue
        s = variance + v[t]
        gain = variance / s
        for j in range(p):
            e[j] = x[t, j] - at[j]
        e[p] = y[t] - at[p]
        for j in range(p + 1):
            at[j] += gain * e[j]
        weight = 1 / s
        for i in range(p + 1):
            a = e[i] * weight
            for j in range(i + 1):
                gram[i, j] += a * e[j]
        variance *= 1 - gain
        log_det += math.log(s)
    return log_det


@njit(cache=True, nogil=True)
def coefficients(gram: Floats, log_det: float, prior: Floats, beta: Floats) -> float:
    """Log marginal likelihood under a normal prior, up to a constant; fills `beta`.

    Args:
        gram: lower triangle as `equations` left it, shape (p + 1, p + 1).
        log_det: what it returned.
        prior: variance of each coefficient, shape (p,); 0 leaves it out.
        beta: room for their posterior means, shape (p,).
    """
    p = len(prior)
    use = np.flatnonzero(prior > 0)
    n = len(use)
    low = np.zeros((n, n))
    w = np.empty(n)
    gained = 0.0
    log_size = 0.0
    for i in range(n):
        b = gram[p, use[i]]
        for j in range(i + 1):
            a = gram[use[i], use[j]]
            if i == j:
                a = a * (1 + 1e-12) + 1 / prior[use[i]]
            for k in range(j):
                a -= low[i, k] * low[j, k]
            low[i, j] = math.sqrt(a) if i == j else a / low[j, j]
        for k in range(i):
            b -= low[i, k] * w[k]
        w[i] = b / low[i, i]
        gained += w[i] * w[i]
        log_size += 2 * math.log(low[i, i]) + math.log(prior[use[i]])
    beta[:] = 0.0
    for i in range(n - 1, -1, -1):
        b = w[i]
        for k in range(i + 1, n):
            b -= low[k, i] * beta[use[k]]
        beta[use[i]] = b / low[i, i]
    return float(-0.5 * (log_det + gram[p, p] - gained + log_size))


@njit(cache=True, nogil=True)
def priors(
    y: Floats, rows: Floats, v: Floats, x: Floats, block: Ints, scale: float, room: float
) -> tuple[Floats, Floats]:
    """Prior variance of each column, 0 for blocks left out, and the coefficients' means.

    Args:
        y: the signal, shape (t,).
        rows: 0 where there is no value, shape (t,).
        v: sampling variance, shape (t,), positive.
        x: calendar columns, shape (t, p).
        block: of each column, ascending, shape (p,).
        scale: variance of the signal.
        room: variance that sampling leaves unexplained; positive.
    """
    p = len(block)
    kinds = len(_PHI) * len(_PART)
    grams = np.empty((kinds, p + 1, p + 1))
    log_dets = np.empty(kinds)
    for a in range(len(_PHI)):
        for b in range(len(_PART)):
            k = a * len(_PART) + b
            log_dets[k] = equations(y, rows, v, x, _PHI[a], _PART[b] * room, grams[k])
    prior = np.where(block == INTERCEPT, VAGUE * scale, 0.0)
    beta = np.empty(p)
    # Blocks are tried in turn and then again beside each other: without the weekend's own day
    # the week may seem to gain nothing.
    scales = np.zeros(block.max() + 1)
    for _ in range(ROUNDS):
        is_settled = True
        for k in range(1, len(scales)):
            without, _ = _best(grams, log_dets, np.where(block == k, 0.0, prior), beta)
            chosen = 0.0
            highest = without + GAIN
            for c in SCALES:
                trial = np.where(block == k, c * scale, prior)
                found, _ = _best(grams, log_dets, trial, beta)
                if found > highest:
                    highest = found
                    chosen = c
            is_settled = is_settled and chosen == scales[k]
            scales[k] = chosen
            prior = np.where(block == k, chosen * scale, prior)
        if is_settled:
            break
    _, k = _best(grams, log_dets, prior, beta)
    coefficients(grams[k], log_dets[k], prior, beta)
    return prior, beta


@njit(cache=True, nogil=True)
def _best(grams: Floats, log_dets: Floats, prior: Floats, beta: Floats) -> tuple[float, int]:
    best = -math.inf
    place = 0
    for k in range(len(log_dets)):
        found = coefficients(grams[k], log_dets[k], prior, beta)
        if found > best:
            best = found
            place = k
    return best, place


@njit(cache=True, nogil=True)
def freedom(rows: Floats, v: Floats, x: Floats, prior: Floats, phi: Floats, tau2: Floats) -> Floats:
    """What fitting the columns took from the likelihood of each memory, shape (phi, tau2) [nats].

    Residuals of a fit wander less than the signal did: seven columns for the days of the week
    take a quarter of what four weeks show of slow movements. The restricted likelihood adds
    the log determinant back. It hardly depends on the length, so the last windows are enough.

    Args:
        rows, v, x: as for `priors`.
        prior: variance of each column, 0 for those left out.
        phi: decays, shape (a,).
        tau2: variances of the wandering, shape (b,).

    Source: Harville (1974), Bayesian inference for variance components using only error
    contrasts.
    """
    use = np.flatnonzero(prior > 0)
    n = len(use)
    begin = max(len(rows) - ENOUGH, 0)
    part = np.ascontiguousarray(x[begin:, :][:, use])
    nothing = np.zeros(len(part))
    gram = np.empty((n + 1, n + 1))
    low = np.empty((n, n))
    taken = np.zeros((len(phi), len(tau2)))
    for b in range(len(tau2)):
        for a in range(len(phi)):
            if tau2[b] == 0 and a > 0:
                taken[a, b] = taken[0, b]
                continue
            equations(nothing, rows[begin:], v[begin:], part, phi[a], tau2[b], gram)
            for i in range(n):
                for j in range(i + 1):
                    c = gram[i, j]
                    if i == j:
                        c = c * (1 + 1e-12) + 1 / prior[use[i]]
                    for k in range(j):
                        c -= low[i, k] * low[j, k]
                    low[i, j] = math.sqrt(c) if i == j else c / low[j, j]
                taken[a, b] -= math.log(low[i, i])
    return taken


@njit(cache=True, nogil=True)
def tamed(
    y: Floats, rows: Floats, v: Floats, x: Floats, block: Ints, scale: float, room: float
) -> Floats:
    """The signal with its wildest windows drawn in towards a first fit of all columns."""
    p = len(block)
    gram = np.empty((p + 1, p + 1))
    log_det = equations(y, rows, v, x, 0.0, room, gram)
    prior = np.where(block == INTERCEPT, VAGUE * scale, scale)
    beta = np.empty(p)
    coefficients(gram, log_det, prior, beta)
    fitted = x @ beta
    seen = rows > 0
    size = np.abs(y - fitted)
    robust = 1.4826 * np.median(size[seen])
    drawn = y.copy()
    for t in range(len(y)):
        limit = OUTLIER * max(robust, math.sqrt(v[t]))
        if seen[t] and size[t] > limit:
            drawn[t] = fitted[t] + (limit if y[t] > fitted[t] else -limit)
    return drawn


@njit(cache=True, nogil=True)
def without_incidents(value: Floats, drawn: Floats, rows: Floats) -> Floats:
    """Rows of the windows that a baseline is learned from: 0 in the reference's own incidents.

    Args:
        value: the signal, shape (t,).
        drawn: as `tamed` left it, shape (t,).
        rows: shape (t,).
    """
    last = -APART
    episodes = outliers = seen = 0
    for t in range(len(value)):
        seen += rows[t] > 0
        if rows[t] > 0 and drawn[t] != value[t]:
            outliers += 1
            episodes += t - last >= APART
            last = t
    if episodes > EPISODES or outliers > FEW * seen:
        return rows
    return np.where(drawn != value, 0.0, rows)
