"""Labelled rows by the probability of the positive class."""

from dataclasses import dataclass
from typing import Final, Self

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
