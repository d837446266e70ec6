"""Which summary lies where in the vectors of a profile."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.errors import LayoutMismatchError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """One summary of one column, and the room it takes.

    Attributes:
        summary: name of the summary, such as "distribution".
        column: the feature, attribute or other thing it is about; "" for the rows as such.
        spec: what the summary must know to read its numbers (edges, classes), JSON values only.
        ints: numbers it adds up.
        extremes: smallest and largest values it keeps, pairs.
    """

    summary: str
    column: str
    spec: Mapping[str, Any]
    ints: int
    extremes: int = 0


class Summary(Protocol):
    """A statistic that adds: the summary of a week is the sum of its hours'."""

    @classmethod
    def name(cls) -> str:
        """How layouts call it."""
        ...

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        """The summary in its slices of a profile's vectors."""
        ...


S = TypeVar("S", bound=Summary)


@dataclass(frozen=True)
class Layout:
    """The order of the parts in a profile; two profiles add up only if theirs is the same."""

    parts: tuple[Part, ...]

    @cached_property
    def ints(self) -> int:
        """Length of the integer vector."""
        return sum(part.ints for part in self.parts)

    @cached_property
    def extremes(self) -> int:
        """Length of the vectors of smallest and of largest values."""
        return sum(part.extremes for part in self.parts)

    @cached_property
    def places(self) -> Mapping[tuple[str, str], tuple[Part, int, int]]:
        """Part, first integer and first extreme of each (summary, column)."""
        places: dict[tuple[str, str], tuple[Part, int, int]] = {}
        first = extreme = 0
        for part in self.parts:
            places[part.summary, part.column] = (part, first, extreme)
            first += part.ints
            extreme += part.extremes
        return places

    @cached_property
    def definition(self) -> str:
        """Canonical JSON, from which `from_definition` makes the same layout."""
        rows = [[p.summary, p.column, dict(p.spec), p.ints, p.extremes] for p in self.parts]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of `definition`."""
        return hashlib.sha256(self.definition.encode()).hexdigest()[:16]

    @classmethod
    def from_definition(cls, text: str) -> Self:
        """The layout that `definition` was taken of."""
        return cls(tuple(Part(*row) for row in json.loads(text)))

    def columns(self, summary: type[Summary]) -> list[str]:
        """Columns that have this summary, in order."""
        return [part.column for part in self.parts if part.summary == summary.name()]


@dataclass(frozen=True, eq=False)
class Profile:
    """Sums over some rows.

    Attributes:
        layout: what the numbers mean.
        ints: counts and sums, shape (layout.ints,).
        lows: smallest values, shape (layout.extremes,); +inf where there was none.
        highs: largest values, shape (layout.extremes,); -inf where there was none.
    """

    layout: Layout
    ints: Ints
    lows: Floats
    highs: Floats

    @classmethod
    def empty(cls, layout: Layout) -> Self:
        """The profile of no rows."""
        return cls(
            layout,
            np.zeros(layout.ints, np.int64),
            np.full(layout.extremes, np.inf),
            np.full(layout.extremes, -np.inf),
        )

    def __add__(self, other: "Profile") -> "Profile":
        return total(self.layout, (self, other))

    @cached_property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of layout and numbers."""
        digest = hashlib.sha256(self.layout.id.encode())
        for vector in (self.ints, self.lows, self.highs):
            digest.update(vector.astype(vector.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()[:16]

    def has(self, summary: type[Summary], column: str = "") -> bool:
        """Whether the layout holds this summary of this column."""
        return (summary.name(), column) in self.layout.places

    def get(self, summary: type[S], column: str = "") -> S:
        """The summary of a column.

        Raises:
            KeyError: the layout holds no such summary.
        """
        part, first, extreme = self.layout.places[summary.name(), column]
        last = extreme + part.extremes
        return summary.read(
            part,
            self.ints[first : first + part.ints],
            self.lows[extreme:last],
            self.highs[extreme:last],
        )


def total(layout: Layout, profiles: Iterable[Profile]) -> Profile:
    """The sum of profiles of one layout; the profile of no rows if there are none.

    Raises:
        LayoutMismatchError: a profile has another layout, so its numbers mean something else.
    """
    some = list(profiles)
    if wrong := next((p for p in some if p.layout.id != layout.id), None):
        message = f"a profile of layout {wrong.layout.id} cannot be added to one of {layout.id}"
        raise LayoutMismatchError(message)
    if not some:
        return Profile.empty(layout)
    if len(some) == 1:
        return some[0]
    return Profile(
        layout,
        np.sum([p.ints for p in some], axis=0, dtype=np.int64),
        np.min([p.lows for p in some], axis=0),
        np.max([p.highs for p in some], axis=0),
    )
