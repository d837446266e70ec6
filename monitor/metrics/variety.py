"""Whether a column still varies as it did."""

from monitor.metrics.base import Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.comparison import part_of
from monitor.profiles.categories import Categories
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints, Profile


def _counts(profile: Profile, column: str) -> Ints | None:
    """Rows per bin or category of the rows with a value; None where the column has no bins."""
    part = part_of(profile, column)
    if part is None:
        return None
    if part.summary == Categories.name():
        return profile.get(Categories, column).counts
    counts = profile.get(Distribution, column).counts
    return counts if len(counts) > 1 else None


def _largest(counts: Ints | None) -> float | None:
    rows = 0 if counts is None else int(counts.sum())
    return None if counts is None or not rows else int(counts.max()) / rows


def measure(subject: Subject) -> Value | Undefined:
    counts = _counts(subject.current, subject.column)
    if counts is None:
        return Undefined("the feature has no bins yet; run: mbm reference set")
    share = _largest(counts)
    if share is None:
        return Undefined("no rows with a value")
    known = None
    if subject.reference is not None:
        known = _largest(_counts(subject.reference, subject.column))
    return Value(share, int(counts.sum()), reference=known)


METRIC = Metric(
    name="feature_most_common",
    title="Share of the most common value",
    unit=Unit.RATIO,
    series="feature_most_common",
    family=Family.INPUTS,
    per=Per.FEATURE,
    summaries=(Distribution, Categories),
    measure=measure,
    null=None,
    least=30,
    says="Largest share that one category, or one bin of a number, has of the rows with a value. "
    "1 where the reference had less: the column stands still, for a sensor is stuck or a default "
    "is filled in. Below the reference's: values that were rare are not so any more. No "
    "interval: the bin is chosen for being the largest.",
    prefer="To find columns that lost their variety, which looks like any other drift in "
    "jensen_shannon.",
    blind="Which value it is. Values of a number that differ within one bin count as one; a bin "
    "holds about 5 % of the reference.",
    source="share of the largest class",
)
