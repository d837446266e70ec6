"""How a signal wanders by itself: decay and size, learned from all signals of a model."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit

from monitor.profiles.layout import Floats

# See evidence.py; change this number after a change of a kernel called from here: 1.

PHI: Final = np.array([0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.88, 0.94, 0.97, 0.985, 0.995, 0.999])
"""Decays per window that are considered."""

RATIO: Final = np.array(
    [0, 0.02, 0.06, 0.15, 0.3, 0.6, 1.2, 2, 3.5, 6, 12, 25, 60, 150, 400, 1_500, 6_000.0]
)
"""Variances of the wandering that are considered, in mean sampling variances. A model with a
hundred thousand rows an hour wanders by hundreds of them."""

CERTAIN: Final = 0.98
"""Of the posterior of the long-run variance, this point is taken: too small a value would page
for the signal's own wandering, too large a one is only slow."""

_ROUNDS: Final = 15
_LONG_RUN: Final = RATIO * ((1 + PHI) / (1 - PHI))[:, None]


@njit(cache=True, nogil=True)
def likelihood(residual: Floats, rows: Floats, v: Floats, phi: float, tau2: float) -> float:
    """Log likelihood of the residuals as wandering plus sampling, up to a constant.

    Squares count as 25 at most, so that single windows do not choose the memory.
    """
    wander = 0.0
    variance = tau2
    total = 0.0
    product = 1.0
    for t in range(len(residual)):
        wander *= phi
        variance = phi * phi * variance + (1 - phi * phi) * tau2
        if rows[t] <= 0:
            continue
        s = variance + v[t]
        e = residual[t] - wander
        product *= s
        # A logarithm costs as much as the rest; a product of a few variances stays in range.
        if not 1e-200 < product < 1e200:
            total -= 0.5 * math.log(product)
            product = 1.0
        total -= 0.5 * min(e * e / s, 25.0)
        gain = variance / s
        wander += gain * e
        variance *= 1 - gain
    return total - 0.5 * math.log(product)


@njit(cache=True, nogil=True)
def likelihoods(residual: Floats, rows: Floats, v: Floats, typical: float) -> Floats:
    """Log likelihood of every decay and size, shape (PHI, RATIO); `typical` is the mean of v."""
    found = np.empty((len(PHI), len(RATIO)))
    for b in range(len(RATIO)):
        for a in range(len(PHI)):
            if b == 0 and a > 0:
                found[a, b] = found[0, 0]
            else:
                found[a, b] = likelihood(residual, rows, v, PHI[a], RATIO[b] * typical)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What the signals of a model tell of each other's memory, m signals.

    Attributes:
        phi: decay, shape (m,).
        ratio: size in mean sampling variances, shape (m,).
    """

    phi: Floats
    ratio: Floats


def memories(log_likelihood: Floats) -> Memory:
    """The memory of each signal, with a prior that all signals of the model share.

    The prior is fitted by EM with two pseudo-signals spread evenly; of each posterior the
    98 % point of the long-run variance is taken.

    Args:
        log_likelihood: as `likelihoods` gives it, shape (m, PHI, RATIO).
    """
    signals = len(log_likelihood)
    if not signals:
        return Memory(np.zeros(0), np.zeros(0))
    flat = log_likelihood.reshape(signals, -1)
    each = np.exp(flat - flat.max(axis=1, keepdims=True))
    cells = each.shape[1]
    prior = np.full(cells, 1 / cells)
    for _ in range(_ROUNDS):
        posterior = each * prior
        posterior /= posterior.sum(axis=1, keepdims=True)
        prior = (posterior.sum(axis=0) + 2 / cells) / (signals + 2)
    posterior = each * prior
    posterior /= posterior.sum(axis=1, keepdims=True)
    long_run = _LONG_RUN.reshape(-1)
    order = np.argsort(long_run, kind="stable")
    place = (np.cumsum(posterior[:, order], axis=1) < CERTAIN).sum(axis=1)
    chosen = order[np.minimum(place, cells - 1)]
    return Memory(PHI[chosen // len(RATIO)], RATIO[chosen % len(RATIO)])
