"""The columns by which a baseline knows the hour of the day and the day of the week."""

from typing import Final

import numpy as np

from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import DAY

HARMONICS: Final = 4
"""Harmonics of the day; four draw working hours with a midday dip, more were never chosen."""

WEEKEND_HARMONICS: Final = 2
"""Harmonics by which the weekend's day may differ from a working day's."""

INTERCEPT, DAILY, WEEKLY, WEEKEND = range(4)
"""Blocks of columns; a block enters a baseline whole or not at all."""

_MONDAY: Final = 3
"""Day 0, the first of January 1970, was a Thursday."""


def blocks(length: int) -> Ints:
    """The block of each column of `columns`, shape (p,).

    Args:
        length: of a window [s].

    >>> blocks(3_600).tolist()
    [0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3]
    >>> blocks(86_400).tolist(), blocks(7 * 86_400).tolist()
    ([0, 2, 2, 2, 2, 2, 2], [0])
    """
    daily, weekend = _waves(length, HARMONICS), _waves(length, WEEKEND_HARMONICS)
    weekly = 6 if length <= DAY else 0
    sizes = (1, daily, weekly, weekend)
    return np.repeat(np.array([INTERCEPT, DAILY, WEEKLY, WEEKEND]), sizes).astype(np.int64)


def columns(numbers: Ints, length: int) -> Floats:
    """Values of the columns for windows of one length, shape (t, p).

    There are none for the year. Annual waves raised false pages even with ten years of
    reference, and windows longer than a day have an intercept only.

    Args:
        numbers: windows counted from 1970, so that `number * length` is their begin [s].
        length: of a window [s].
    """
    start = numbers * length
    angle = 2 * np.pi * (start % DAY) / DAY
    weekday = (start // DAY + _MONDAY) % 7
    found = [np.ones(len(numbers))]
    found += _wave(angle, _waves(length, HARMONICS))
    if length <= DAY:
        monday = (weekday == 0).astype(np.float64)
        found += [(weekday == day) - monday for day in range(1, 7)]
    is_weekend = (weekday >= 5).astype(np.float64)
    found += [is_weekend * wave for wave in _wave(angle, _waves(length, WEEKEND_HARMONICS))]
    return np.stack(found, axis=1)


def _waves(length: int, harmonics: int) -> int:
    """Columns of so many harmonics, fewer where windows are too long to show them."""
    return min(2 * harmonics, max(DAY // length - 1, 0))


def _wave(angle: Floats, count: int) -> list[Floats]:
    every = [f(k * angle) for k in range(1, count // 2 + 2) for f in (np.cos, np.sin)]
    return every[:count]
