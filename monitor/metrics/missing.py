"""Share of missing values."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.comparison import part_of
from monitor.metrics.intervals import wilson
from monitor.profiles.categories import Categories
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile


def missing_and_rows(profile: Profile, column: str) -> tuple[int, int]:
    """Rows without a value and all rows of a column; (0, 0) where the layout has no such column."""
    part = part_of(profile, column)
    if part is None:
        return 0, 0
    if part.summary == Categories.name():
        categories = profile.get(Categories, column)
        return categories.missing, categories.missing + categories.rows
    distribution = profile.get(Distribution, column)
    return distribution.missing, distribution.missing + distribution.rows


def measure(subject: Subject) -> Value | Undefined:
    missing, rows = missing_and_rows(subject.current, subject.column)
    if not rows:
        return Undefined("no rows")
    known = None
    if subject.reference is not None:
        absent, all_rows = missing_and_rows(subject.reference, subject.column)
        known = absent / all_rows if all_rows else None
    return Value(missing / rows, rows, *wilson(missing, rows), known)


METRIC = Metric(
    name="feature_missing",
    title="Share of missing values",
    unit=Unit.RATIO,
    series="feature_missing",
    family=Family.INPUTS,
    per=Per.FEATURE,
    summaries=(Distribution, Categories),
    measure=measure,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Share of the predictions in which the feature was absent, null, not finite, or broke "
    "the contract so that its value was dropped. Compare it with the reference's share: a "
    "feature may be optional.",
    source="Wilson (1927) for the interval",
)
