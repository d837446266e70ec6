"""Whether the model is as sure of every group."""

from dataclasses import replace
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Undefined, Unit, Windows
from monitor.metrics.fairness.means import Mean, Sample, gap, of_groups
from monitor.metrics.fairness.rates import OF_PREDICTION
from monitor.metrics.fairness.words import CHOSEN_EXTREMES
from monitor.profiles.columns import CONFIDENCE
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile


def sample(found: Distribution) -> Sample | None:
    """The values of a distribution that keeps its moments; None without rows."""
    if not found.rows:
        return None
    scale = found.scale
    total, squares = found.sum_scaled * scale, found.squares_scaled * scale**2
    return Sample(found.rows, total, squares, found.shift)


def _confidences(profile: Profile) -> Sample | Undefined | None:
    return sample(profile.get(Distribution, CONFIDENCE))


_CONFIDENCE: Final = Mean(_confidences, "predictions with a confidence", 1.0)

GAP: Final = Metric(
    name="confidence_difference",
    title="Confidence gap",
    unit=Unit.RATIO,
    series="fairness_gap",
    labels={"metric": "confidence_difference", "of": OF_PREDICTION},
    family=Family.INPUTS,
    per=Per.ATTRIBUTE,
    column=CONFIDENCE,
    summaries=(Distribution,),
    measure=gap(_CONFIDENCE),
    ends=Ends.SAMPLING,
    null=0.0,
    least=60,
    says="Greatest less smallest mean confidence over the groups of a protected attribute. "
    f"{CHOSEN_EXTREMES}",
    prefer="Needs no labels: a model that has seen few of a group is often less sure of it. "
    "calibration_difference tells whether it is so rightly.",
    blind="Whether the confidence is deserved; groups whose confidence spreads differently "
    "around one mean.",
    source="difference of means; Welch (1947), Biometrika 34, 28, for the interval",
)

GROUPS: Final = replace(
    GAP,
    name="group_confidence_mean",
    title="Mean confidence of a group",
    series="",
    labels={},
    per=Per.GROUP,
    windows=Windows.PUBLISH,
    measure=of_groups(_CONFIDENCE),
    null=None,
    least=1,
    says="Mean confidence of the model in the class that it predicted, in each group of a "
    "protected attribute or intersection. Small groups are withheld, and so is the next one where "
    "a small one could be had by subtraction.",
    prefer="For what lies behind confidence_difference.",
    source="Student (1908) for the interval",
)

METRICS: Final = (GAP, GROUPS)
