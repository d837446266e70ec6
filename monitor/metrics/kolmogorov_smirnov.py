"""Kolmogorov-Smirnov distance."""

import numpy as np

from monitor.metrics.base import Ends, Subject, Undefined, Value
from monitor.metrics.comparison import distributions, drift
from monitor.metrics.envelope import envelope
from monitor.profiles.distribution import Distribution


def kolmogorov_smirnov(reference: Distribution, current: Distribution) -> tuple[float, float]:
    """The largest gap of the distribution functions that is proved, and the largest possible.

    The gap over the raw rows lies between the two, both in [0, 1]: at the edges both functions
    are known, between them only as far as `Envelope` says.

    Args:
        reference: at least one row.
        current: in the same edges, at least one row.

    Source: Smirnov (1939); SciPy's ks_2samp gives the same over the raw rows.
    """
    p = np.cumsum(reference.counts) / reference.rows
    q = np.cumsum(current.counts) / current.rows
    least = float(np.abs(p - q).max())
    between = envelope(reference, current)
    # A stretch of no length holds no value, so what could happen inside it cannot.
    some = between.width > 0
    if not some.any():
        return least, least
    above = (between.f_least - between.g_most)[some].max()
    below = (between.g_least - between.f_most)[some].max()
    least = max(least, float(above), float(below))
    above = (between.f_most - between.g_least)[some].max()
    below = (between.g_most - between.f_least)[some].max()
    return least, max(least, float(above), float(below))


def measure(subject: Subject) -> Value | Undefined:
    both = distributions(subject)
    if isinstance(both, Undefined):
        return both
    reference, current = both
    least, most = kolmogorov_smirnov(reference, current)
    return Value(least, current.rows, least, most)


METRICS = drift(
    "kolmogorov_smirnov",
    "Kolmogorov-Smirnov distance",
    measure,
    summaries=(Distribution,),
    ends=Ends.BINNING,
    says="The largest gap between the two distribution functions, from 0 to 1. The value is the "
    "largest gap at an edge of the bins, which is the least that the raw rows can give; upper is "
    "the most. For a column of few values the value is exact as long as no new value appears. "
    "The ends say nothing of sampling: without any change the distance stays under 1.36 "
    "sqrt(1/n + 1/m) in 95 % of windows.",
    prefer="Where the shape is unknown and no bins are to matter: the raw rows' own distance lies "
    "between the ends.",
    blind="Changes in the tails, where both functions are close to 0 or 1: see wasserstein and "
    "tails. Missing values: see feature_missing.",
    source="Smirnov (1939); ks_2samp of SciPy over the raw rows",
)
