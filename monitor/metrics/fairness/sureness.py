"""Whether the model is as sure of every group, and as rightly."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Unit, Windows
from monitor.metrics.fairness.means import Mean, Sample, gap, of_groups
from monitor.metrics.fairness.rates import OF_PREDICTION
from monitor.metrics.fairness.words import CHOSEN_EXTREMES, LABELS, MORE_CLASSES
from monitor.profiles.columns import CONFIDENCE, ROWS
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile
from monitor.profiles.residuals import Residuals


def samples(found: Distribution) -> Sequence[Sample]:
    """The values of a distribution that keeps its moments; none without rows."""
    if not found.rows:
        return ()
    scale = found.scale
    total, squares = found.sum_scaled * scale, found.squares_scaled * scale * scale
    return (Sample(found.rows, total, squares, found.shift),)


def _confidences(profile: Profile) -> Sequence[Sample]:
    return samples(profile.get(Distribution, CONFIDENCE))


def _residuals(profile: Profile) -> Sequence[Sample]:
    found = profile.get(Residuals)
    if not found.rows:
        return ()
    pairs = zip(found.sums.tolist(), found.squares.tolist(), strict=True)
    return [Sample(found.rows, total, squares) for total, squares in pairs]


_RESIDUAL: Final = Mean(_residuals, "labelled rows with probabilities", 2.0)
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

CALIBRATION: Final = replace(
    GAP,
    name="calibration_difference",
    title="Calibration gap",
    labels={"metric": "calibration_difference", "of": OF_PREDICTION},
    family=Family.TRUTH,
    column=ROWS,
    summaries=(Residuals,),
    measure=gap(_RESIDUAL),
    says="How much more often than its probability said the positive class came true in one "
    "group than in another: the largest gap over the groups of a protected attribute in the mean "
    f"of label (1 or 0) less probability, from 0 to 2. {MORE_CLASSES} {CHOSEN_EXTREMES} {LABELS}",
    prefer="Where probabilities are used as such, for a price or a rank: a group that does "
    "better than its scores is wronged by them. predictive_parity_difference asks the same of "
    "the answers alone.",
    blind="A group whose high probabilities are too high and whose low ones too low by as much. "
    "The gap of the calibration errors would see it, but by chance alone that error is higher in "
    "a smaller group.",
    source="calibration within groups, Kleinberg, Mullainathan and Raghavan (2017), condition A, "
    "on the mean as in multiaccuracy, Kim, Ghorbani and Zou (2019); Welch (1947), Biometrika 34, "
    "28, for the interval",
)

OF_GROUPS: Final = replace(
    GROUPS,
    name="group_calibration",
    title="Label less probability in a group",
    family=Family.TRUTH,
    column=ROWS,
    summaries=(Residuals,),
    measure=of_groups(_RESIDUAL),
    null=0.0,
    says="Mean of label (1 or 0) less probability of the positive class in each group of a "
    "protected attribute or intersection, from -1 to 1: above 0 the group does better than its "
    "scores. Small groups are withheld, and so is the next one where a small one could be had by "
    "subtraction.",
    prefer="For what lies behind calibration_difference.",
    blind=CALIBRATION.blind,
)

METRICS: Final = (GAP, GROUPS, CALIBRATION, OF_GROUPS)
