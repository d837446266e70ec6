"""Whether groups are selected alike: demographic parity, before and after people."""

from dataclasses import replace
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Unit
from monitor.metrics.fairness.gaps import difference, ratio
from monitor.metrics.fairness.rates import CHOSEN, OF_FINAL, OF_PREDICTION, SELECTED
from monitor.metrics.fairness.words import CHOSEN_EXTREMES, FINAL, MORE_CLASSES
from monitor.profiles.family import Family

DIFFERENCE: Final = Metric(
    name="demographic_parity_difference",
    title="Demographic parity difference",
    unit=Unit.RATIO,
    series="fairness_gap",
    labels={"metric": "demographic_parity_difference", "of": OF_PREDICTION},
    family=Family.INPUTS,
    per=Per.ATTRIBUTE,
    column=SELECTED.column,
    summaries=(SELECTED.summary,),
    measure=difference(SELECTED),
    ends=Ends.SAMPLING,
    null=0.0,
    least=60,
    says="Greatest less smallest share of the positive prediction over the groups of a protected "
    f"attribute. {MORE_CLASSES} Groups under the least number of rows are left out. "
    f"{CHOSEN_EXTREMES}",
    prefer="Needs no labels, so it is there at once. Once labels are there see "
    "equal_opportunity_difference and equalized_odds_difference. Where shares are small, a few "
    "in a hundred, demographic_parity_ratio shows what this hides. Which group differs: see "
    "group_selection_rate_gap.",
    blind="It cannot tell whether a difference is deserved: groups may truly differ. Groups "
    "treated alike on the whole may be treated unlike within a region or an age: declare "
    "intersections.",
    source="Agarwal et al. (2018), definition 1, as fairlearn's demographic_parity_difference; "
    "Newcombe (1998), method 10, for the interval",
)

RATIO: Final = replace(
    DIFFERENCE,
    name="demographic_parity_ratio",
    title="Demographic parity ratio (disparate impact)",
    labels={"metric": "demographic_parity_ratio", "of": OF_PREDICTION},
    measure=ratio(SELECTED),
    null=1.0,
    says="Smallest over greatest share of the positive prediction over the groups of a protected "
    "attribute; 1 is parity. The four-fifths rule of US employment law asks for 0.8 at least. "
    f"{MORE_CLASSES} {CHOSEN_EXTREMES}",
    prefer="Rather than demographic_parity_difference where the positive prediction is rare or "
    "a rule speaks of a ratio. It depends on which class is called positive: 1 against 2 in a "
    "hundred is a ratio of 0.5, 99 against 98 one of 0.99.",
    source="Feldman et al. (2015), definition 1, as fairlearn's demographic_parity_ratio; 29 CFR "
    "1607.4 D for the four fifths; Koopman (1984), Biometrics 40, 513, for the interval",
)

FINAL_DIFFERENCE: Final = replace(
    DIFFERENCE,
    name="final_demographic_parity_difference",
    title="Demographic parity difference of final decisions",
    labels={"metric": "demographic_parity_difference", "of": OF_FINAL},
    family=CHOSEN.family,
    column=CHOSEN.column,
    summaries=(CHOSEN.summary,),
    measure=difference(CHOSEN),
    says=f"The same of final decisions. {FINAL} {MORE_CLASSES} {CHOSEN_EXTREMES}",
    prefer="Beside demographic_parity_difference: smaller, people narrow the model's gap; larger, "
    "they widen it.",
)

FINAL_RATIO: Final = replace(
    FINAL_DIFFERENCE,
    name="final_demographic_parity_ratio",
    title="Demographic parity ratio of final decisions",
    labels={"metric": "demographic_parity_ratio", "of": OF_FINAL},
    measure=ratio(CHOSEN),
    null=1.0,
    prefer="Beside demographic_parity_ratio: what people change of the model's disparate impact.",
    source=RATIO.source,
)

METRICS: Final = (DIFFERENCE, RATIO, FINAL_DIFFERENCE, FINAL_RATIO)
