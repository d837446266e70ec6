"""Means that groups are compared by, counted from their profiles."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from monitor.metrics.base import Measured, Subject, Undefined, Value
from monitor.metrics.fairness.disclosure import wholes_of, withheld
from monitor.metrics.fairness.rates import NOBODY, is_reviewed
from monitor.metrics.intervals import difference_interval, mean_interval
from monitor.profiles.layout import Profile
from monitor.profiles.segments import ALL


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of the rows of a group; at least one row.

    Attributes:
        rows: [rows].
        total: sum of the values, counted from `centre`.
        squares: sum of the squares of the same.
        centre: where the values are counted from, in their unit.
    """

    rows: int
    total: float
    squares: float
    centre: float = 0.0

    @property
    def mean(self) -> float:
        return self.centre + self.shift

    @property
    def shift(self) -> float:
        """Mean less centre."""
        return self.total / self.rows

    @property
    def variance(self) -> float:
        """With division by rows - 1; 0 for one row."""
        spread = max(self.squares / self.rows - self.shift * self.shift, 0.0)
        return spread * self.rows / max(self.rows - 1, 1)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean that every group has.

    Attributes:
        read: the values in a profile, of each class where there are several; none where no row
            has one; or why none can be.
        base: words for the rows that it is a mean over.
        reach: greatest gap that is possible, None without a bound.
        needs_people: whether it is about what people made of the predictions.
    """

    read: Callable[[Profile], Sequence[Sample] | Undefined]
    base: str
    reach: float | None
    needs_people: bool = False


def gap(mean: Mean) -> Callable[[Subject], Value | Undefined]:
    """Measures the largest gap between the means of groups, over all classes."""

    def measure(subject: Subject) -> Value | Undefined:
        found = _samples(mean, subject)
        if isinstance(found, Undefined):
            return found
        # The rows of a group are the same for all classes.
        large = [some for some in found.values() if some[0].rows >= max(subject.minimum, 2)]
        if len(large) < 2:
            return Undefined(f"fewer than two groups have {subject.minimum} {mean.base}")
        gaps = [largest_gap(of_class, mean.reach) for of_class in zip(*large, strict=True)]
        return max(gaps, key=lambda one: one.value)

    return measure


def largest_gap(samples: Iterable[Sample], reach: float | None = None) -> Value:
    """Greatest mean less smallest, with Welch's interval for these two groups.

    Chosen by what they show, as shares are. At least one sample, of two rows each.
    """
    every = sorted(samples, key=lambda one: (one.mean, one.rows))
    least, most = every[0], every[-1]
    found = most.mean - least.mean
    ends = difference_interval(
        most.mean, most.variance, most.rows, least.mean, least.variance, least.rows
    )
    lower = upper = None
    if ends:
        lower, upper = max(min(ends[0], found), 0.0), max(ends[1], found)
        upper = upper if reach is None else max(min(upper, reach), found)
    rows = [one.rows for one in every]
    return Value(found, sum(rows), lower, upper, group_rows=min(rows))


def of_groups(mean: Mean) -> Callable[[Subject], Measured]:
    """Measures the mean of each group; withheld where it, or a smaller group, is too small."""

    def measure(subject: Subject) -> Measured:
        found = _samples(mean, subject)
        if isinstance(found, Undefined):
            return found
        if any(len(some) > 1 for some in found.values()):
            return Undefined("needs two classes, one of them positive")
        segments = {**subject.segments, ALL: subject.current}
        names = sorted(subject.groups)
        rows = {name: found[name][0].rows if name in found else 0 for name in names}
        wholes = {name: _rows(mean, segments[name]) for name in wholes_of(names[0], segments)}
        hidden = withheld(rows, wholes, subject.minimum)
        why = Undefined(f"withheld: it, or a group it would tell of, is small in {mean.base}")
        return {name: why if name in hidden else _mean(found[name][0]) for name in names}

    return measure


def _samples(mean: Mean, subject: Subject) -> dict[str, Sequence[Sample]] | Undefined:
    """The values of the groups that have rows."""
    found = {}
    for name in sorted(subject.groups):
        one = mean.read(subject.groups[name])
        if isinstance(one, Undefined):
            return one
        if one:
            found[name] = one
    if not subject.groups:
        return Undefined("no row has a value of it that is followed")
    if found and mean.needs_people and not is_reviewed(subject):
        return NOBODY
    return found or Undefined(f"no {mean.base}")


def _rows(mean: Mean, whole: Profile) -> int:
    one = mean.read(whole)
    return one[0].rows if one and not isinstance(one, Undefined) else 0


def _mean(one: Sample) -> Value:
    ends = mean_interval(one.rows, one.total, one.squares)
    lower, upper = (one.centre + end for end in ends) if ends else (None, None)
    if lower is not None and upper is not None:
        lower, upper = min(lower, one.mean), max(upper, one.mean)
    return Value(one.mean, one.rows, lower, upper)
