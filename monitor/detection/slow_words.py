"""What the slow tier says of itself: how far it has come, and what it would see."""

import math
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detection.slow import LEAST, STARTS, Drift
from monitor.detection.slow_blocks import Blocks
from monitor.detection.slow_family import Harmless, per_year
from monitor.profiles.layout import Floats
from monitor.profiles.windows import DAY, instant

LEARNING: Final = 13
"""Weeks of reference under which there are no tickets."""

YEAR: Final = 52
"""Weeks of reference under which a season cannot be told from a drift."""

LOW: Final = 0.5
"""Sigma; a signal that would not see this much has low sensitivity, and says so."""

_WEEK: Final = 7 * DAY
_FITTED: Final = 1
"""Columns that the level takes."""


def visible(blocks: Blocks, quiet: Harmless, weights: Floats, limit: float) -> Floats:
    """Shift that would be seen within three months, in the unit of the blocks, shape (s,).

    Roughly: the evidence of a clear shift d after k blocks is exp(d^2 / 2 s^2 (1/k + p/m)),
    spread over the starts that are looked at.

    Args:
        blocks: of the reference at least.
        quiet: of the same.
        weights: of the signals, shape (s,).
        limit: evidence at which there is a ticket.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.sqrt(2 * np.log(np.maximum(STARTS * limit / weights, 1.0)))
        seen: Floats = quiet.spread * far
    three = 3 * per_year(blocks.length) / 13
    return np.where(
        np.isnan(seen), np.inf, seen * math.sqrt(1 / three + _FITTED / max(blocks.reference, 1))
    )


def moved(blocks: Blocks, found: Drift) -> NDArray[np.bool_]:
    """Signals for the badge "moved, season not excluded": away, with less than a year known."""
    apart: NDArray[np.bool_] = np.abs(found.difference) >= LEAST
    return apart & (found.log_e > math.log(STARTS)) & blocks.usable


def standing(weeks: int, visible_shift: float) -> str:
    """How far the slow tier has come with a signal, in a few words.

    Args:
        weeks: of reference.
        visible_shift: `visible` of the signal [sigma].

    >>> standing(5, 0.3), standing(30, 0.3)
    ('learning slow baseline 5/13 weeks', 'season not yet seen')
    >>> standing(60, 0.234)
    'watching; would see 0.23 sigma lasting 3 months'
    >>> standing(60, 0.9)
    'low sensitivity; would see 0.90 sigma lasting 3 months'
    """
    if weeks < LEARNING:
        return f"learning slow baseline {weeks}/{LEARNING} weeks"
    if weeks < YEAR:
        return "season not yet seen"
    if not math.isfinite(visible_shift):
        return "not followed: too few rows or events per block"
    state = "watching" if visible_shift <= LOW else "low sensitivity"
    return f"{state}; would see {visible_shift:.2f} sigma lasting 3 months"


def sentence(name: str, difference: float, blocks_since: int, length: int, end: int) -> str:
    """The words of a ticket, for its top contributor.

    Args:
        name: of the signal.
        difference: from the reference [sigma].
        blocks_since: blocks since the most likely begin.
        length: of a block [s].
        end: of the last block [Unix s].

    >>> sentence("age/location", 0.31, 2, 28 * 86_400, 1_700_000_000)
    'age/location moved +0.31 sigma since about 2023-09-19, beyond the wander and season seen so \
far; cause unknown'
    """
    day = (instant(end) - timedelta(seconds=blocks_since * length)).date().isoformat()
    return (
        f"{name} moved {difference:+.2f} sigma since about {day},"
        " beyond the wander and season seen so far; cause unknown"
    )
