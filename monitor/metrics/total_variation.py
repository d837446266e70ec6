"""Total variation distance."""

import numpy as np

from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.comparison import counted, drift, shares
from monitor.profiles.layout import Floats


def total_variation_distance(reference: Floats, current: Floats) -> float:
    """Half the sum of |q - p| over the bins, in [0, 1].

    Args:
        reference: share p per bin, shape (k,).
        current: share q per bin, shape (k,).

    >>> round(total_variation_distance(np.array([0.5, 0.5]), np.array([0.7, 0.3])), 6)
    0.2

    Source: Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4.
    """
    return min(float(np.abs(current - reference).sum()) / 2, 1.0)


def measure(subject: Subject) -> Value | Undefined:
    pair = counted(subject)
    if isinstance(pair, Undefined):
        return pair
    reference, current, rows = pair
    return Value(total_variation_distance(shares(reference), shares(current)), rows)


METRICS = drift(
    "total_variation",
    "Total variation distance",
    measure,
    says="Share of the rows that would have to change their bin to turn the window into the "
    "reference: 0.1 means every tenth. Without any change it still averages up to "
    "sqrt((k - 1)(1/n + 1/m) / 6.3) for k bins, n rows in the window and m in the reference. No "
    "interval: near zero none is honest. Same bins as psi.",
    prefer="To tell people how much moved: it is the one of these distances that is a share of "
    "rows. Calmest of all about rare bins.",
    blind="Rare bins that grew many times over: see psi. Changes within a bin and how far values "
    "moved: see wasserstein.",
    source="Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4",
)
