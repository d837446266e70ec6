"""A rate of each group: as it is, against the rest, and drawn to those of the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.metrics.base import Measured, Subject, Undefined, Value
from monitor.metrics.fairness.disclosure import wholes_of, withheld
from monitor.metrics.fairness.rates import Rate, Table, table
from monitor.metrics.fairness.shrinkage import shrunk
from monitor.metrics.intervals import newcombe, wilson
from monitor.profiles.layout import Profile
from monitor.profiles.segments import ALL, TOGETHER, segment_name

MOST_CLASSES: Final = 12
"""With more classes groups have no rates: there would be a number per group and class."""

FEWEST_GROUPS: Final = 5
"""With fewer groups they say too little of how groups differ to be drawn together."""

WITHHELD: Final = Undefined("withheld: it would tell the numbers of a group too small to be shown")


@dataclass(frozen=True, slots=True)
class Group:
    """A group's rows of one class.

    Attributes:
        name: of the verdict.
        at: place in the table.
        hits: [rows].
        rows: [rows].
        why: why it is withheld, None if it is shown.
    """

    name: str
    at: int
    hits: int
    rows: int
    why: Undefined | None


def as_they_are(rate: Rate) -> Callable[[Subject], Measured]:
    """Measures the rate of each group, of each class where there are several."""

    def measure(subject: Subject) -> Measured:
        found = table(rate, subject)
        if isinstance(found, Undefined):
            return found
        if len(found.classes) > MOST_CLASSES:
            return Undefined(f"groups have rates of up to {MOST_CLASSES} classes")
        return {
            one.name: one.why or Value(one.hits / one.rows, one.rows, *wilson(one.hits, one.rows))
            for at in range(found.rows.shape[1])
            for one in _groups(rate, subject, found, at)
        }

    return measure


def share_of_all(rate: Rate) -> Callable[[Subject], Measured]:
    """Measures which part of all rows each group is."""

    def measure(subject: Subject) -> Measured:
        found = table(rate, subject)
        if isinstance(found, Undefined):
            return found
        whole = _rows(rate, subject, subject.current, 0)
        return {
            one.name: one.why or Value(one.rows / whole, whole, *wilson(one.rows, whole))
            for one in _groups(rate, subject, found, 0)
        }

    return measure


def against_rest(rate: Rate) -> Callable[[Subject], Measured]:
    """Measures the rate of each group less that of all others together."""

    def measure(subject: Subject) -> Measured:
        found = _single(rate, subject)
        if isinstance(found, Undefined):
            return found
        counted, groups = found
        hits, rows = int(counted.hits.sum()), int(counted.rows.sum())
        few = Undefined(f"the other groups have fewer than {subject.minimum} {counted.base}")
        return {
            one.name: one.why
            or (
                _gap(one, hits - one.hits, rows - one.rows)
                if rows - one.rows >= max(subject.minimum, 1)
                else few
            )
            for one in groups
        }

    return measure


def drawn_together(rate: Rate) -> Callable[[Subject], Measured]:
    """Measures the rate of each group as `shrunk` gives it."""

    def measure(subject: Subject) -> Measured:
        found = _single(rate, subject)
        if isinstance(found, Undefined):
            return found
        counted, groups = found
        some = np.flatnonzero(counted.rows[:, 0])
        if len(some) < FEWEST_GROUPS:
            return Undefined(f"{len(some)} groups, {FEWEST_GROUPS} are needed to draw together")
        numbers = np.stack(shrunk(counted.hits[some, 0], counted.rows[some, 0]), axis=1)
        by_place = dict(zip(some.tolist(), numbers.tolist(), strict=True))
        return {
            one.name: one.why or Value(by_place[one.at][0], one.rows, *by_place[one.at][1:])
            for one in groups
        }

    return measure


def _single(rate: Rate, subject: Subject) -> tuple[Table, list[Group]] | Undefined:
    """The groups by the only class that is compared."""
    found = table(rate, subject)
    if isinstance(found, Undefined):
        return found
    if len(found.classes) > 1:
        return Undefined("needs two classes, one of them positive")
    return found, _groups(rate, subject, found, 0)


def _groups(rate: Rate, subject: Subject, found: Table, at: int) -> list[Group]:
    """The groups by one class of the table."""
    rows = dict(zip(found.groups, found.rows[:, at].tolist(), strict=True))
    segments = {**subject.segments, ALL: subject.current}
    wholes = {
        name: _rows(rate, subject, segments[name], at)
        for name in wholes_of(found.groups[0], segments)
    }
    hidden = withheld(rows, wholes, subject.minimum)
    few = Undefined(f"withheld: it has fewer than {subject.minimum} {found.base}")
    of_class = [segment_name({"class": found.classes[at]})] if len(found.classes) > 1 else []
    return [
        Group(
            TOGETHER.join([name, *of_class]),
            i,
            int(found.hits[i, at]),
            rows[name],
            None if name not in hidden else few if rows[name] < subject.minimum else WITHHELD,
        )
        for i, name in enumerate(found.groups)
    ]


def _rows(rate: Rate, subject: Subject, whole: Profile, at: int) -> int:
    """Rows of a larger segment that the rate is a share of, for the same class."""
    classes, _, rows = rate.count(whole)
    place = classes.index(subject.positive) if subject.positive in classes else at
    return int(rows[place])


def _gap(one: Group, hits: int, rows: int) -> Value:
    lower, upper = newcombe(one.hits, one.rows, hits, rows)
    gap = one.hits / one.rows - hits / rows
    ends = (min(lower, gap), max(upper, gap))
    return Value(gap, one.rows + rows, *ends, group_rows=min(one.rows, rows))
