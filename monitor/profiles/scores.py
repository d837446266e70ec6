"""Labelled rows by the probability of the positive class."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

CELLS: Final = 1_000
"""Equal cells of [0, 1]; cell i holds i/1000 <= p < (i+1)/1000, the last one p = 1 too."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Counts per cell of the probability, for two classes.

    Attributes:
        positives: rows whose label is the positive class, shape (CELLS,) [rows].
        negatives: rows with the other label, shape (CELLS,) [rows].
    """

    positives: Ints
    negatives: Ints

    @classmethod
    def name(cls) -> str:
        return "scores"

    @classmethod
    def part(cls, positive: int, column: str = "") -> Part:
        """Room for both classes; `positive` is the place of the positive one."""
        return Part(cls.name(), column, {"positive": positive}, 2 * CELLS)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(ints[:CELLS], ints[CELLS:])


def fed(known: Known) -> Iterator[Added]:
    """Forecast predictions by the cell of the positive class's probability."""
    assert known.contract.positive is not None
    positive = known.contract.classes.index(known.contract.positive)
    rows = known.forecast
    cell = np.minimum((known.probability[rows, positive] * CELLS).astype(np.int64), CELLS - 1)
    is_negative = known.label[rows] != positive
    yield Added(rows, cell + is_negative * CELLS)
