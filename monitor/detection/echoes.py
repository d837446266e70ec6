"""What neighbouring windows have in common while nothing is wrong, beyond what is expected."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from monitor.detection.evidence import CLIP
from monitor.detection.readings import HUGE
from monitor.profiles.layout import Floats

SPANS: Final = (2, 3, 4, 6, 8, 12, 16, 24)
"""Windows over which innovations are added up."""

KNOWN: Final = 20.0
"""Spans as all signals together have them, that are added to those of each."""

DOUBT: Final = 0.5
"""Standard errors that are taken off: the greatest of several ratios is above 1 by chance alone."""


def echoes(scores: Sequence[Floats]) -> Floats:
    """Variance of sums of neighbouring windows beside that of independent ones, shape (m,).

    Where a memory was taken for a longer or a shorter one, windows follow each other, and what a
    bet wins from one it wins from the next for the same reason. The greatest ratio over all spans,
    at least 1; of each signal a mean of its own and of what all of them say.

    Args:
        scores: innovations of each signal over the reference, in any unit, in order.
    """
    found = np.ones(len(scores))
    along = [np.concatenate([[0.0], np.cumsum(_evened(each))]) for each in scores]
    for span in SPANS:
        many = np.array([len(each) // span for each in along], np.float64)
        ratio = np.array([_ratio(each, span) for each in along])
        together = max((many @ ratio + KNOWN) / (many.sum() + KNOWN), 1.0)
        mine = (many * ratio + KNOWN * together) / (many + KNOWN)
        mine *= 1 - DOUBT * np.sqrt(2 / (many + KNOWN))
        found = np.where(many > 0, np.maximum(found, mine), found)
    return found


def _evened(score: Floats) -> Floats:
    """With a mean square of 1, and none wilder than a bet counts."""
    score = np.clip(score, -HUGE, HUGE)
    size = np.sqrt(np.mean(score**2)) if len(score) else 0.0
    if not size > 0:
        return np.zeros(len(score))
    clipped = np.clip(score / size, -CLIP, CLIP)
    return np.asarray(clipped / np.sqrt(np.mean(clipped**2)))


def _ratio(along: Floats, span: int) -> float:
    """Mean square of the sums over so many windows, per window."""
    sums = along[span:] - along[:-span]
    return float(sums @ sums) / len(sums) / span if len(sums) else 1.0
