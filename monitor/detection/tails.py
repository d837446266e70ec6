"""How wild single windows are while nothing is wrong, learned from all signals of a model."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from monitor.detection.evidence import CLIP
from monitor.profiles.layout import Floats

RARE: Final = 2 * float(ndtr(-CLIP))
"""Part of normal scores that lies beyond `CLIP`, on either side."""

MOST: Final = 0.01
"""Windows count as no more frequent than this beyond it, which is a score of 2.6: what is wilder
still has a larger variance, and no tails."""


def ceilings(scores: Sequence[Floats]) -> Floats:
    """The score of each signal from which on windows are no more improbable, shape (m,).

    One window of 4 deviations is worth a factor of e^8 to some bet. Where the reference has
    such windows more often than normal scores have, they count as the normal score that is as
    rare: a jump that comes and goes then needs company to call anybody.

    How often is a posterior mean: of all signals together, with one such window in 1 / `RARE`
    as what was known before, and then of each, with what all say as what was known.

    Args:
        scores: innovations over the reference of each signal, in standard deviations.
    """
    beyond = np.array([(np.abs(each) > CLIP).sum() for each in scores], np.float64)
    many = np.array([len(each) for each in scores], np.float64)
    together = (beyond.sum() + 1) / (many.sum() + 1 / RARE)
    part = (beyond + 1) / (many + 1 / together)
    return np.asarray(np.minimum(-ndtri(np.minimum(part, MOST) / 2), CLIP))


def evened(value: Floats, expected: Floats, rows: Floats) -> Floats:
    """How far shares lie from what was expected, without the skewness that few events have.

    Shares of 50 rows of which 5 % are events lie beyond 4 deviations ten times as often as
    normal scores do, and that says nothing of their tails.

    Args:
        value: share seen, shape (t,).
        expected: strictly between 0 and 1, shape (t,).
        rows: shape (t,), positive.

    Returns:
        Differences in sampling deviations, shape (t,).

    Source: Anscombe (1948), The transformation of Poisson, binomial and negative-binomial data.
    """
    angle, usual = (
        np.arcsin(np.sqrt((rows * p + 0.375) / (rows + 0.75))) for p in (value, expected)
    )
    return np.asarray(2 * (angle - usual) * np.sqrt(rows + 0.5))
