"""Numbers of two versions or stages in one window, with an interval of their difference."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from monitor.metrics.intervals import Z

ALPHA: Final = 0.05


@dataclass(frozen=True, slots=True)
class Side:
    """A number of one version.

    Attributes:
        value: of it, None where it is not known.
        lower: lower end of its 95 % interval, None without one.
        upper: upper end.
        rows: that it rests on [rows].
    """

    value: float | None
    lower: float | None
    upper: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A number of two versions.

    Attributes:
        metric: its name.
        column: thing that it is about, "" for none.
        first: of the first version.
        second: of the second one.
        gap: second less first; None where one is not known.
        lower: lower end of its 95 % interval, None without one.
        upper: upper end.
        p: probability of such a gap by chance, corrected for all that are compared; None
            without an interval.
    """

    metric: str
    column: str
    first: Side
    second: Side
    gap: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None

    @property
    def differs(self) -> bool:
        """Whether chance does not explain the gap, of all that are compared."""
        return self.p is not None and self.p <= ALPHA


def compared(metric: str, column: str, first: Side, second: Side) -> Difference:
    """Both sides with the interval of their difference; rows of the two are different ones.

    >>> found = compared("x", "", Side(0.4, 0.3, 0.5, 90), Side(0.7, 0.6, 0.8, 90))
    >>> [round(n, 3) for n in (found.gap, found.lower, found.upper)]
    [0.3, 0.159, 0.441]

    Source: Zou and Donner (2008), Statistics in Medicine 27, 1693 (MOVER); of two Wilson
    intervals it is Newcombe's method 10.
    """
    one = Difference(metric, column, first, second)
    if first.value is None or second.value is None:
        return one
    gap = second.value - first.value
    if None in (first.lower, first.upper, second.lower, second.upper):
        return replace(one, gap=gap)
    assert first.lower is not None
    assert first.upper is not None
    assert second.lower is not None
    assert second.upper is not None
    below = math.hypot(second.value - second.lower, first.upper - first.value)
    above = math.hypot(second.upper - second.value, first.value - first.lower)
    # Towards 0, where it matters whether the gap may be none.
    half = below if gap > 0 else above
    p = math.erfc(abs(gap) / half * Z / math.sqrt(2)) if half else float(gap == 0)
    return replace(one, gap=gap, lower=gap - below, upper=gap + above, p=p)


def corrected(some: Iterable[Difference]) -> list[Difference]:
    """The same with their probabilities corrected for how many there are, in their order.

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65.
    """
    each = list(some)
    tested = sorted((d.p, i) for i, d in enumerate(each) if d.p is not None)
    least = 0.0
    for rank, (p, i) in enumerate(tested):
        least = max(least, min(p * (len(tested) - rank), 1.0))
        each[i] = replace(each[i], p=least)
    return each
