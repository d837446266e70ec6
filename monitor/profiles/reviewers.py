"""How reviews and overrides spread over the people who decide, in cells of a hash."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.codes import MISSING
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

CELLS: Final = 1_024
"""Two of 20 people share one of so many with probability 0.17; the mean number of pairs that do
is people² / 2,048."""

FEW: Final = "few"
"""Column of a smaller table, which only tells whether a group has several reviewers."""

FEW_CELLS: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Reviewers:
    """Decided cases per cell; everybody falls into one cell, and sometimes two into the same.

    Sums over windows are those of the people, whichever of them worked in which window, and take
    the same room for any number of people.

    Attributes:
        reviewed: decisions, shape (cells,) [rows].
        shown: of these, where the recommendation was seen, shape (cells,) [rows].
        overridden: of these, where it was decided otherwise, shape (cells,) [rows].
    """

    reviewed: Ints
    shown: Ints
    overridden: Ints

    @classmethod
    def name(cls) -> str:
        return "reviewers"

    @classmethod
    def part(cls, cells: int = CELLS, column: str = "") -> Part:
        """Room for three counts per cell."""
        return Part(cls.name(), column, {"cells": cells}, 3 * cells)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        reviewed, shown, overridden = ints.reshape(3, part.spec["cells"])
        return cls(reviewed, shown, overridden)

    @property
    def rows(self) -> int:
        """Decisions whose reviewer is known [rows]."""
        return int(self.reviewed.sum())

    @property
    def occupied(self) -> int:
        """Cells that anybody is in: there are at least so many reviewers."""
        return int((self.reviewed > 0).sum())


def fed(cells: int) -> Callable[[Known], Iterator[Added]]:
    """What fills a table of so many cells."""

    def feed(known: Known) -> Iterator[Added]:
        reviewer = known.reviewer
        for place, of in enumerate((known.decision.given, known.shown, known.overridden)):
            rows = np.flatnonzero(of & (reviewer != MISSING))
            yield Added(rows, place * cells + reviewer[rows] % cells)

    return feed
