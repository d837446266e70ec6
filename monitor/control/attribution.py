"""How much of a change other cases made (mix), and how much that like cases fared otherwise.

A number that is a share or a mean over rows is the mean over groups of rows, weighted by how many
each has. Between two windows either the weights moved, or the groups' own numbers.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.metrics.base import Undefined
from monitor.metrics.intervals import Z

OTHERS: Final = "others"
"""Name of the rows that are in no group that is shown."""


@dataclass(frozen=True, slots=True)
class Part:
    """A number of some rows of a window.

    Attributes:
        rows: that it rests on; 0 where there are none [rows].
        value: of them; ignored without rows.
        error: its standard error, 0 where none is known.
    """

    rows: int
    value: float = 0.0
    error: float = 0.0


NOTHING: Final = Part(0)


@dataclass(frozen=True, slots=True)
class Share:
    """What one group has to do with the change.

    Attributes:
        name: of the group.
        before: its number in the earlier window.
        after: its number in the later one.
        mix: of the change, because it has more or fewer of the rows.
        behaviour: of the change, because its own number moved.
    """

    name: str
    before: Part
    after: Part
    mix: float
    behaviour: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """A change in two parts, which sum to it.

    Attributes:
        change: later less earlier number of all rows.
        mix: because other cases came.
        mix_error: its standard error.
        behaviour: because like cases fared otherwise.
        behaviour_error: its standard error.
        shares: per group, those that moved most first; they sum to both parts.
    """

    change: float
    mix: float
    mix_error: float
    behaviour: float
    behaviour_error: float
    shares: tuple[Share, ...]

    @property
    def mix_ends(self) -> tuple[float, float]:
        """95 % interval of the mix."""
        return self.mix - Z * self.mix_error, self.mix + Z * self.mix_error

    @property
    def behaviour_ends(self) -> tuple[float, float]:
        """95 % interval of the behaviour."""
        half = Z * self.behaviour_error
        return self.behaviour - half, self.behaviour + half


def attribution(before: Mapping[str, Part], after: Mapping[str, Part]) -> Attribution | Undefined:
    """The change of the weighted mean over groups, in two parts.

    A group that is there in one window only counts as mix: nobody knows how it would have fared.

    Args:
        before: groups of the earlier window, each row in one of them.
        after: those of the later window.

    >>> found = attribution(
    ...     {"a": Part(50, 0.2), "b": Part(50, 0.6)}, {"a": Part(25, 0.2), "b": Part(75, 0.6)}
    ... )
    >>> round(found.mix, 3), round(found.behaviour, 3)
    (0.1, 0.0)

    Source: Kitagawa (1955), JASA 50, 1168; Blinder (1973) and Oaxaca (1973), with the mean of
    both windows as the standard, so that neither window is privileged and nothing is left over.
    Mix is measured from the mean over all rows, so that a group with the average number has none.
    Errors by the delta method, the two windows independent.
    """
    totals = [sum(part.rows for part in window.values()) for window in (before, after)]
    if not all(totals):
        return Undefined(f"the {'later' if totals[0] else 'earlier'} window has no rows for it")
    names = sorted({name for window in (before, after) for name in window})
    pairs = [(before.get(name, NOTHING), after.get(name, NOTHING)) for name in names]
    pairs = [(a if a.rows else _unseen(b), b if b.rows else _unseen(a)) for a, b in pairs]
    w = np.array([[part.rows for part in pair] for pair in pairs]).T / np.array(totals)[:, None]
    x = np.array([[part.value for part in pair] for pair in pairs]).T
    error = np.array([[part.error for part in pair] for pair in pairs]).T
    middle, weight = x.mean(axis=0), w.mean(axis=0)
    centre = float(weight @ middle)
    mix = (w[1] - w[0]) * (middle - centre)
    behaviour = weight * (x[1] - x[0])
    # Of the mix: shares of a sample of so many rows, and the means that they weigh.
    lean = middle - centre
    spread = [float(w[t] @ lean**2 - (w[t] @ lean) ** 2) / totals[t] for t in (0, 1)]
    of_means = float((((w[1] - w[0]) / 2) ** 2 * (error**2).sum(axis=0)).sum())
    shares = [
        Share(name, *pair, float(m), float(b))
        for name, pair, m, b in zip(names, pairs, mix, behaviour, strict=True)
    ]
    return Attribution(
        change=float(w[1] @ x[1] - w[0] @ x[0]),
        mix=float(mix.sum()),
        mix_error=math.sqrt(max(sum(spread), 0.0) + of_means),
        behaviour=float(behaviour.sum()),
        behaviour_error=math.sqrt(float((weight**2 * (error**2).sum(axis=0)).sum())),
        shares=tuple(sorted(shares, key=lambda s: (-abs(s.mix) - abs(s.behaviour), s.name))),
    )


def _unseen(other: Part) -> Part:
    return Part(0, other.value, 0.0)


def tellable(windows: Sequence[tuple[Part, Mapping[str, Part]]], least: int) -> frozenset[str]:
    """Names of the groups that may be told of in all these windows.

    Each has `least` rows or more in every window in which it has any, and so have the rows that
    are in none of them: a group that stood alone in one window only because it is small in the
    other would be taken for other cases that came, and a small rest would tell of a few people.

    Args:
        windows: all rows of each, and its groups, no row in two.
        least: rows that a group needs to be told of.
    """
    every = {
        name: [groups.get(name, NOTHING).rows for _, groups in windows] for name in _named(windows)
    }
    kept = {name for name, rows in every.items() if all(n >= least for n in rows if n)}

    def rest(place: int) -> int:
        return windows[place][0].rows - sum(every[name][place] for name in kept)

    while kept and any(0 < rest(place) < least for place in range(len(windows))):
        kept.remove(min(kept, key=lambda name: (sum(every[name]), name)))
    return frozenset(kept)


def _named(windows: Sequence[tuple[Part, Mapping[str, Part]]]) -> set[str]:
    return {name for _, groups in windows for name in groups}


def with_rest(
    whole: Part, groups: Mapping[str, Part], told: Collection[str]
) -> dict[str, Part] | Undefined:
    """The groups that may be told of, and all other rows together as `OTHERS`.

    Args:
        whole: of all rows.
        groups: of some of them, no row in two.
        told: names of those that stand alone, as `tellable` gives them.
    """
    kept = {name: part for name, part in groups.items() if name in told and part.rows}
    rows = whole.rows - sum(part.rows for part in kept.values())
    if rows < 0:
        return Undefined("its groups hold more rows than there are, so that they overlap")
    total = whole.rows * whole.value - math.fsum(p.rows * p.value for p in kept.values())
    if not rows:
        # Sums are kept on grids of 2**-30 or finer of a scale.
        if abs(total) > 1e-6 * max(1.0, abs(whole.rows * whole.value)):
            return Undefined("it is no mean over groups of rows")
        return kept
    squares = (whole.rows * whole.error) ** 2 - sum((p.rows * p.error) ** 2 for p in kept.values())
    return {**kept, OTHERS: Part(rows, total / rows, math.sqrt(max(squares, 0.0)) / rows)}
