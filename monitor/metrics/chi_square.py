"""Chi-square statistic of homogeneity, with the effect size that goes with it."""

import math

from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.comparison import counted, drift
from monitor.profiles.layout import Ints


def chi_square(reference: Ints, current: Ints) -> float:
    """Pearson's statistic of the 2 × k table, without correction; at least 0.

    Bins that are empty on both sides are left out.

    Args:
        reference: rows per bin, shape (k,), at least one positive [rows].
        current: rows per bin, shape (k,), at least one positive [rows].

    >>> import numpy as np
    >>> round(chi_square(np.array([30, 70, 0]), np.array([45, 55, 0])), 6)
    4.8

    Source: Pearson (1900); Agresti (2013), Categorical Data Analysis, eq. 3.10.
    """
    some = (reference + current) > 0
    m, n = reference[some].astype(float), current[some].astype(float)
    # One term per bin: the squared difference from the expectation is the same on both sides.
    share = (m + n) / (m.sum() + n.sum())
    gap = n - share * n.sum()
    return float((gap * gap / share).sum() * (1 / n.sum() + 1 / m.sum()))


def measure(subject: Subject) -> Value | Undefined:
    pair = counted(subject)
    if isinstance(pair, Undefined):
        return pair
    reference, current, rows = pair
    return Value(chi_square(reference, current), rows)


def measure_effect(subject: Subject) -> Value | Undefined:
    pair = counted(subject)
    if isinstance(pair, Undefined):
        return pair
    reference, current, rows = pair
    effect = math.sqrt(chi_square(reference, current) / (rows + int(reference.sum())))
    return Value(min(effect, 1.0), rows)


METRICS = (
    *drift(
        "chi_square",
        "Chi-square statistic",
        measure,
        says="Whether window and reference can be samples of one distribution; the reference "
        "counts as a sample too. Without any change it averages the number of bins less one, "
        "and it grows with the rows. Same bins as psi. It has no p-value here: over hundreds of "
        "columns and windows one of 0.01 is common.",
        prefer="To compare with reports that give it; for the size of a change read cramers_v.",
        blind="The order of the bins: a shift to the next bin counts as one to the far end. See "
        "wasserstein.",
        source="Agresti (2013), Categorical Data Analysis, section 3.2",
    ),
    *drift(
        "cramers_v",
        "Cramér's V",
        measure_effect,
        says="The chi-square statistic over the rows of both sides, square root taken: 0 equal, "
        "1 nothing in common; between them, sides of unequal size lower it. Without any "
        "change its square averages about (k - 1) / (n + m). Same bins as psi.",
        prefer="For categories, where people know it as the strength of an association; between "
        "windows of different size rather compare jensen_shannon.",
        blind="The order of the bins, as chi_square.",
        source="Cramér (1946), Mathematical Methods of Statistics, section 21.9",
    ),
)
