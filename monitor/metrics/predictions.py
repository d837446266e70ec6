"""What was predicted: how often each class, or which number on average."""

from collections.abc import Mapping
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import mean_interval, wilson
from monitor.profiles.categories import Categories
from monitor.profiles.columns import PREDICTION
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile

MOST_CLASSES: Final = 50
"""With more classes there is no share of each: it would be most of a model's results."""


def measure_shares(subject: Subject) -> Undefined | Mapping[str, Value | Undefined]:
    current = subject.current.get(Categories, PREDICTION)
    if len(current.names) > MOST_CLASSES:
        some = f"of {len(current.names)} classes, only up to {MOST_CLASSES} have shares"
        return Undefined(f"{some}; see prediction_jensen_shannon")
    reference = subject.reference
    known = (
        reference.get(Categories, PREDICTION)
        if reference is not None and reference.has(Categories, PREDICTION)
        else None
    )
    rows = current.rows
    found: dict[str, Value | Undefined] = {}
    for name in current.names:
        if not rows:
            found[name] = Undefined("no predictions")
            continue
        hits = current.count(name)
        before = known.count(name) / known.rows if known and known.rows else None
        found[name] = Value(hits / rows, rows, *wilson(hits, rows), before)
    return found


def _with_sums(profile: Profile | None) -> Distribution | None:
    if profile is None or not profile.has(Distribution, PREDICTION):
        return None
    found = profile.get(Distribution, PREDICTION)
    return found if found.rows and found.scale else None


def measure_mean(subject: Subject) -> Value | Undefined:
    if not subject.current.get(Distribution, PREDICTION).scale:
        return Undefined("a number is summed in units of the reference; run: mbm reference set")
    current = _with_sums(subject.current)
    if current is None:
        return Undefined("no predictions")
    known = _with_sums(subject.reference)
    # In units of the reference's spread, where no digits are lost to a large centre.
    ends = mean_interval(current.rows, current.sum_scaled, current.squares_scaled)
    lower, upper = (current.shift + current.scale * u for u in ends) if ends else (None, None)
    return Value(current.mean, current.rows, lower, upper, known.mean if known else None)


SHARES = Metric(
    name="prediction_share",
    title="Share of a predicted class",
    unit=Unit.RATIO,
    series="prediction_share",
    family=Family.INPUTS,
    per=Per.CLASS,
    column=PREDICTION,
    summaries=(Categories,),
    measure=measure_shares,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Share of the predictions that are this class; compare it with the reference's. Classes "
    "outside the contract count among the predictions and have no share of their own.",
    prefer="To see which class moved; for whether any did, prediction_jensen_shannon has one "
    "number.",
    blind="Whether the share is right: a new share may be a new world or a broken model.",
    source="Wilson (1927) for the interval",
)

MEAN = Metric(
    name="prediction_mean",
    title="Mean prediction",
    unit=Unit.NUMBER,
    series="prediction_mean",
    family=Family.INPUTS,
    per=Per.PREDICTION,
    column=PREDICTION,
    summaries=(Distribution,),
    measure=measure_mean,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Mean of the predicted numbers, in their unit; compare it with the reference's. Values "
    "over 64 scales from the reference's centre count as that far.",
    prefer="For people who think in the unit of the prediction; prediction_location is the same "
    "question whatever the unit and calmer about outliers.",
    blind="Changes that leave the mean where it was: see prediction_spread and its siblings.",
    source="Student (1908) for the interval",
)
