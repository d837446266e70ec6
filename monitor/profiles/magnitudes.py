"""How large positive numbers are, over cells that grow with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np

from monitor.profiles.layout import Floats, Ints, Part

PER_DOUBLING: Final = 8
"""Cells from a number to its double: each ends 9 % above its begin."""


@dataclass(frozen=True, slots=True, eq=False)
class Magnitudes:
    """Rows per cell.

    Attributes:
        edges: k - 1 inner edges in the numbers' unit; cell i holds edges[i-1] <= x < edges[i].
        counts: rows per cell, shape (k,) [rows].
    """

    edges: Floats
    counts: Ints

    @classmethod
    def name(cls) -> str:
        return "magnitudes"

    @classmethod
    def part(cls, column: str, unit: float, doublings: tuple[int, int]) -> Part:
        """Room for numbers from unit 2**a to unit 2**b, of which (a, b) are the doublings."""
        spec = {"unit": unit, "doublings": list(doublings)}
        cells = (doublings[1] - doublings[0]) * PER_DOUBLING + 2
        return Part(cls.name(), column, spec, cells)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(edges_of(part), ints)

    @property
    def rows(self) -> int:
        """All rows [rows]."""
        return int(self.counts.sum())


def edges_of(part: Part) -> Floats:
    """Inner edges of the cells of a part, ascending."""
    return _edges(float(part.spec["unit"]), tuple(part.spec["doublings"]))


@lru_cache
def _edges(unit: float, doublings: Sequence[int]) -> Floats:
    first, last = (end * PER_DOUBLING for end in doublings)
    edges: Floats = unit * 2.0 ** (np.arange(first, last + 1) / PER_DOUBLING)
    edges.flags.writeable = False
    return edges


def cells_of(part: Part, values: Floats) -> Ints:
    """Cell of each number, shape (n,); whatever is below the first edge is in the first."""
    found: Ints = np.searchsorted(edges_of(part), values, "right").astype(np.int64)
    return found
