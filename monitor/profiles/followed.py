"""Confidence of the recommendations that people followed and of those that they rejected."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.columns import CONFIDENCE
from monitor.profiles.fixed import UNIT, on_grid
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows, sum and sum of squares of a number in [0, 1]."""

    rows: int
    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class Followed:
    """Sums of the confidence, over shown recommendations that carry one."""

    followed: Sums
    rejected: Sums

    @classmethod
    def name(cls) -> str:
        return "followed"

    @classmethod
    def part(cls) -> Part:
        """Room for two times three sums."""
        return Part(cls.name(), CONFIDENCE, {}, 6)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        followed, rejected = (
            Sums(rows, total * UNIT, squares * UNIT)
            for rows, total, squares in ints.reshape(2, 3).tolist()
        )
        return cls(followed, rejected)


def fed(known: Known) -> Iterator[Added]:
    """Reviewed cases in which prediction, decision and confidence are known."""
    rows = np.flatnonzero(known.shown & known.compared & ~np.isnan(known.confidence))
    confidence = known.confidence[rows]
    first = np.where(known.differs[rows], 3, 0)
    yield Added(rows, first)
    yield Added(rows, first + 1, on_grid(confidence))
    yield Added(rows, first + 2, on_grid(confidence**2))
