"""Performance estimated without outcomes, and later how far the estimate was off."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from monitor.metrics import auc, classification, expected, performance
from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.expected import Estimate, Outlook
from monitor.metrics.intervals import Z, logit_interval
from monitor.metrics.isotonic import worth
from monitor.metrics.ranked import OF_A_CLASS
from monitor.profiles.class_scores import MOST_CLASSES, ClassScores
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.forecasts import CELLS_OF_MANY, CELLS_OF_TWO, Forecasts
from monitor.profiles.layout import Ints, Profile
from monitor.profiles.scores import Scores

LEAST: Final = 100
"""Rows of the reference with outcomes that a calibration needs."""

Figure: TypeAlias = Callable[[list[Outlook]], Estimate | None]
Realised: TypeAlias = Callable[[Subject], Value | Undefined]


def _calibrating(profile: Profile) -> list[tuple[Ints, Ints]]:
    """Rows of a class and all rows per cell, of the positive class or of each."""
    if profile.has(ClassScores):
        found = profile.get(ClassScores)
        return list(zip(found.labelled, found.total, strict=True))
    two = profile.get(Scores)
    return [(two.positives, two.positives + two.negatives)]


def _outlooks(subject: Subject) -> list[Outlook] | Undefined:
    made = subject.current.get(Forecasts)
    if not len(made.total):
        return Undefined(f"more than {MOST_CLASSES} classes, for which no cells are kept")
    if not made.rows:
        return Undefined("no prediction of a declared class has probabilities")
    if subject.calibration is None:
        return Undefined(
            "the log holds no outcomes of the reference, which would calibrate the probabilities;"
            " choose a window or version as reference: mbm reference set"
        )
    known = _calibrating(subject.calibration)
    rows = int(known[0][1].sum())
    if rows < LEAST:
        return Undefined(f"{rows} rows of the reference have outcomes by now, {LEAST} are needed")
    fewest = min(min(int(own.sum()), int((every - own).sum())) for own, every in known)
    if fewest < OF_A_CLASS:
        return Undefined(
            f"the rarest class has {fewest} rows in the reference, {OF_A_CLASS} are needed"
        )
    return [
        Outlook(chosen, total - chosen, worth(own, every))
        for chosen, total, (own, every) in zip(made.chosen, made.total, known, strict=True)
    ]


def _accuracy(outlooks: list[Outlook]) -> Estimate:
    if len(outlooks) == 1:
        return expected.accuracy(outlooks[0])
    return expected.accuracy_of_many(outlooks)


def _mean_of(figure: Callable[[Outlook], Estimate | None]) -> Figure:
    def of(outlooks: list[Outlook]) -> Estimate | None:
        each = [found for one in outlooks if (found := figure(one))]
        return expected.mean(each) if each else None

    return of


def _area(outlooks: list[Outlook]) -> Estimate | None:
    return expected.area(outlooks[0])


def _estimated(subject: Subject, figure: Figure) -> tuple[Estimate, int] | Undefined:
    outlooks = _outlooks(subject)
    if isinstance(outlooks, Undefined):
        return outlooks
    found = figure(outlooks)
    if found is None:
        return Undefined("no row is predicted or expected to be of a class that it needs")
    return found, int((outlooks[0].chosen + outlooks[0].others).sum())


def _measure(figure: Figure, realised: Realised) -> Realised:
    def measure(subject: Subject) -> Value | Undefined:
        found = _estimated(subject, figure)
        if isinstance(found, Undefined):
            return found
        estimate, rows = found
        value = min(max(estimate.value, 0.0), 1.0)
        ends = logit_interval(value, estimate.error) or (value, value)
        assert subject.calibration is not None
        then = realised(replace(subject, current=subject.calibration))
        return Value(value, rows, *ends, then.value if isinstance(then, Value) else None)

    return measure


def _measure_error(figure: Figure, realised: Realised) -> Realised:
    def measure(subject: Subject) -> Value | Undefined:
        came = realised(subject)
        if isinstance(came, Undefined):
            return came
        found = _estimated(subject, figure)
        if isinstance(found, Undefined):
            return found
        estimate, _ = found
        gap = estimate.value - came.value
        if came.lower is None or came.upper is None:
            return Value(gap, came.rows)
        counts = subject.current.get(Counts).of
        # With every outcome known the estimate's own error is all; with few the realised figure
        # errs as a sample of them does.
        waiting = math.sqrt(1 - counts["labelled"] / counts["predictions"])
        lower, upper = (
            gap + sign * math.hypot(Z * estimate.error, waiting * (end - came.value))
            for sign, end in ((-1, came.upper), (1, came.lower))
        )
        return Value(gap, came.rows, lower, upper)

    return measure


def _grounds(subject: Subject) -> object:
    return subject.calibration.hash if subject.calibration else ""


def _metrics(name: str, title: str, figure: Figure, realised: Realised) -> tuple[Metric, Metric]:
    """The estimate of a figure, and its error."""
    is_of_two = name == "roc_auc"
    where = _has_two if is_of_two else _every
    low = title[0].lower() + title[1:] if title[1].islower() else title
    estimate = Metric(
        name=f"estimated_{name}",
        title=f"Estimated {low}",
        unit=Unit.RATIO,
        series="performance",
        labels={"metric": name, "source": "estimated"},
        family=Family.TRUTH,
        per=Per.MODEL,
        summaries=(Forecasts,),
        where=where,
        measure=_measure(figure, realised),
        beside=_grounds,
        ends=Ends.SAMPLING,
        null=None,
        least=30,
        says=f"{name} as it is to be expected of all predictions of the window, before any outcome "
        "is known: each probability counts for as much as it came true in the reference "
        f"(isotonic, over {_CELLS[is_of_two]}). In 95 % of windows the realised figure lies "
        "between the ends, as long as probabilities mean what they meant. Reference value: the "
        f"realised figure of the reference. Needs {LEAST} outcomes of the reference in the log.",
        prefer=f"While outcomes are missing; {name} once they are there.",
        blind="Concept drift, which is why performance most often falls: if cases that look alike "
        f"turn out otherwise than they did, nothing of it shows here. Read estimated_{name}_error, "
        "which says how far it was off. Inside the reference it is fitted to itself.",
        source=_SOURCE,
    )
    error = Metric(
        name=f"estimated_{name}_error",
        title=f"Error of the estimated {low}",
        unit=Unit.RATIO,
        series="estimate_error",
        labels={"metric": name},
        family=Family.TRUTH,
        per=Per.MODEL,
        summaries=(Forecasts,),
        where=where,
        measure=_measure_error(figure, realised),
        beside=_grounds,
        ends=Ends.SAMPLING,
        null=0.0,
        least=30,
        says=f"estimated_{name} less {name} of the same window, as far as outcomes are known: "
        "above 0 the estimate was too good. An interval without 0 says that probabilities no "
        "longer mean what they meant in the reference (concept drift), or that the cases whose "
        "outcome is known are not like the others.",
        prefer=f"Beside estimated_{name}: an estimate that was far off in the last windows with "
        "outcomes is not to be trusted in the newest.",
        blind="Which of the two reasons it is, and windows without outcomes.",
        source=_SOURCE,
    )
    return estimate, error


def _every(_: Subject) -> bool:
    return True


def _has_two(subject: Subject) -> bool:
    return not subject.current.has(ClassScores)


_CELLS: Final = {
    True: f"{CELLS_OF_TWO} cells",
    False: f"{CELLS_OF_TWO} cells, with 3 to {MOST_CLASSES} classes {CELLS_OF_MANY} of each",
}

_SOURCE: Final = (
    "confidence-based performance estimation, as NannyML's CBPE: isotonic calibration by Zadrozny "
    "and Elkan (2002), KDD, 694, and the expected confusion matrix; interval by the delta method "
    "over outcomes and calibration, on the logit scale"
)

METRICS: Final = (
    *_metrics("accuracy", "Accuracy", _accuracy, performance.measure_accuracy),
    *_metrics(
        "precision", "Precision", _mean_of(expected.precision), classification.measure_precision
    ),
    *_metrics("recall", "Recall", _mean_of(expected.recall), classification.measure_recall),
    *_metrics("f1", "F1 score", _mean_of(expected.f1), classification.measure_f1),
    *_metrics("roc_auc", "Area under the ROC curve", _area, auc.measure),
)
