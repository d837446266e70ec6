"""Counts of a text column over named categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """Rows per category.

    Attributes:
        names: k - 1 categories.
        counts: rows per category, shape (k,); the last counts all other values [rows].
        missing: rows without a value [rows].
    """

    names: tuple[str, ...]
    counts: Ints
    missing: int

    @classmethod
    def name(cls) -> str:
        return "categories"

    @classmethod
    def part(cls, column: str, names: Sequence[str]) -> Part:
        """Room for counts over `names`, other values and missing ones."""
        return Part(cls.name(), column, {"names": list(names)}, len(names) + 2)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(tuple(part.spec["names"]), ints[:-1], int(ints[-1]))

    @property
    def rows(self) -> int:
        """Rows that have a value [rows]."""
        return int(self.counts.sum())

    def count(self, name: str) -> int:
        """Rows of one of `names` [rows]."""
        return int(self.counts[self.names.index(name)])
