"""How often the positive class comes true at each level of its probability."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.fixed import UNIT, on_grid
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

_TAIL: Final = tuple(round(10 ** (i / 8 - 4), 6) for i in range(24))

EDGES: Final = (*_TAIL, *(i / 50 for i in range(5, 46)), *(1 - p for p in reversed(_TAIL)))
"""Inner edges of the cells: fiftieths, and outside 0.1 to 0.9 each a third further out than the
one before, for there rare classes live and the logarithm of the odds moves fast. Cell i holds
EDGES[i-1] <= p < EDGES[i]."""

CELLS: Final = len(EDGES) + 1

TENTH: Final = np.searchsorted(np.arange(1, 10) / 10, np.array([0.0, *EDGES]), "right")
"""Tenth of [0, 1] that each cell lies in, shape (CELLS,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Forecast rows per cell of the positive class's probability.

    Attributes:
        total: rows, shape (CELLS,) [rows].
        positives: rows labelled positive, shape (CELLS,) [rows].
        probability: sum of the probabilities, shape (CELLS,).
    """

    total: Ints
    positives: Ints
    probability: Floats

    @classmethod
    def name(cls) -> str:
        return "reliability"

    @classmethod
    def part(cls, positive: int, column: str = "") -> Part:
        """Room for `CELLS` cells; `positive` is the place of the positive class."""
        return Part(cls.name(), column, {"positive": positive}, 3 * CELLS)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        total, positives, probability = ints.reshape(3, CELLS)
        return cls(total, positives, probability.astype(np.float64) * UNIT)

    @property
    def rows(self) -> int:
        """Rows with probabilities and a label of the contract [rows]."""
        return int(self.total.sum())

    def by_tenth(self) -> Self:
        """The same over the ten equal parts of [0, 1], shape (10,) each."""
        first = np.searchsorted(TENTH, np.arange(10))
        total, positives = (np.add.reduceat(x, first) for x in (self.total, self.positives))
        return type(self)(total, positives, np.add.reduceat(self.probability, first))


def fed(known: Known) -> Iterator[Added]:
    """Forecast predictions by the cell of the positive class's probability."""
    assert known.contract.positive is not None
    positive = known.contract.classes.index(known.contract.positive)
    rows = known.forecast
    probability = known.probability[rows, positive]
    cell = np.searchsorted(np.array(EDGES), probability, "right").astype(np.int64)
    hit = known.label[rows] == positive
    yield Added(rows, cell)
    yield Added(rows[hit], cell[hit] + CELLS)
    yield Added(rows, cell + 2 * CELLS, on_grid(probability))
