"""Whether groups get alike numbers from a model that predicts one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Undefined, Unit, Windows
from monitor.metrics.fairness.means import Mean, Sample, gap, of_groups
from monitor.metrics.fairness.rates import OF_PREDICTION
from monitor.metrics.fairness.sureness import samples
from monitor.metrics.fairness.words import CHOSEN_EXTREMES
from monitor.profiles.columns import PREDICTION
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile

_NO_SCALE: Final = Undefined("a number is summed in units of the reference; run: mbm reference set")


def _predicted(profile: Profile) -> Sequence[Sample] | Undefined:
    found = profile.get(Distribution, PREDICTION)
    return samples(found) if found.scale else _NO_SCALE


_PREDICTED: Final = Mean(_predicted, "predictions", None)

GAP: Final = Metric(
    name="prediction_mean_difference",
    title="Gap between mean predictions",
    unit=Unit.NUMBER,
    series="fairness_number_gap",
    labels={"metric": "prediction_mean_difference", "of": OF_PREDICTION},
    family=Family.INPUTS,
    per=Per.ATTRIBUTE,
    column=PREDICTION,
    summaries=(Distribution,),
    measure=gap(_PREDICTED),
    ends=Ends.SAMPLING,
    null=0.0,
    least=60,
    says="Greatest less smallest mean predicted number over the groups of a protected attribute, "
    f"in the unit of the prediction. {CHOSEN_EXTREMES}",
    prefer="What demographic parity is for classes; needs no labels.",
    blind="Whether the difference is deserved; groups whose predictions spread differently "
    "around one mean. Numbers more than 64 spreads of the reference from its centre count as "
    "that far.",
    source="difference of means, as fairlearn's MetricFrame of mean_prediction; Welch (1947), "
    "Biometrika 34, 28, for the interval",
)

GROUPS: Final = replace(
    GAP,
    name="group_prediction_mean",
    title="Mean prediction of a group",
    series="",
    labels={},
    per=Per.GROUP,
    windows=Windows.PUBLISH,
    measure=of_groups(_PREDICTED),
    null=None,
    least=1,
    says="Mean predicted number in each group of a protected attribute or intersection, in the "
    "unit of the prediction. Small groups are withheld, and so is the next one where a small one "
    "could be had by subtraction.",
    prefer="For what lies behind prediction_mean_difference.",
    source="Student (1908) for the interval",
)

METRICS: Final = (GAP, GROUPS)
