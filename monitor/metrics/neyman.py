"""Orthonormal polynomials on bins: the shape of a distribution in a few uncorrelated numbers."""

from typing import Final

import numpy as np

from monitor.profiles.layout import Floats, Ints

NAMES: Final = ("location", "spread", "skew", "tails")
"""What the mean of each polynomial tells, in the order of their degrees from 1 on."""


def polynomials(share: Floats, degree: int) -> Floats:
    """Orthonormal polynomials on the mid-ranks of bins, shape (b, degree).

    Under the shares each has mean 0 and variance 1, and no two are correlated, so that their
    means over n rows have covariance I/n: Neyman's smooth test.

    Args:
        share: of the reference per bin, shape (b,), positive, of sum 1.
        degree: at least 1 and below b.

    >>> polynomials(np.array([0.36, 0.64]), 1).round(4).T.tolist()
    [[-1.3333, 0.75]]

    Source: Neyman (1937), Skandinavisk Aktuarietidskrift 20, 149; Rayner and Best (1989),
    Smooth Tests of Goodness of Fit, chapter 5.
    """
    rank = 2 * (np.cumsum(share) - share / 2) - 1
    root = np.sqrt(share)
    powers = np.vander(rank, degree + 1, increasing=True)
    q, r = np.linalg.qr(powers * root[:, None])
    signed = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    found: Floats = signed[:, 1:] / root[:, None]
    return found


def merged(reference: Ints, need: float, most: int) -> Ints:
    """Bin after merging of each bin, shape (k,), ascending from 0.

    The bin with the fewest rows joins the lesser of its neighbours until every bin has rows and
    either two are left, or each holds `need` rows and there are `most` at the most.

    Args:
        reference: rows per bin in order of the values, shape (k,) [rows].
        need: rows that a bin must hold [rows].
        most: bins that are kept apart, at least 2.

    >>> merged(np.array([0, 50, 1, 40, 9, 0]), 5, 20).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    counts = [float(count) for count in reference]
    sizes = [1] * len(counts)
    while len(counts) > 1:
        least = int(np.argmin(counts))
        enough = counts[least] > 0 and (len(counts) == 2 or counts[least] >= need)
        if enough and len(counts) <= most:
            break
        last = len(counts) - 1
        joins_left = least == last or (least > 0 and counts[least - 1] <= counts[least + 1])
        low = least - 1 if joins_left else least
        counts[low : low + 2] = [counts[low] + counts[low + 1]]
        sizes[low : low + 2] = [sizes[low] + sizes[low + 1]]
    return np.repeat(np.arange(len(sizes)), sizes)
