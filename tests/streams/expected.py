"""What a verdict must say, from raw rows."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from scipy import stats

Frame = Any
Column = Any
"""pandas comes without types."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a verdict must say.

    Attributes:
        value: the number over the raw rows; None where there must be none.
        rows: that it rests on.
        error: how far ours may lie from it; None where it must lie within our published ends.
        ends: 95 % interval of it, None where no package computes the same.
        ends_error: how far ours may lie from these.
        reference: the same number of the reference, None where there is none.
        reference_error: how far ours may lie from that.
    """

    value: float | None
    rows: int = 0
    error: float | None = 0.0
    ends: tuple[float, float] | None = None
    ends_error: float = 1e-9
    reference: float | None = None
    reference_error: float = 1e-9


UNKNOWN = Expected(None)


@cache
def wilson(hits: int, rows: int) -> tuple[float, float]:
    """95 % interval of a share, by SciPy."""
    ends = stats.binomtest(hits, rows).proportion_ci(0.95, "wilson")
    return float(ends.low), float(ends.high)
