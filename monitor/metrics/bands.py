"""What came true at each level of confidence or probability: a reliability diagram as data."""

from collections.abc import Mapping
from typing import Final

from monitor.metrics.base import (
    Ends,
    Measured,
    Metric,
    Per,
    Subject,
    Undefined,
    Unit,
    Value,
    Windows,
)
from monitor.metrics.intervals import mean_interval, wilson
from monitor.profiles.bands import NAMES
from monitor.profiles.calibration import Calibration
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.reliability import Reliability


def _shares(hits: Ints, rows: Ints) -> Mapping[str, Value | Undefined]:
    """The share of hits per band, with Wilson's interval."""
    each = zip(NAMES, hits.tolist(), rows.tolist(), strict=True)
    return {
        name: Value(k / n, n, *wilson(k, n)) if n else Undefined("no labelled row in this band")
        for name, k, n in each
    }


def _means(sums: Floats, rows: Ints) -> Mapping[str, Value | Undefined]:
    each = zip(NAMES, sums.tolist(), rows.tolist(), strict=True)
    return {
        name: Value(total / n, n) if n else Undefined("no labelled row in this band")
        for name, total, n in each
    }


def measure_accuracy(subject: Subject) -> Measured:
    bins = subject.current.get(Calibration)
    return _shares(bins.correct, bins.total)


def measure_confidence(subject: Subject) -> Measured:
    bins = subject.current.get(Calibration)
    return _means(bins.confidence, bins.total)


def measure_positives(subject: Subject) -> Measured:
    cells = subject.current.get(Reliability).by_tenth()
    return _shares(cells.positives, cells.total)


def measure_probability(subject: Subject) -> Measured:
    cells = subject.current.get(Reliability).by_tenth()
    return _means(cells.probability, cells.total)


def _bins(subject: Subject) -> Calibration | Undefined:
    bins = subject.current.get(Calibration)
    return bins if bins.rows else Undefined("no labels yet, or no prediction has a confidence")


def measure_over(subject: Subject) -> Value | Undefined:
    bins = _bins(subject)
    if isinstance(bins, Undefined):
        return bins
    return Value(float((bins.confidence - bins.correct).clip(0).sum()) / bins.rows, bins.rows)


def measure_under(subject: Subject) -> Value | Undefined:
    bins = _bins(subject)
    if isinstance(bins, Undefined):
        return bins
    return Value(float((bins.correct - bins.confidence).clip(0).sum()) / bins.rows, bins.rows)


def measure_gap(subject: Subject) -> Value | Undefined:
    bins = _bins(subject)
    if isinstance(bins, Undefined):
        return bins
    some = bins.total > 0
    total, right, sure = bins.total[some], bins.correct[some], bins.confidence[some]
    # Within a band each confidence counts as its mean: their variance there is under 0.0025.
    squares = float((sure**2 / total - 2 * sure / total * right + right).sum())
    gap = float((bins.confidence - bins.correct).sum())
    ends = mean_interval(bins.rows, gap, squares) or (None, None)
    return Value(gap / bins.rows, bins.rows, *ends)


_GUO: Final = "Guo et al. (2017), On Calibration of Modern Neural Networks"

ACCURACY: Final = Metric(
    name="band_accuracy",
    title="Accuracy by confidence",
    unit=Unit.RATIO,
    family=Family.TRUTH,
    per=Per.BAND,
    windows=Windows.PUBLISH,
    summaries=(Calibration,),
    measure=measure_accuracy,
    ends=Ends.SAMPLING,
    null=None,
    least=10,
    says="Share of right answers among the predictions of each tenth of the confidence: with "
    "band_confidence the points of a reliability diagram. A calibrated model is right as often "
    "as it says.",
    prefer="To calibration_error, to see where it comes from.",
    blind="Anything within a band.",
    source=_GUO + ", section 2; Wilson (1927) for the interval",
)

CONFIDENCE: Final = Metric(
    name="band_confidence",
    title="Mean confidence by confidence",
    unit=Unit.RATIO,
    family=Family.TRUTH,
    per=Per.BAND,
    windows=Windows.PUBLISH,
    summaries=(Calibration,),
    measure=measure_confidence,
    null=None,
    least=10,
    says="Mean confidence of the labelled predictions of each tenth of the confidence, with "
    "which band_accuracy is to be compared. Known exactly, so without an interval.",
    prefer="To the middle of the band, near which the confidences need not lie.",
    blind="Predictions without an outcome.",
    source=_GUO + ", section 2",
)

POSITIVES: Final = Metric(
    name="probability_band_positives",
    title="Share of positives by probability",
    unit=Unit.RATIO,
    family=Family.TRUTH,
    per=Per.BAND,
    windows=Windows.PUBLISH,
    summaries=(Reliability,),
    measure=measure_positives,
    ends=Ends.SAMPLING,
    null=None,
    least=10,
    says="Share of cases that came out positive among those of each tenth of the positive "
    "class's probability, each with its lower end: with probability_band_mean the reliability "
    "diagram of a model with two classes.",
    prefer="To band_accuracy, which turns the half below 0.5 around.",
    blind="Anything within a band, so most of a rare class: see calibration_slope.",
    source="Murphy and Winkler (1977), Applied Statistics 26, 41; Wilson (1927) for the interval",
)

PROBABILITY: Final = Metric(
    name="probability_band_mean",
    title="Mean probability by probability",
    unit=Unit.RATIO,
    family=Family.TRUTH,
    per=Per.BAND,
    windows=Windows.PUBLISH,
    summaries=(Reliability,),
    measure=measure_probability,
    null=None,
    least=10,
    says="Mean probability of the positive class in each tenth of it, with which "
    "probability_band_positives is to be compared. Known exactly, so without an interval.",
    prefer="To the middle of the band, near which the probabilities need not lie.",
    blind="Predictions without an outcome.",
    source="Murphy and Winkler (1977), Applied Statistics 26, 41",
)

OVER: Final = Metric(
    name="overconfidence",
    title="Overconfidence",
    unit=Unit.RATIO,
    series="overconfidence",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Calibration,),
    measure=measure_over,
    null=0.0,
    least=100,
    says="The part of calibration_error from bands of confidence in which the model was right "
    "less often than it said. With underconfidence it adds up to calibration_error, and is above "
    "0 by chance as that is.",
    prefer="To calibration_error where being too sure does the harm.",
    blind="Gaps that cancel within a band.",
    source=_GUO + ", equation 3, by the sign of the gap",
)

UNDER: Final = Metric(
    name="underconfidence",
    title="Underconfidence",
    unit=Unit.RATIO,
    series="underconfidence",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Calibration,),
    measure=measure_under,
    null=0.0,
    least=100,
    says="The part of calibration_error from bands of confidence in which the model was right "
    "more often than it said; such a model sends people cases that need none.",
    prefer="Beside overconfidence.",
    blind="Gaps that cancel within a band.",
    source=_GUO + ", equation 3, by the sign of the gap",
)

GAP: Final = Metric(
    name="confidence_gap",
    title="Confidence less accuracy",
    unit=Unit.NUMBER,
    series="confidence_gap",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Calibration,),
    measure=measure_gap,
    ends=Ends.SAMPLING,
    null=0.0,
    least=30,
    says="Mean confidence less the share of right answers: above 0 the model says more than it "
    "keeps. Unlike calibration_error it is 0 on average for a calibrated model, so its interval "
    "tells chance from error.",
    prefer="First; then overconfidence and underconfidence, which do not cancel.",
    blind="Too much at one level of confidence and too little at another.",
    source="Lichtenstein, Fischhoff and Phillips (1982), in Judgment under Uncertainty, 306; "
    "Student (1908) for the interval",
)

METRICS: Final = (OVER, UNDER, GAP, ACCURACY, CONFIDENCE, POSITIVES, PROBABILITY)
