"""What a detector reads of a closed window: one number per signal, and how sure it is."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.profiles.layout import Floats

HUGE: Final = 1e100
"""Values of this size are no values: their squares could not be told from infinity."""


class Kind(IntEnum):
    """How a signal's sampling variance is known."""

    NORMAL = 0
    """It comes with the reading."""
    SHARE = 1
    """Binomial: from the expected share and the rows."""
    COUNT = 2
    """Poisson: the value is the logarithm of a count, its variance one over the expected one."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The signals of one window, m of them, in the order of the state.

    Attributes:
        value: y, shape (m,); read only where there are rows.
        rows: what it rests on, shape (m,) [rows]; 0 where the window has no value.
        variance: of the value by sampling alone, shape (m,); read for `Kind.NORMAL` only.
    """

    value: Floats
    rows: Floats
    variance: Floats

    def __post_init__(self) -> None:
        shapes = {self.value.shape, self.rows.shape, self.variance.shape}
        if len(shapes) != 1:
            raise ValueError(f"value, rows and variance have unlike shapes: {sorted(shapes)}")

    @classmethod
    def missing(cls, signals: int) -> Self:
        """The reading of a window in which nothing was seen."""
        return cls(np.zeros(signals), np.zeros(signals), np.ones(signals))


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Readings of consecutive windows, from which a baseline is learned.

    Attributes:
        length: of a window [s].
        first: number of the first window, counted from 1970.
        value: shape (m, t).
        rows: shape (m, t) [rows]; 0 where a window has no value.
        variance: shape (m, t).
    """

    length: int
    first: int
    value: Floats
    rows: Floats
    variance: Floats

    def __post_init__(self) -> None:
        shapes = {self.value.shape, self.rows.shape, self.variance.shape}
        if len(shapes) != 1 or self.value.ndim != 2:
            raise ValueError(f"value, rows and variance have unlike shapes: {sorted(shapes)}")

    @property
    def last(self) -> int:
        """Number of the last window; `first - 1` without any."""
        return self.first + int(self.value.shape[1]) - 1

    def at(self, place: int) -> Reading:
        """The reading of one window."""
        return Reading(self.value[:, place], self.rows[:, place], self.variance[:, place])

    def span(self, start: int, end: int) -> "History":
        """The windows of the half-open range of places."""
        return History(
            self.length,
            self.first + start,
            self.value[:, start:end],
            self.rows[:, start:end],
            self.variance[:, start:end],
        )


def told(value: Floats, rows: Floats, variance: Floats) -> NDArray[np.bool_]:
    """Where there is a value that arithmetic can bear, in the shape of the arguments."""
    known: NDArray[np.bool_] = (rows > 0) & (np.abs(value) < HUGE) & (variance < HUGE)
    return known
