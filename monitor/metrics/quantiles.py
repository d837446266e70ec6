"""Quantiles of a binned number, with what the sample and the bins leave open."""

import math

import numpy as np

from monitor.metrics.intervals import Z
from monitor.profiles.distribution import Distribution


def least_rows(share: float) -> int:
    """Rows from which both ends of a 95 % interval of this quantile lie within the sample.

    With fewer even the greatest (or smallest) value may lie on the wrong side of the quantile
    in more than 2.5 % of samples.

    >>> least_rows(0.5), least_rows(0.9), least_rows(0.99)
    (6, 36, 368)
    """
    return math.ceil(math.log(0.025) / math.log(max(share, 1 - share)))


def quantile(found: Distribution, share: float) -> tuple[float, float, float]:
    """A quantile, and the ends of its 95 % interval widened to the ends of their bins.

    The value is the k-th smallest, k the share of the rows rounded up, as if the rows of its bin
    lay evenly in it. The ends are those of the bins that hold the order statistics between which
    the quantile lies in 95 % of samples.

    Args:
        found: at least one row; extremes kept.
        share: in (0, 1).

    Source: David and Nagaraja (2003), Order Statistics, section 7.1, in the normal approximation.
    """
    rows = found.rows
    upto = np.cumsum(found.counts)
    half = Z * math.sqrt(rows * share * (1 - share))
    ranks = (share * rows - half, share * rows, share * rows + half + 1)
    low, at, high = (min(max(math.ceil(rank), 1), rows) for rank in ranks)
    lower, _ = _ends(found, int(np.searchsorted(upto, low)))
    _, upper = _ends(found, int(np.searchsorted(upto, high)))
    place = int(np.searchsorted(upto, at))
    begin, end = _ends(found, place)
    inside = (at - (upto[place] - found.counts[place]) - 0.5) / found.counts[place]
    # Moved into the bin again, which rounding may leave.
    value = min(max(begin + (end - begin) * float(inside), begin), end)
    return value, lower, upper


def _ends(found: Distribution, place: int) -> tuple[float, float]:
    """From where to where the values of a bin can lie."""
    edges = found.edges
    begin = found.low if place == 0 else max(float(edges[place - 1]), found.low)
    end = found.high if place == len(edges) else min(float(edges[place]), found.high)
    return begin, end
