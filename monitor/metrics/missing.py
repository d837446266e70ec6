"""Share of missing values."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.metrics.comparison import missing_and_rows
from monitor.metrics.intervals import wilson
from monitor.profiles.categories import Categories
from monitor.profiles.columns import FEATURE
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family


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
    worse=Worse.HIGHER,
    least=30,
    says="Share of the predictions in which the feature was absent, null, not finite, or broke "
    "the contract so that its value was dropped. Compare it with the reference's share: a "
    "feature may be optional.",
    prefer="For any feature; where the card gives a budget, feature_missing_over_budget says by "
    "how much it is exceeded.",
    blind="Why it is missing: for broken values see feature_wrong_type and its siblings. Values "
    "that stand for missing, such as -1: see feature_most_common.",
    source="Wilson (1927) for the interval",
)


def _budget(subject: Subject) -> float | None:
    """The share of missing values that the card allows; None where it says nothing."""
    name = subject.column.removeprefix(FEATURE)
    feature = subject.contract.named.get(name) if subject.contract else None
    return feature.missing if feature else None


def measure_over_budget(subject: Subject) -> Value | Undefined:
    budget = _budget(subject)
    assert budget is not None
    missing, rows = missing_and_rows(subject.current, subject.column)
    if not rows:
        return Undefined("no rows")
    known = None
    if subject.reference is not None:
        absent, all_rows = missing_and_rows(subject.reference, subject.column)
        known = max(absent / all_rows - budget, 0.0) if all_rows else None
    lower, upper = (max(end - budget, 0.0) for end in wilson(missing, rows))
    return Value(max(missing / rows - budget, 0.0), rows, lower, upper, known)


OVER_BUDGET = Metric(
    name="feature_missing_over_budget",
    title="Missing values beyond the budget",
    unit=Unit.RATIO,
    series="feature_missing_over_budget",
    family=Family.INPUTS,
    per=Per.FEATURE,
    summaries=(Distribution, Categories),
    where=lambda subject: _budget(subject) is not None,
    measure=measure_over_budget,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="By how much the share of missing values exceeds what the card allows the feature "
    "(`missing`); 0 within it. Asked only of features with a budget. While the lower end is 0 "
    "the excess may be chance.",
    prefer="To hold senders to what was agreed; for a change within the budget see "
    "feature_missing.",
    blind="Anything below the budget.",
    source="Wilson (1927) for the interval",
)
