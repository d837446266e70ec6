"""Named counts of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows per name [rows]."""

    of: Mapping[str, int]

    @classmethod
    def name(cls) -> str:
        return "counts"

    @classmethod
    def part(cls, names: Sequence[str], column: str = "") -> Part:
        """Room for one count per name."""
        return Part(cls.name(), column, {"names": list(names)}, len(names))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(dict(zip(part.spec["names"], ints.tolist(), strict=True)))
