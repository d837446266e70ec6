"""Named counts of rows as a part of a profile of feedback."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import numpy as np

from monitor.profiles.added import Added, Fed
from monitor.profiles.counts import Counts
from monitor.profiles.known import Flags, Known
from monitor.profiles.layout import Ints

PREDICTIONS: Final = "predictions"
"""The count that every family has: all rows."""

Counted: TypeAlias = Mapping[str, Callable[[Known], Flags | Ints]]
"""Per name, what is counted: rows for which it holds, or how much each row adds."""


def every(known: Known) -> Flags:
    """All rows."""
    return np.ones(known.rows, np.bool_)


def counted(counted: Counted) -> Fed:
    """The counts of a family, with what fills them."""

    def feed(known: Known) -> Iterator[Added]:
        for place, of in enumerate(counted.values()):
            amount = of(known)
            rows = np.flatnonzero(amount)
            if amount.dtype == np.bool_:
                yield Added(rows, place)
            else:
                yield Added(rows, place, amount[rows].astype(np.int64))

    return Fed(Counts.part(list(counted)), feed)
