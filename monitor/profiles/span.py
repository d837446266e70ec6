"""From when to when rows are."""

from dataclasses import dataclass
from typing import Self

from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True)
class Span:
    """The earliest and the latest time of rows.

    Attributes:
        first: Unix seconds to the microsecond, +inf where there is no row.
        last: the same, -inf where there is no row.
    """

    first: float
    last: float

    @classmethod
    def name(cls) -> str:
        return "span"

    @classmethod
    def part(cls, column: str) -> Part:
        """Room for the two times."""
        return Part(cls.name(), column, {}, 0, 1)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(float(lows[0]), float(highs[0]))
