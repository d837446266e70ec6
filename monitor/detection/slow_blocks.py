"""The windows of months as one number per block of weeks, in units that drift is told in."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.readings import History, Kind
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import DAY

LONG: Final = 28 * DAY
SHORT: Final = 7 * DAY
"""Lengths of a block: four weeks, or one where the reference is shorter than half a year."""

HALF_YEAR: Final = 26 * 7 * DAY
QUARTER: Final = 13 * 7 * DAY

EVENTS: Final = 5.0
"""Events, and others, that a share needs in a block of the reference to be followed."""

ENOUGH: Final = 0.5
"""Part of the rows of a usual block of the reference, with which a block stands for itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Numbers per block, s signals; the first blocks are the frozen reference.

    Attributes:
        length: of a block [s].
        reference: how many of the blocks are the reference's, m.
        value: shape (s, n): means in the signal's unit, which for components is sigma; shares as
            Cohen's 2 asin(sqrt p), in which a sigma is a sigma too; counts as logarithms.
        variance: of the value by sampling, shape (s, n), positive.
        usable: which signals can be followed, shape (s,).
        told: which blocks have rows, shape (s, n); one without repeats the one before it, and
            may not call anybody.
    """

    length: int
    reference: int
    value: Floats
    variance: Floats
    usable: NDArray[np.bool_]
    told: NDArray[np.bool_]

    def until(self, count: int) -> Self:
        """The first blocks only."""
        cut = {name: getattr(self, name)[:, :count] for name in ("value", "variance", "told")}
        return replace(self, **cut)


def block_length(span: int) -> int | None:
    """Length of a block for a reference that spans so many seconds; None under 13 weeks.

    >>> block_length(364 * 86_400) // 86_400, block_length(100 * 86_400) // 86_400
    (28, 7)
    """
    if span < QUARTER:
        return None
    return LONG if span >= HALF_YEAR else SHORT


def blocked(history: History, kinds: NDArray[np.int8], end: int, length: int) -> Blocks:
    """The whole blocks before and after the end of the reference.

    A block without rows repeats the one before it, which is no evidence of anything. One with
    fewer than `ENOUGH` of the usual rows, as an outage leaves it, takes what it lacks from there.

    Args:
        history: windows of reference and monitoring, without gaps.
        kinds: `readings.Kind` of each signal, shape (s,).
        end: number of the first window that is not the reference's.
        length: of a block, a whole multiple of the window's length [s].
    """
    each = max(length // history.length, 1)
    before = (end - history.first) // each
    after = (history.last + 1 - end) // each
    start = end - history.first - before * each
    count = before + after
    cut = slice(start, start + count * each)
    shape = (len(kinds), count, each)
    known = np.isfinite(history.value[:, cut]) & (history.rows[:, cut] > 0)
    rows = np.where(known, history.rows[:, cut], 0.0).reshape(shape)
    value = np.where(known, history.value[:, cut], 0.0).reshape(shape)
    v = np.where(known, history.variance[:, cut], 0.0).reshape(shape)
    is_count, is_share = (kinds == Kind.COUNT)[:, None], (kinds == Kind.SHARE)[:, None]
    weight = np.where(is_count[:, :, None], (rows > 0).astype(np.float64), rows)
    v = np.where(is_count[:, :, None], np.exp(-value), v)
    total = weight.sum(axis=2)
    many = np.where(total > 0, total, 1.0)
    mean = (weight * value).sum(axis=2) / many
    events = total * mean
    angle = 2 * np.arcsin(np.sqrt(np.clip((events + 0.375) / (total + 0.75), 0, 1)))
    found = np.where(is_share, angle, mean)
    variance = np.where(is_share, 1 / (total + 0.5), (weight**2 * v).sum(axis=2) / many**2)
    has = total > 0
    fewest = np.minimum(events, total - events)[:, :before]
    enough = np.median(fewest, axis=1) >= EVENTS if before else np.zeros(len(kinds), np.bool_)
    usable = has[:, :before].mean(axis=1) > 0.75 if before else enough
    usable &= enough | ~is_share[:, 0]
    found, variance = _carried(found, has), _carried(variance, has)
    usual = np.median(total[:, :before], axis=1, keepdims=True) if before else total[:, :1]
    found = _filled(found, np.minimum(total / np.maximum(ENOUGH * usual, 1e-300), 1.0))
    return Blocks(length, before, found, np.maximum(variance, 1e-300), usable, has)


def _filled(x: Floats, part: Floats) -> Floats:
    """Values whose missing part is taken from the block before; the first one stands as it is."""
    filled = x.copy()
    for k in range(1, x.shape[1]):
        filled[:, k] += (1 - part[:, k]) * (filled[:, k - 1] - x[:, k])
    return filled


def _carried(x: Floats, has: NDArray[np.bool_]) -> Floats:
    """Values of earlier blocks where there is none; of the first one before it."""
    places: Ints = np.where(has, np.arange(x.shape[1]), -1)
    last = np.maximum.accumulate(places, axis=1)
    first = has.argmax(axis=1)[:, None]
    carried: Floats = np.take_along_axis(x, np.where(last < 0, first, last), axis=1)
    return carried
