"""Labelled rows by the probability of each of several classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part
from monitor.profiles.scores import equal_cells

CELLS: Final = 250
"""Equal cells of [0, 1] for each class."""

MOST_CLASSES: Final = 12
"""With more classes no cells are kept, for their number would be that of a model's features."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """Forecast rows per class and cell of its probability.

    Attributes:
        total: all rows, shape (k, CELLS) [rows]; with more than `MOST_CLASSES` classes k is 0.
        labelled: those labelled with the class, shape (k, CELLS) [rows].
    """

    total: Ints
    labelled: Ints

    @classmethod
    def name(cls) -> str:
        return "class_scores"

    @classmethod
    def part(cls, classes: int, column: str = "") -> Part:
        """Room for so many classes."""
        kept = classes if classes <= MOST_CLASSES else 0
        return Part(cls.name(), column, {"classes": classes}, 2 * kept * CELLS)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(*ints.reshape(2, -1, CELLS))


def fed(known: Known) -> Iterator[Added]:
    """Forecast predictions by the cell of each class's probability."""
    k = len(known.contract.classes)
    if k > MOST_CLASSES:
        return
    rows = known.forecast
    for place in range(k):
        cell = equal_cells(known.probability[rows, place], CELLS) + place * CELLS
        hit = known.label[rows] == place
        yield Added(rows, cell)
        yield Added(rows[hit], cell[hit] + np.int64(k * CELLS))
