"""Whether groups get alike numbers, and alike errors, from a model that predicts one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Undefined, Unit, Windows
from monitor.metrics.fairness.means import Mean, Sample, gap, of_groups
from monitor.metrics.fairness.rates import OF_FINAL, OF_PREDICTION
from monitor.metrics.fairness.sureness import samples
from monitor.metrics.fairness.words import CHOSEN_EXTREMES, FINAL, LABELS
from monitor.profiles.answers import Answers
from monitor.profiles.columns import ERRORS, FINAL_NUMBER, PREDICTION
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile, Summary
from monitor.profiles.sums import Sums

_NO_SCALE: Final = Undefined("a number is summed in units of the reference; run: mbm reference set")
_UNIT: Final = "In the unit of the prediction."
_WITHHELD: Final = (
    "Small groups are withheld, and so is the next one where a small one could be had by "
    "subtraction."
)

Read = Callable[[Profile], Sequence[Sample] | Undefined]


def _predicted(profile: Profile) -> Sequence[Sample] | Undefined:
    found = profile.get(Distribution, PREDICTION)
    return samples(found) if found.scale else _NO_SCALE


def _too_far(count: int) -> Undefined:
    noun = "number lies" if count == 1 else "numbers lie"
    where = "too far from the reference to be summed"
    return Undefined(f"{count} {noun} {where}; check the unit, or run: mbm reference set")


def _final(profile: Profile) -> Sequence[Sample] | Undefined:
    found = profile.get(Answers, FINAL_NUMBER)
    if found.beyond:
        return _too_far(found.beyond)
    one = Sample(found.rows, found.total, found.squares, found.centre)
    return (one,) if found.rows else ()


def _errors(name: str) -> Read:
    """Of predictions, by the name of their sum."""

    def read(profile: Profile) -> Sequence[Sample] | Undefined:
        found = profile.get(Sums, ERRORS)
        if found.beyond:
            return _too_far(found.beyond)
        scale = float(found.spec["scale"])
        total, squares = (float(found.of[of]) for of in (name, "square"))
        return (Sample(found.rows, total * scale, squares * scale * scale),) if found.rows else ()

    return read


def _final_errors(name: str) -> Read:
    """Of final decisions, by the name of their sum."""

    def read(profile: Profile) -> Sequence[Sample] | Undefined:
        found = profile.get(Answers, FINAL_NUMBER)
        if found.far:
            return _too_far(found.far)
        total = found.absolute if name == "absolute" else found.error
        return (Sample(found.labelled, total, found.error_squares),) if found.labelled else ()

    return read


@dataclass(frozen=True, slots=True)
class _Kind:
    """A mean over numbers or their errors."""

    name: str
    title: str
    says: str
    prefer: str
    blind: str
    source: str
    null: float | None


_VALUE: Final = _Kind(
    "prediction_mean",
    "mean prediction",
    "mean number",
    "What demographic parity is for classes; needs no labels.",
    "Whether the difference is deserved; groups whose numbers spread differently around one mean.",
    "as fairlearn's MetricFrame of mean_prediction",
    None,
)
_ABSOLUTE: Final = _Kind(
    "absolute_error",
    "mean absolute error",
    "mean absolute error",
    "Where being far off is the harm, whichever way; mean_error_difference tells the way.",
    "Few large errors, which a root mean square would show.",
    "as fairlearn's MetricFrame of mean_absolute_error",
    0.0,
)
_SIGNED: Final = _Kind(
    "mean_error",
    "mean error",
    "mean of number less label",
    "To see a group that is set too high or too low on the whole.",
    "Errors of both signs that cancel: see absolute_error_difference.",
    "as fairlearn's MetricFrame of the mean of prediction less label",
    0.0,
)


def _of(
    kind: _Kind, of: str, family: Family, column: str, mean: Mean, summary: type[Summary]
) -> Iterator[Metric]:
    is_final = of == OF_FINAL
    name = f"final_{kind.name}" if is_final else kind.name
    tail = " of final decisions" if is_final else ""
    more = [*([FINAL] if is_final else []), *([LABELS] if kind is not _VALUE else [])]
    plain = Metric(
        name=f"{name}_difference",
        title=f"Gap in the {kind.title}{tail}",
        unit=Unit.NUMBER,
        series="fairness_number_gap",
        labels={"metric": f"{kind.name}_difference", "of": of},
        family=family,
        per=Per.ATTRIBUTE,
        column=column,
        summaries=(summary,),
        measure=gap(mean),
        ends=Ends.SAMPLING,
        null=0.0,
        least=60,
        says=" ".join(
            [
                f"Greatest less smallest {kind.says}{tail} over the groups of an attribute.",
                _UNIT,
                CHOSEN_EXTREMES,
                *more,
            ]
        ),
        prefer=kind.prefer,
        blind=kind.blind,
        source=f"difference of means, {kind.source}; Welch (1947), Biometrika 34, 28, for the "
        "interval",
    )
    yield plain
    yield replace(
        plain,
        name=f"group_{name}",
        title=f"{kind.title[0].upper()}{kind.title[1:]}{tail} of a group",
        series="",
        labels={},
        per=Per.GROUP,
        windows=Windows.PUBLISH,
        measure=of_groups(mean),
        null=kind.null,
        least=1,
        says=" ".join(
            [
                f"The {kind.says}{tail} in each group of a protected attribute or intersection.",
                _UNIT,
                _WITHHELD,
                *more,
            ]
        ),
        prefer=f"For what lies behind {name}_difference.",
        source="Student (1908) for the interval",
    )


_LABELLED: Final = "labelled rows with a number"
METRICS: Final = (
    *_of(
        _VALUE,
        OF_PREDICTION,
        Family.INPUTS,
        PREDICTION,
        Mean(_predicted, "predictions", None),
        Distribution,
    ),
    *_of(
        _VALUE,
        OF_FINAL,
        Family.PEOPLE,
        FINAL_NUMBER,
        Mean(_final, "predictions", None, needs_people=True),
        Answers,
    ),
    *(
        metric
        for kind, name in ((_ABSOLUTE, "absolute"), (_SIGNED, "error"))
        for of, family, column, read, summary in (
            (OF_PREDICTION, Family.TRUTH, ERRORS, _errors, Sums),
            (OF_FINAL, Family.PEOPLE, FINAL_NUMBER, _final_errors, Answers),
        )
        for metric in _of(
            kind,
            of,
            family,
            column,
            Mean(read(name), _LABELLED, None, needs_people=of == OF_FINAL),
            summary,
        )
    ),
)
