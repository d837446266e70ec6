"""Lengths of time, counted in bins that grow tenfold in ten steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.layout import Floats, Ints, Part

SECOND: Final = 1_000_000
"""Microseconds."""

_STEPS: Final = 10
_DECADES: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """Counts of lengths per bin.

    The first bin holds what is shorter than a second, the last what is longer than three years;
    between them lie ten bins per factor of ten, each half open.

    Attributes:
        edges: between the bins, ascending, shape (k - 1,) [µs].
        counts: shape (k,) [rows].
    """

    edges: Ints
    counts: Ints

    @classmethod
    def name(cls) -> str:
        return "durations"

    @classmethod
    def part(cls, column: str) -> Part:
        """Room for the bins."""
        spec = {"from_s": 1, "decades": _DECADES, "steps": _STEPS}
        return Part(cls.name(), column, spec, _DECADES * _STEPS + 2)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(edges_of(part.spec["decades"], part.spec["steps"]), ints)

    @property
    def rows(self) -> int:
        """Lengths that were counted [rows]."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> tuple[float, float, float]:
        """The length that this share does not exceed, and the ends of the bin it lies in [s].

        It is the k-th smallest length, k the share of the rows, rounded up; between the ends it
        is put where it would lie if the bin's logarithms lay evenly. The last bin has no upper
        end but its lower one.

        Args:
            share: in (0, 1]; there must be a row.
        """
        rank = max(1, int(np.ceil(round(share * self.rows, 9))))
        before = np.cumsum(self.counts)
        at = int(np.searchsorted(before, rank))
        low = 0.0 if at == 0 else float(self.edges[at - 1]) / SECOND
        high = low if at == len(self.edges) else float(self.edges[at]) / SECOND
        part = (rank - (before[at] - self.counts[at]) - 0.5) / self.counts[at]
        if at == 0 or at == len(self.edges):
            return low + (high - low) * float(part), low, high
        return low * (high / low) ** float(part), low, high


@lru_cache
def edges_of(decades: int, steps: int) -> Ints:
    """Edges from one second on, whole microseconds, so that no rounding moves a length."""
    powers = 10.0 ** (np.arange(decades * steps + 1) / steps)
    return np.round(powers * SECOND).astype(np.int64)


def durations_fed(rows: Ints, lengths: Ints) -> Iterator[Added]:
    """What these rows add to the bins.

    Args:
        rows: which predictions, shape (m,).
        lengths: of each, shape (m,) [µs].
    """
    place = np.searchsorted(edges_of(_DECADES, _STEPS), lengths, side="right")
    yield Added(rows, place.astype(np.int64))
