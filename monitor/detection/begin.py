"""When a change began that several signals show."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import TypeVar

Moment = TypeVar("Moment", int, datetime)


def begin_of(since: Sequence[Moment], part: Sequence[float]) -> Moment:
    """The moment by which half of the evidence says that the change had begun.

    One signal may have drifted off by chance before it; all together hardly do.

    Args:
        since: begin by each signal, at least one.
        part: of the evidence, positive, one for each.

    >>> begin_of([7, 20, 21, 20], [0.4, 0.25, 0.2, 0.15])
    20
    """
    each = sorted(zip(since, part, strict=True))
    held = list(accumulate(weight for _, weight in each))
    return each[bisect_left(held, held[-1] / 2)][0]
