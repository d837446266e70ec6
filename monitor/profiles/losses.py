"""Sums of what each labelled row cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from monitor.profiles.fixed import UNIT
from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True)
class Losses:
    """Rows, sum and sum of squares per loss.

    Attributes:
        rows: labelled rows that the loss is defined for, per loss [rows].
        sums: sum of the loss over them.
        squares: sum of its square, for intervals.
    """

    rows: Mapping[str, int]
    sums: Mapping[str, float]
    squares: Mapping[str, float]

    @classmethod
    def name(cls) -> str:
        return "losses"

    @classmethod
    def part(cls, names: Sequence[str], column: str = "") -> Part:
        """Room for the named losses, each in about [0, 1] per row."""
        return Part(cls.name(), column, {"names": list(names)}, 3 * len(names))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        names = part.spec["names"]
        rows, sums, squares = ints.reshape(3, len(names)).tolist()
        return cls(
            dict(zip(names, rows, strict=True)),
            {name: total * UNIT for name, total in zip(names, sums, strict=True)},
            {name: total * UNIT for name, total in zip(names, squares, strict=True)},
        )
