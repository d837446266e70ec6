"""What the signals of a model are made by, fixed when its baseline is learned."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np

from monitor.cards.contract import Contract
from monitor.profiles.inputs_layout import ROWS
from monitor.profiles.layout import Ints, Layout
from monitor.profiles.segments import ALL, segment_values

LEAST_ROWS: Final = 5.0
"""Rows of a typical window, below which a segment is not watched by itself."""

MOST_SEGMENTS: Final = 20
"""Values of an attribute that are watched by themselves, the most frequent ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Which vectors of profiles are read, and how.

    Attributes:
        whole: layout of the profile of all rows.
        group: layout of a segment's.
        contract: what the model answers.
        watches_low: whether the card says what low confidence is.
    """

    whole: Layout
    group: Layout
    contract: Contract
    watches_low: bool

    def of(self, segment: str) -> Layout:
        """Layout of a segment's profile."""
        return self.whole if segment == ALL else self.group


@dataclass(frozen=True, slots=True)
class Usual:
    """What was usual of outcomes when their baseline was learned.

    Attributes:
        has_forecast: whether probabilities came with predictions.
        has_misled: whether people saw recommendations that proved wrong.
        p: mean probability.
        spread: variance of the probability.
        error: variance of an error, in squares of the model's unit.
        absolute: variance of its size, in the same.
        segments: segments and protected groups with enough outcomes to be watched by themselves.
    """

    has_forecast: bool
    has_misled: bool
    p: float
    spread: float
    error: float
    absolute: float
    segments: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` was taken of."""
        return cls(**{**said, "segments": tuple(said.get("segments", ()))})


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What was usual when the baseline was learned.

    Attributes:
        counts: sum of the profiles of all rows, shape (whole.ints,).
        typical: rows of the median window of the most used version [rows].
        segments: rows of a typical window of each segment and protected group [rows].
        teams: segments of the teams whose reviews are watched; None where nobody reviews.
        consumers: segments of the consumers whose use is watched; None where none says anything.
        usual: of outcomes; None while they have no baseline.
        lag: windows after which outcomes are read; 0 where they are not.
    """

    counts: Ints
    typical: float
    segments: Mapping[str, float]
    teams: tuple[str, ...] | None = None
    consumers: tuple[str, ...] | None = None
    usual: Usual | None = None
    lag: int = 0

    def to_json(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        counts = self.counts.tolist()
        teams = None if self.teams is None else list(self.teams)
        consumers = None if self.consumers is None else list(self.consumers)
        said: dict[str, Any] = {
            "counts": counts,
            "typical": self.typical,
            "segments": dict(self.segments),
        }
        usual = None if self.usual is None else asdict(self.usual)
        named = {"teams": teams, "consumers": consumers}
        return {**said, **named, "usual": usual, "lag": self.lag}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """The ground that `to_json` was taken of."""
        teams = None if said["teams"] is None else tuple(said["teams"])
        consumers = tuple(some) if (some := said.get("consumers")) is not None else None
        counts = np.array(said["counts"], np.int64)
        usual = Usual.from_json(some) if (some := said.get("usual")) else None
        return cls(
            counts,
            said["typical"],
            said["segments"],
            teams,
            consumers,
            usual,
            said.get("lag", 0),
        )


Sums = Mapping[tuple[str, str], Ints]
"""By version and segment, the profiles of t windows, shape (t, layout.ints)."""


def rows_of(layout: Layout, matrix: Ints) -> Ints:
    """Rows of each window, shape (t,) [rows]."""
    part, first, _ = layout.places["counts", ""]
    rows: Ints = matrix[:, first + list(part.spec["names"]).index(ROWS)]
    return rows


def ground_of(columns: Columns, sums: Sums, rows: Mapping[str, Ints]) -> Ground:
    """The ground from what a baseline is learned from.

    Args:
        columns: what profiles hold.
        sums: profiles of it, in windows of any length.
        rows: predictions of each window, by version, at least one of them positive [rows].
    """
    wholes = [matrix for (_, segment), matrix in sums.items() if segment == ALL]
    counts = np.concatenate(wholes).sum(axis=0, dtype=np.int64)
    main = most_used(rows)
    typical = float(np.median(rows[main][rows[main] > 0]))
    whole = int(rows_of(columns.whole, sums[main, ALL]).sum())
    segments = {
        segment: typical * int(rows_of(columns.group, matrix).sum()) / whole
        for (version, segment), matrix in sums.items()
        if version == main and segment != ALL
    }
    return Ground(counts, typical, _followed(segments))


def most_used(rows: Mapping[str, Ints]) -> str:
    """The version with the most predictions."""
    return max(rows, key=lambda version: (int(rows[version].sum()), version))


def _followed(segments: Mapping[str, float]) -> dict[str, float]:
    """The most frequent values of each attribute, in the order of their names."""
    kept: dict[str, float] = {}
    taken: dict[str, int] = {}
    for segment in sorted(segments, key=lambda name: (-segments[name], name)):
        values = segment_values(segment)
        if len(values) != 1 or segments[segment] < LEAST_ROWS:
            continue
        attribute = next(iter(values))
        taken[attribute] = taken.get(attribute, 0) + 1
        if taken[attribute] <= MOST_SEGMENTS:
            # Rounded, so that what is written is what is read again.
            kept[segment] = float(math.floor(segments[segment]))
    return dict(sorted(kept.items()))
