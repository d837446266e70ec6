"""Named sums that are exact, over rows that are counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from monitor.profiles.added import Added, Summed
from monitor.profiles.exact import exact
from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over some rows.

    Attributes:
        rows: that are in the sums [rows].
        beyond: that are too large to be [rows].
        of: exact sum by name.
        spec: what the numbers are in units of, and what else a reader must know.
    """

    rows: int
    beyond: int
    of: Mapping[str, Fraction]
    spec: Mapping[str, Any]

    @classmethod
    def name(cls) -> str:
        return "sums"

    @classmethod
    def part(cls, column: str, names: Sequence[str], low: int, count: int, **spec: object) -> Part:
        """Room for named sums.

        Args:
            column: of the layout.
            names: of the sums.
            low: of `monitor.profiles.added.Summed`.
            count: digits of each.
            spec: what a reader must know.
        """
        known = {"names": list(names), "low": low, "digits": count, **spec}
        return Part(cls.name(), column, known, 2 + len(names) * count)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        rows, beyond, *rest = ints.tolist()
        low, count = part.spec["low"], part.spec["digits"]
        sums = {
            name: exact(rest[count * i : count * (i + 1)], low) if rows else Fraction(0)
            for i, name in enumerate(part.spec["names"])
        }
        return cls(rows, beyond, sums, part.spec)


def counted(rows: Ints, beyond: Ints) -> Iterator[Added]:
    """Rows that are in the sums, and rows that are too large to be."""
    yield Added(rows, 0)
    yield Added(beyond, 1)


def summed(part: Part, name: str, rows: Ints, values: Floats, further: int | Ints = 0) -> Summed:
    """What rows add to one of the sums.

    Args:
        part: of the profile.
        name: of the sum.
        rows: which, shape (m,).
        values: as `Summed` takes them, shape (m,).
        further: integers after that sum's first, one for all or shape (m,).
    """
    first = 2 + part.spec["names"].index(name) * part.spec["digits"]
    return Summed(rows, first + further, values, part.spec["low"])
