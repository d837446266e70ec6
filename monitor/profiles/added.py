"""What a summary of feedback adds up: a part of a profile, and the numbers each row adds to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """Amounts that some rows add to integers of a part.

    Attributes:
        rows: which predictions, or other units of the family, shape (m,).
        place: integer of the part that each adds to, counted from the part's first; one for all
            or shape (m,).
        amount: how much; one for all or shape (m,).
    """

    rows: Ints
    place: int | Ints
    amount: int | Ints = 1


@dataclass(frozen=True, slots=True, eq=False)
class Summed:
    """Numbers that some rows add to an exact sum (`monitor.profiles.exact`).

    Attributes:
        rows: which predictions, or other units of the family, shape (m,).
        place: first integer of the sum that each adds to, counted from the part's first; one for
            all or shape (m,).
        values: finite, shape (m,); d digits hold what is under 2**(low + 32 d - 32).
        low: numbers are whole multiples of 2**low; what is finer is rounded to it.
    """

    rows: Ints
    place: int | Ints
    values: Floats
    low: int


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """Values of some rows that widen a pair of a part's extremes.

    Attributes:
        rows: which predictions, shape (m,).
        values: finite, shape (m,).
        pair: which one, counted from the part's first.
    """

    rows: Ints
    values: Floats
    pair: int = 0


Feed: TypeAlias = Callable[[Known], Iterable[Added | Summed | Reached]]


@dataclass(frozen=True, slots=True)
class Fed:
    """A part with what fills it; `feed` is asked once for all groups of the rows.

    Attributes:
        part: of the profile.
        feed: what the rows add to it.
        whole_only: whether groups go without, for it would be nearly all of their room or says
            nothing of a part of the rows.
    """

    part: Part
    feed: Feed
    whole_only: bool = False
