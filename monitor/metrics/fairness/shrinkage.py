"""Rates of many groups, each drawn to the others by as much as it is uncertain."""

from typing import Final

import numpy as np

from monitor.profiles.layout import Floats, Ints

STEPS: Final = 40
"""Strengths of the prior that are weighed against each other."""


def shrunk(hits: Ints, rows: Ints) -> tuple[Floats, Floats, Floats]:
    """Posterior means of the groups' rates with 95 % intervals, shape (g,) each.

    The rates are taken as drawn from a beta distribution. Its mean is estimated at each of
    `STEPS` strengths; the strengths are weighed by their likelihood, with a uniform prior of the
    weight that a group of usual size gives to the others. The uncertainty of mean and strength is
    in the intervals, so that they hold for few groups too.

    Args:
        hits: of each group, shape (g,) [rows].
        rows: of each group, all positive, shape (g,) [rows].

    >>> mean, _, _ = shrunk(np.array([3, 30, 60]), np.array([30, 100, 120]))
    >>> mean.round(3).tolist()
    [0.169, 0.304, 0.481]

    Source: Kleinman (1973), JASA 68, 46, for the weighted mean; Deely and Lindley (1981), JASA 76,
    833, for weighing; Daniels (1999), Canadian J. Statistics 27, 567, for the prior.
    """
    from scipy.special import betaincinv, betaln

    k, n = hits.astype(np.float64), rows.astype(np.float64)
    weight = (np.arange(STEPS) + 0.5) / STEPS
    strength = (weight / (1 - weight) * len(n) / (1 / n).sum())[:, None]
    # How many rows each group counts for in the mean, when its rows are alike.
    worth = n / (1 + (n - 1) / (strength + 1))
    whole = worth.sum(axis=1, keepdims=True)
    mean = ((worth * k / n).sum(axis=1, keepdims=True) + 0.5) / (whole + 1)
    doubt = mean * (1 - mean) / (whole + 2)
    a, b = mean * strength, (1 - mean) * strength
    likelihood = (betaln(k + a, n - k + b) - betaln(a, b)).sum(axis=1) + np.log(doubt[:, 0]) / 2
    share = np.exp(likelihood - likelihood.max())
    share /= share.sum()
    means = (k + a) / (n + strength)
    spread = means * (1 - means) / (n + strength + 1) + (strength / (n + strength)) ** 2 * doubt
    found = share @ means
    variance = share @ (spread + means**2) - found**2
    alike = found * (1 - found) / variance - 1
    ends = [betaincinv(found * alike, (1 - found) * alike, q) for q in (0.025, 0.975)]
    return found, np.minimum(ends[0], found), np.maximum(ends[1], found)
