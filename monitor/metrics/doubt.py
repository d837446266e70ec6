"""How undecided the model is: entropy, margin and nearness to the threshold."""

from typing import Literal

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import mean_interval, wilson
from monitor.profiles.columns import ENTROPY, MARGIN
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile

NONE = Undefined("no prediction has probabilities")


def _known(profile: Profile | None, column: str) -> Distribution | None:
    """The column's distribution; None where the profile has none or no row in it."""
    if profile is None or not profile.has(Distribution, column):
        return None
    found = profile.get(Distribution, column)
    return found if found.rows else None


def _mean(column: Literal["entropy", "margin"], title: str, says: str, prefer: str) -> Metric:
    def measure(subject: Subject) -> Value | Undefined:
        current = _known(subject.current, column)
        if current is None:
            return NONE
        before = _known(subject.reference, column)
        ends = mean_interval(current.rows, current.sum_scaled, current.squares_scaled)
        lower, upper = ends or (None, None)
        if lower is not None and upper is not None:
            lower, upper = min(max(lower, 0.0), current.mean), max(min(upper, 1.0), current.mean)
        return Value(current.mean, current.rows, lower, upper, before.mean if before else None)

    return Metric(
        name=f"{column}_mean",
        title=title,
        unit=Unit.RATIO,
        series=f"{column}_mean",
        family=Family.INPUTS,
        per=Per.MODEL,
        column=column,
        summaries=(Distribution,),
        measure=measure,
        ends=Ends.SAMPLING,
        null=None,
        least=30,
        says=says,
        prefer=prefer,
        blind="Whether the model is right to be unsure: see calibration_error. Predictions "
        "without probabilities, even where they give a confidence.",
        source="Student (1908) for the interval; " + _SOURCES[column],
    )


_SOURCES = {
    ENTROPY: "Shannon (1948), Bell System Technical Journal 27, 379, over its greatest value",
    MARGIN: "Scheffer et al. (2001), Active hidden Markov models, section 3",
}

ENTROPY_MEAN = _mean(
    "entropy",
    "Mean entropy of the probabilities",
    "How undecided the predictions are on average: 0 all of the probability is on one class, 1 it "
    "is spread evenly over all; compare it with the reference's. The entropy of each prediction is "
    "divided by the logarithm of the number of classes.",
    "With more than two classes, where a confidence of 0.4 may be sure or lost; with two it "
    "tells little beyond confidence_mean.",
)
MARGIN_MEAN = _mean(
    "margin",
    "Mean margin of the probabilities",
    "By how much the most probable class leads the next one, on average; compare it with the "
    "reference's. A shrinking margin means that small changes of the input turn predictions over.",
    "To see ties between two classes, which entropy mixes with mass on the others.",
)


def _near(profile: Profile | None) -> tuple[int, int] | None:
    probable = _known(profile, MARGIN)
    if profile is None or probable is None:
        return None
    return profile.get(Counts).of["near_threshold"], probable.rows


def measure_near(subject: Subject) -> Value | Undefined:
    current, before = _near(subject.current), _near(subject.reference)
    if current is None:
        return NONE
    near, rows = current
    return Value(near / rows, rows, *wilson(near, rows), before[0] / before[1] if before else None)


NEAR = Metric(
    name="near_threshold",
    title="Share of predictions near the threshold",
    unit=Unit.RATIO,
    series="near_threshold",
    family=Family.INPUTS,
    per=Per.MODEL,
    column=MARGIN,
    summaries=(Distribution,),
    measure=measure_near,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Share of the predictions with probabilities whose positive class lies within the card's "
    "`near` (0.05) of the threshold (0.5 where the card gives none); with more than two classes "
    "those whose margin is at most twice that. Compare it with the reference's: these are the "
    "cases that a little noise decides.",
    prefer="Where the threshold is far from one half: low_confidence looks at the confidence in "
    "the predicted class and misses them.",
    blind="Predictions that the threshold did not make, such as those of rules.",
    source="Wilson (1927) for the interval",
)
