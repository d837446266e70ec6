"""Population stability index."""

from typing import Final

import numpy as np

from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.comparison import counted, drift, shares
from monitor.profiles.layout import Floats

FLOOR: Final = 1e-4
"""Smaller shares count as this, so that an empty bin has a finite logarithm."""


def population_stability_index(reference: Floats, current: Floats) -> float:
    """Sum of (q - p) ln(q / p) over the bins; at least 0, 0 for equal shares.

    Args:
        reference: share p per bin, shape (k,).
        current: share q per bin, shape (k,).

    >>> p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    >>> round(population_stability_index(p, q), 6)
    0.274653

    Source: Siddiqi (2006), Credit Risk Scorecards, chapter 9; Kullback and Leibler (1951), eq. 2.6.
    """
    p, q = np.maximum(reference, FLOOR), np.maximum(current, FLOOR)
    return float(((q - p) * np.log(q / p)).sum())


def measure(subject: Subject) -> Value | Undefined:
    pair = counted(subject)
    if isinstance(pair, Undefined):
        return pair
    reference, current, rows = pair
    return Value(population_stability_index(shares(reference), shares(current)), rows)


METRICS = drift(
    "psi",
    "Population stability index",
    measure,
    says="How far the shares of the bins moved; by custom 0.1 is a change and 0.25 a large one. "
    "Without any change it still averages about (k - 1)(1/n + 1/m) for k bins, n rows in the "
    "window and m in the reference. No interval: near zero none is honest. Bins with a share "
    "under 0.0001 count as 0.0001. Missing numbers are not in it (see feature_missing); missing "
    "categories are a bin of their own.",
    prefer="Where rules and reports already speak of it. It grows without bound as bins empty or "
    "fill; for a number between 0 and 1 see jensen_shannon.",
    blind="Changes within a bin and how far values moved: see wasserstein. Its direction: see "
    "location.",
    source="Siddiqi (2006), Credit Risk Scorecards, chapter 9",
)
