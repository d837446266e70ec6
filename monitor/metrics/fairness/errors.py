"""Whether groups bear the same errors: opportunity, odds and predictive parity."""

from dataclasses import dataclass
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Unit
from monitor.metrics.fairness import rates
from monitor.metrics.fairness.gaps import Measure, difference, ratio
from monitor.metrics.fairness.rates import OF_FINAL, OF_PREDICTION, Rate
from monitor.metrics.fairness.words import CHOSEN_EXTREMES, FINAL, LABELS, MORE_CLASSES

_NEWCOMBE: Final = "; Newcombe (1998), method 10, for the interval"
_KOOPMAN: Final = "; Koopman (1984), Biometrics 40, 513, for the interval"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A measure, for predictions and for final decisions alike."""

    name: str
    title: str
    null: float
    says: str
    prefer: str
    blind: str
    source: str


_OPPORTUNITY = _Kind(
    "equal_opportunity_difference",
    "Equal opportunity difference",
    0.0,
    "Greatest less smallest share of the truly positive that got the positive answer, over the "
    "groups of a protected attribute.",
    "Where missing a truly positive case is the harm (a good borrower refused).",
    "False alarms: see equalized_odds_difference.",
    "Hardt et al. (2016), definition 2.2, as fairlearn's true_positive_rate_difference" + _NEWCOMBE,
)
_ODDS = _Kind(
    "equalized_odds_difference",
    "Equalized odds difference",
    0.0,
    "The larger of two gaps between groups: in the share of the truly positive that got the "
    "positive answer, and in that share of the truly negative. A group counts in a gap if it has "
    "the least number of rows with that label. The rows are those of the larger gap.",
    "Where both kinds of error harm; equal_opportunity_difference and "
    "false_positive_rate_difference tell which of the two it is.",
    "Groups that truly differ cannot in general have equal odds and equal precision at once: see "
    "predictive_parity_difference.",
    "Hardt et al. (2016), definition 2.1, as fairlearn's equalized_odds_difference" + _NEWCOMBE,
)
_ODDS_RATIO = _Kind(
    "equalized_odds_ratio",
    "Equalized odds ratio",
    1.0,
    "The smaller of two ratios between groups, smallest over greatest: of the share of the truly "
    "positive that got the positive answer, and of that share of the truly negative; 1 is parity.",
    "Rather than equalized_odds_difference where errors are rare: 1 against 3 false alarms in a "
    "hundred is a ratio of a third.",
    "Unknown where no group has a false positive.",
    "Hardt et al. (2016), definition 2.1, as fairlearn's equalized_odds_ratio" + _KOOPMAN,
)
_PREDICTIVE = _Kind(
    "predictive_parity_difference",
    "Predictive parity difference",
    0.0,
    "Greatest less smallest precision over the groups of a protected attribute: the share of the "
    "positive answers that came true.",
    "Where the answer is acted on, so that it should mean the same for everybody.",
    "Cases that got the other answer.",
    "Chouldechova (2017), Big Data 5, 153, equation 2.1; as fairlearn's MetricFrame of "
    "precision_score" + _NEWCOMBE,
)
_FALSE_POSITIVE = _Kind(
    "false_positive_rate_difference",
    "False positive rate difference",
    0.0,
    "Greatest less smallest share of the truly negative that got the positive answer, over the "
    "groups of a protected attribute.",
    "Where a false alarm is the harm (a person suspected for nothing).",
    "Missed cases: see false_negative_rate_difference.",
    "Chouldechova (2017), Big Data 5, 153, equation 2.2; as fairlearn's "
    "false_positive_rate_difference" + _NEWCOMBE,
)
_FALSE_NEGATIVE = _Kind(
    "false_negative_rate_difference",
    "False negative rate difference",
    0.0,
    "Greatest less smallest share of the truly positive that did not get the positive answer, "
    "over the groups of a protected attribute.",
    "The same number as equal_opportunity_difference, for one share is 1 less the other; given "
    "under the name by which errors are looked for. Alarm on one of the two.",
    "False alarms: see false_positive_rate_difference.",
    "Chouldechova (2017), Big Data 5, 153, equation 2.3; as fairlearn's "
    "false_negative_rate_difference" + _NEWCOMBE,
)


def _metric(kind: _Kind, of: str, measure: Measure, rate: Rate) -> Metric:
    is_final = of == OF_FINAL
    beside = f" Beside {kind.name}: what people make of the model's gap." if is_final else ""
    return Metric(
        name=f"final_{kind.name}" if is_final else kind.name,
        title=f"{kind.title} of final decisions" if is_final else kind.title,
        unit=Unit.RATIO,
        series="fairness_gap",
        labels={"metric": kind.name, "of": of},
        family=rate.family,
        per=Per.ATTRIBUTE,
        column=rate.column,
        summaries=(rate.summary,),
        measure=measure,
        ends=Ends.SAMPLING,
        null=kind.null,
        least=60,
        says=" ".join(
            [kind.says, *([FINAL] if is_final else []), MORE_CLASSES, CHOSEN_EXTREMES, LABELS]
        ),
        prefer=kind.prefer + beside,
        blind=kind.blind,
        source=kind.source,
    )


def _metrics(
    of: str, found: Rate, missed: Rate, alarmed: Rate, precise: Rate
) -> tuple[Metric, ...]:
    return tuple(
        _metric(kind, of, measure, found)
        for kind, measure in (
            (_OPPORTUNITY, difference(found)),
            (_ODDS, difference(found, alarmed)),
            (_ODDS_RATIO, ratio(found, alarmed)),
            (_PREDICTIVE, difference(precise)),
            (_FALSE_POSITIVE, difference(alarmed)),
            (_FALSE_NEGATIVE, difference(missed)),
        )
    )


METRICS: Final = (
    *_metrics(OF_PREDICTION, rates.FOUND, rates.MISSED, rates.ALARMED, rates.PRECISE),
    *_metrics(
        OF_FINAL, rates.FINAL_FOUND, rates.FINAL_MISSED, rates.FINAL_ALARMED, rates.FINAL_PRECISE
    ),
)
