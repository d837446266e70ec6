"""Hellinger distance."""

import math

import numpy as np

from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.comparison import counted, drift, shares
from monitor.profiles.layout import Floats


def hellinger_distance(reference: Floats, current: Floats) -> float:
    """Root of half the sum of (sqrt(q) - sqrt(p))² over the bins, in [0, 1].

    Args:
        reference: share p per bin, shape (k,).
        current: share q per bin, shape (k,).

    >>> round(hellinger_distance(np.array([0.5, 0.5]), np.array([1.0, 0.0])), 6)
    0.541196

    Source: Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4.
    """
    # From the differences: 1 - sum sqrt(pq) loses half the digits where the two are close.
    gap = np.sqrt(current) - np.sqrt(reference)
    return min(math.sqrt(float(gap @ gap) / 2), 1.0)


def measure(subject: Subject) -> Value | Undefined:
    pair = counted(subject)
    if isinstance(pair, Undefined):
        return pair
    reference, current, rows = pair
    return Value(hellinger_distance(shares(reference), shares(current)), rows)


METRICS = drift(
    "hellinger",
    "Hellinger distance",
    measure,
    says="How far the shares of the bins moved, from 0 (equal) to 1 (nothing in common). Without "
    "any change its square still averages about (k - 1)(1/n + 1/m) / 8 for k bins, n rows in the "
    "window and m in the reference. No interval: near zero none is honest. Same bins as psi.",
    prefer="Where one end of the scale must mean that nothing is in common. It ranks changes as "
    "jensen_shannon does; a bin that emptied counts for more in it.",
    blind="Changes within a bin and how far values moved: see wasserstein. Its sign: see location.",
    source="Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4",
)
