"""Conditions on one column each, of which slices are made, and their words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.profiles.layout import Floats, Ints

Flags = NDArray[np.bool_]

_TAIL: Final = (0.01, 0.02, 0.035, 0.05, 0.1)
SHARES: Final = (*_TAIL, *(i / 10 for i in range(2, 9)), *(1 - share for share in reversed(_TAIL)))
"""Quantiles at which a number is cut."""

VALUES: Final = 20
"""Most frequent values of a category that conditions name."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A claim about one column.

    Attributes:
        column: its name.
        value: that a text equals; None for a number or where it is missing.
        low: that a number is not below, None for no end.
        high: that a number is below, None for no end.
        is_missing: whether the value is missing.
    """

    column: str
    value: str | None = None
    low: float | None = None
    high: float | None = None
    is_missing: bool = False

    @property
    def words(self) -> str:
        """As people say it.

        >>> Condition("age", low=25.0, high=40.0).words, Condition("region", "north").words
        ('25 <= age < 40', 'region = north')
        >>> Condition("income", high=32_834.7).words
        'income < 32,830'
        """
        if self.is_missing:
            return f"{self.column} is missing"
        if self.value is not None:
            return f"{self.column} = {self.value}"
        low = "" if self.low is None else _told(self.low)
        high = "" if self.high is None else _told(self.high)
        if low and high:
            return f"{low} <= {self.column} < {high}"
        return f"{self.column} >= {low}" if low else f"{self.column} < {high}"


def _told(value: float) -> str:
    """A number in four digits, without a power of ten where people use none."""
    return f"{float(f'{value:.4g}'):,.10g}"


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Values of all rows.

    Attributes:
        name: of a feature, an attribute, or `confidence` and the like.
        numbers: of a number, NaN where missing, shape (n,); None for texts.
        codes: place of a text among `names`, -1 where missing, shape (n,); None for numbers.
        names: the texts.
    """

    name: str
    numbers: Floats | None = None
    codes: Ints | None = None
    names: Sequence[str] = ()

    def holds(self, condition: Condition) -> Flags:
        """For which rows a condition on this column is true, shape (n,)."""
        if self.numbers is not None:
            if condition.is_missing:
                return np.isnan(self.numbers)
            found = ~np.isnan(self.numbers)
            # NaN compares as false.
            if condition.low is not None:
                found &= self.numbers >= condition.low
            if condition.high is not None:
                found &= self.numbers < condition.high
            return found
        assert self.codes is not None
        if condition.is_missing:
            return self.codes < 0
        place = {name: at for at, name in enumerate(self.names)}.get(condition.value or "")
        found = np.zeros(len(self.codes), np.bool_)
        if place is not None:
            found[self.codes == place] = True
        return found


def conditions(column: Column, least: int) -> Iterator[tuple[Condition, Flags]]:
    """Conditions that parts of the rows meet, each with these rows.

    Args:
        column: of all rows.
        least: rows that must meet it, and rows that must not [rows].
    """
    seen: set[bytes] = set()
    for condition in _candidates(column):
        flags = column.holds(condition)
        key = np.packbits(flags).tobytes()
        if min(int(flags.sum()), int((~flags).sum())) >= least and key not in seen:
            seen.add(key)
            yield condition, flags


def _candidates(column: Column) -> Iterator[Condition]:
    yield Condition(column.name, is_missing=True)
    if column.numbers is not None:
        present = np.sort(column.numbers[np.isfinite(column.numbers)])
        if len(present):
            places = np.minimum((np.array(SHARES) * len(present)).astype(int), len(present) - 1)
            for cut in np.unique(present[places]).tolist():
                yield Condition(column.name, high=cut)
                yield Condition(column.name, low=cut)
        return
    assert column.codes is not None
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names))
    for place in np.argsort(-counts, kind="stable")[:VALUES].tolist():
        yield Condition(column.name, column.names[place])


def words_of(some: Sequence[Condition]) -> str:
    """All of them together; two ends of one number as one range.

    >>> words_of([Condition("age", high=40.0), Condition("age", low=25.0), Condition("x", "a")])
    '25 <= age < 40 and x = a'
    """
    joined: list[Condition] = []
    for one in some:
        other = next(
            (
                known
                for known in joined
                if known.column == one.column
                and not (known.is_missing or one.is_missing)
                and None in (known.low, one.low)
                and None in (known.high, one.high)
                and known.value is one.value is None
            ),
            None,
        )
        if other is None:
            joined.append(one)
            continue
        low = one.low if other.low is None else other.low
        high = one.high if other.high is None else other.high
        joined[joined.index(other)] = Condition(one.column, low=low, high=high)
    return " and ".join(one.words for one in joined)
