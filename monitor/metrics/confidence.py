"""Mean confidence and the share of unsure predictions."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import mean_interval, wilson
from monitor.profiles.columns import CONFIDENCE
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile


def _confidences(profile: Profile | None) -> Distribution | None:
    """The confidences of a profile; None where it has none."""
    if profile is None or not profile.has(Distribution, CONFIDENCE):
        return None
    found = profile.get(Distribution, CONFIDENCE)
    return found if found.rows else None


def measure_mean(subject: Subject) -> Value | Undefined:
    current = _confidences(subject.current)
    if current is None:
        return Undefined("no prediction has a confidence")
    known = _confidences(subject.reference)
    rows, mean = current.rows, current.mean
    total = current.sum_scaled * current.scale + rows * current.shift
    squares = rows * (current.variance + mean * mean)
    lower, upper = mean_interval(rows, total, squares) or (None, None)
    if lower is not None and upper is not None:
        lower, upper = min(max(lower, 0.0), mean), max(min(upper, 1.0), mean)
    return Value(mean, rows, lower, upper, known.mean if known else None)


def _unsure(profile: Profile | None) -> tuple[int, int] | None:
    """Unsure rows and rows with a confidence; None where there are none."""
    confidences = _confidences(profile)
    if profile is None or confidences is None or not profile.has(Counts):
        return None
    return profile.get(Counts).of["low_confidence"], confidences.rows


def measure_low(subject: Subject) -> Value | Undefined:
    if subject.low_confidence is None:
        return Undefined("no line of low confidence; give one in the card")
    current = _unsure(subject.current)
    if current is None:
        return Undefined("no prediction has a confidence")
    known = _unsure(subject.reference)
    unsure, rows = current
    before = known[0] / known[1] if known else None
    return Value(unsure / rows, rows, *wilson(unsure, rows), before)


MEAN = Metric(
    name="confidence_mean",
    title="Mean confidence",
    unit=Unit.RATIO,
    series="confidence_mean",
    family=Family.INPUTS,
    per=Per.MODEL,
    column=CONFIDENCE,
    summaries=(Distribution,),
    measure=measure_mean,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Mean confidence of the model in the class it predicted, over the predictions that "
    "carry one; compare it with the reference's. A model may grow surer and worse at once: see "
    "calibration_error once labels are there.",
    source="Student (1908) for the interval",
)

LOW = Metric(
    name="low_confidence",
    title="Share of unsure predictions",
    unit=Unit.RATIO,
    series="low_confidence",
    family=Family.INPUTS,
    per=Per.MODEL,
    column=CONFIDENCE,
    summaries=(Distribution,),
    measure=measure_low,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Share of the predictions with a confidence that lie below the card's line of low "
    "confidence; compare it with the reference's. Sees a growing minority of hard cases that "
    "the mean hides.",
    source="Wilson (1927) for the interval",
)
