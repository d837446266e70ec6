"""A number's distribution: counts in fixed bins, moments, extremes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitor.profiles.fixed import MOMENT, SQUARE
from monitor.profiles.layout import Floats, Ints, Part

EXTRA = 4
"""Integers after the bins: missing, sum, sum of squares, clipped."""


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Rows per bin and sums of the values.

    Attributes:
        edges: k - 1 increasing inner edges; bin i holds edges[i-1] <= x < edges[i].
        counts: rows per bin, shape (k,) [rows].
        missing: rows without a value [rows]; they are in no bin.
        shift: centre of the reference, in the unit of the values.
        scale: spread of the reference, in the unit of the values; 0 if sums were not kept.
        sum_scaled: sum of (x - shift) / scale over the rows, clipped at `CLIP`.
        squares_scaled: sum of the squares of the same.
        clipped: rows that were clipped in these sums [rows].
        low: smallest value, +inf if there was none.
        high: largest value, -inf if there was none.
    """

    edges: Floats
    counts: Ints
    missing: int
    shift: float
    scale: float
    sum_scaled: float
    squares_scaled: float
    clipped: int
    low: float
    high: float

    @classmethod
    def name(cls) -> str:
        return "distribution"

    @classmethod
    def part(cls, column: str, edges: Sequence[float], shift: float, scale: float) -> Part:
        """Room for the distribution of `column` over `edges`; scale 0 keeps no moments."""
        spec = {"edges": [float(e) for e in edges], "shift": shift, "scale": scale}
        return Part(cls.name(), column, spec, len(edges) + 1 + EXTRA, 1)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        missing, total, squares, clipped = ints[-EXTRA:].tolist()
        return cls(
            edges=np.asarray(part.spec["edges"], np.float64),
            counts=ints[:-EXTRA],
            missing=missing,
            shift=float(part.spec["shift"]),
            scale=float(part.spec["scale"]),
            sum_scaled=total * MOMENT,
            squares_scaled=squares * SQUARE,
            clipped=clipped,
            low=float(lows[0]),
            high=float(highs[0]),
        )

    @property
    def rows(self) -> int:
        """Rows that have a value [rows]."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Mean of the values; needs a row and a scale."""
        return self.shift + self.scale * self.sum_scaled / self.rows

    @property
    def variance(self) -> float:
        """Mean squared distance from the mean (division by rows), at least 0; as `mean`."""
        centred = self.squares_scaled / self.rows - (self.sum_scaled / self.rows) ** 2
        return self.scale**2 * max(centred, 0.0)
