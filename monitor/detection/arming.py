"""Whether a signal's baseline rests on enough to be paged on, and what is still missing."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detection.state import State
from monitor.profiles.windows import DAY

WINDOWS: Final = 30
"""Windows with a value that a baseline needs. From 14 there were 2.25 false pages per 720
windows, from 30 none."""

WEEKS: Final = 4
"""Weeks that they must span, for windows of up to a day: fewer show no weekday often enough. A
day less is let pass, for a signal may have no rows in the first hours."""

YEAR: Final = 365 * DAY

_WEEK: Final = 7 * DAY


def armed(state: State) -> NDArray[np.bool_]:
    """Which signals may page, shape (m,)."""
    return (state.observed >= WINDOWS) & (_span(state) >= needed(state.length))


def standing(state: State, signal: int) -> str:
    """How far a signal's baseline has come, in a few words.

    "learning 12/30 windows", "learning 3/4 weeks", "season not yet seen", or "watching".
    """
    observed = int(state.observed[signal])
    if observed < WINDOWS:
        return f"learning {observed}/{WINDOWS} windows"
    span = int(_span(state)[signal])
    if span < needed(state.length):
        return f"learning {span // _WEEK}/{WEEKS} weeks"
    lived = (state.number - int(state.first[signal]) + 1) * state.length
    return "season not yet seen" if lived < YEAR else "watching"


def _span(state: State) -> NDArray[np.int64]:
    """Seconds from a signal's first window to the end of its reference."""
    span: NDArray[np.int64] = (state.learned - state.first + 1) * state.length
    return span


def needed(length: int) -> int:
    """Seconds that a baseline must span, for windows of a length [s]."""
    return WEEKS * _WEEK - DAY if length <= DAY else 0
