"""Mean confidence and the share of unsure predictions."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.metrics.intervals import mean_interval, wilson
from monitor.metrics.quantiles import least_rows, quantile
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
    worse=Worse.LOWER,
    least=30,
    says="Mean confidence of the model in the class it predicted, over the predictions that "
    "carry one; compare it with the reference's.",
    prefer="As one number; for the direction and the form of a change see confidence_location and "
    "its siblings, for its ends the percentiles.",
    blind="Whether it is deserved: a model may grow surer and worse at once; see "
    "calibration_error once labels are there.",
    source="Student (1908) for the interval",
)


def _quantile(share: float, title: str) -> Metric:
    least = max(30, least_rows(share))

    def measure(subject: Subject) -> Value | Undefined:
        current = _confidences(subject.current)
        if current is None:
            return Undefined("no prediction has a confidence")
        before = _confidences(subject.reference)
        known = quantile(before, share)[0] if before and before.rows >= least else None
        return Value(*_placed(current, share), known)

    return Metric(
        name=f"confidence_p{share * 100:g}",
        title=title,
        unit=Unit.RATIO,
        series="confidence_quantile",
        labels={"q": f"{share:g}"},
        family=Family.INPUTS,
        per=Per.MODEL,
        column=CONFIDENCE,
        summaries=(Distribution,),
        measure=measure,
        ends=Ends.BOTH,
        null=None,
        least=least,
        says=f"{share:.0%} of the predictions with a confidence have at most this one; compare it "
        "with the reference's. Counted in fifty equal bins; the interval reaches to their ends.",
        prefer="The tenth percentile for the doubtful end, the ninetieth for whether the sure end "
        "still is sure; confidence_mean mixes both.",
        blind="Changes of less than a bin, 0.02. Whether the confidence is deserved: see "
        "calibration_error.",
        source="David and Nagaraja (2003), Order Statistics, section 7.1",
    )


def _placed(found: Distribution, share: float) -> tuple[float, int, float, float]:
    value, lower, upper = quantile(found, share)
    return value, found.rows, lower, upper


QUANTILES = (
    _quantile(0.1, "Tenth percentile of the confidence"),
    _quantile(0.5, "Median of the confidence"),
    _quantile(0.9, "Ninetieth percentile of the confidence"),
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
    "confidence; compare it with the reference's.",
    prefer="To see a growing minority of hard cases, which the mean hides, and to plan reviews.",
    blind="How far below the line they lie: see confidence_p10.",
    source="Wilson (1927) for the interval",
)
