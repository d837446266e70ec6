"""Whether people deal with groups alike: overrides and the burden of review."""

from dataclasses import replace
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Unit
from monitor.metrics.fairness.gaps import difference
from monitor.metrics.fairness.rates import OF_FINAL, OVERRIDDEN, REVIEWED
from monitor.metrics.fairness.words import CHOSEN_EXTREMES

OVERRIDES: Final = Metric(
    name="override_difference",
    title="Override gap",
    unit=Unit.RATIO,
    series="fairness_gap",
    labels={"metric": "override_difference", "of": OF_FINAL},
    family=OVERRIDDEN.family,
    per=Per.ATTRIBUTE,
    column=OVERRIDDEN.column,
    summaries=(OVERRIDDEN.summary,),
    measure=difference(OVERRIDDEN),
    ends=Ends.SAMPLING,
    null=0.0,
    least=60,
    says="Greatest less smallest override rate over the groups of a protected attribute, among "
    f"the reviewed cases in which the recommendation was shown. {CHOSEN_EXTREMES}",
    prefer="Where it is large, see final_demographic_parity_difference for what it does to the "
    "groups, and override_correct for whether it was right.",
    blind="Which way people override, and for what reason: the model may be wrong more often "
    "about a group, or people harder on it.",
    source="difference of override rates; Newcombe (1998), method 10, for the interval",
)

BURDEN: Final = replace(
    OVERRIDES,
    name="review_difference",
    title="Review burden gap",
    labels={"metric": "review_difference", "of": OF_FINAL},
    measure=difference(REVIEWED),
    says="Greatest less smallest share of the predictions that a person reviewed, over the "
    f"groups of a protected attribute. {CHOSEN_EXTREMES}",
    prefer="A review costs its subject time and gives a second look: read it with "
    "override_difference, which tells what came of it.",
    blind="Whether the cases needed a review: groups with more doubtful cases are reviewed more "
    "under the same rules. Reviews still to come.",
    source="difference of shares; Newcombe (1998), method 10, for the interval",
)

METRICS: Final = (OVERRIDES, BURDEN)
