"""Realised performance by class: precision, recall, F1, specificity, balanced accuracy."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Measured, Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.metrics.intervals import logit_interval, of_means, wilson
from monitor.profiles.confusion import Confusion
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints
from monitor.profiles.tallies import Tallies

MOST_CLASSES: Final = 20
"""With more classes there are no figures per class."""

_LEAST: Final = 10

Pair = tuple[int, int]
"""Hits and rows."""


def f1_of(both: int, either: int) -> Value:
    """2 both / (both + either), with the interval of both / either carried over.

    F1 = 2 J / (1 + J) grows with J, the share of the rows predicted or labelled with a class
    that are both, and J is a share of independent rows.

    Args:
        both: rows predicted and labelled with the class [rows].
        either: rows predicted or labelled with it, at least one [rows].

    Source: Jaccard (1912) and Dice (1945) for the two, Wilson (1927) for the interval.
    """
    score = 2 * both / (both + either)
    lower, upper = (2 * end / (1 + end) for end in wilson(both, either))
    return Value(score, either, min(lower, score), max(upper, score))


def macro_f1(table: Ints) -> tuple[float, float]:
    """Mean F1 over the classes that occur, and its standard error.

    Args:
        table: prediction by label, shape (k + 1, k + 1), the last row and column for others.

    Source: Takahashi et al. (2022), Applied Intelligence 52, 4961, for the error by the delta
    method; the mean as scikit-learn's `f1_score(average="macro")`.
    """
    k = len(table) - 1
    ends = (table.sum(axis=1) + table.sum(axis=0))[:k].astype(np.float64)
    present = np.flatnonzero(ends)
    hits = 2 * table.diagonal()[:k]
    each = np.zeros(k)
    each[present] = hits[present] / ends[present]
    # What one more row of each cell adds to the sum of the classes' F1, times the rows.
    slope = np.zeros(k + 1)
    slope[present] = each[present] / ends[present]
    change = -(slope[:, None] + slope[None, :])
    change[present, present] += 2 / ends[present]
    variance = float((table * change**2).sum())
    return float(each[present].mean()), math.sqrt(variance) / len(present)


def _tallies(subject: Subject) -> Tallies | Undefined:
    found = Tallies.of(subject.current)
    return found if found.rows else Undefined("no labels yet")


def _correct_of(tallies: Tallies, rows: Ints) -> list[Pair]:
    """Right rows and rows of each declared class that has some."""
    pairs = zip(tallies.correct[:-1].tolist(), rows[:-1].tolist(), strict=True)
    return [pair for pair in pairs if pair[1]]


def _share(hits: int, rows: int) -> Value:
    return Value(hits / rows, rows, *wilson(hits, rows))


def _mean(pairs: Sequence[Pair], rows: int) -> Value:
    mean = math.fsum(hits / of for hits, of in pairs) / len(pairs)
    lower, upper = of_means(pairs)
    return Value(mean, rows, min(lower, mean), max(upper, mean))


def measure_balanced(subject: Subject) -> Value | Undefined:
    tallies = _tallies(subject)
    if isinstance(tallies, Undefined):
        return tallies
    pairs = _correct_of(tallies, tallies.labelled)
    if len(pairs) < 2:
        return Undefined("the labels are of fewer than two classes")
    return _mean(pairs, sum(rows for _, rows in pairs))


def measure_precision(subject: Subject) -> Value | Undefined:
    return _one_or_mean(subject, lambda tallies: tallies.predicted, "predicted")


def measure_recall(subject: Subject) -> Value | Undefined:
    return _one_or_mean(subject, lambda tallies: tallies.labelled, "labelled")


def _one_or_mean(subject: Subject, of: Callable[[Tallies], Ints], what: str) -> Value | Undefined:
    """Of the positive class; without one the mean over the classes."""
    tallies = _tallies(subject)
    if isinstance(tallies, Undefined):
        return tallies
    rows = of(tallies)
    if subject.positive is not None:
        return _of_class(tallies, rows, subject.positive, what)
    pairs = _correct_of(tallies, rows)
    if not pairs:
        return Undefined(f"no row is {what} with a class of the contract")
    return _mean(pairs, sum(of for _, of in pairs))


def _of_class(tallies: Tallies, rows: Ints, name: str, what: str) -> Value | Undefined:
    at = tallies.classes.index(name)
    if not rows[at]:
        return Undefined(f"no row is {what} {name}")
    return _share(int(tallies.correct[at]), int(rows[at]))


def measure_specificity(subject: Subject) -> Value | Undefined:
    tallies = _tallies(subject)
    if isinstance(tallies, Undefined):
        return tallies
    if subject.positive is None:
        return Undefined("specificity needs two classes, one of them positive")
    at = tallies.classes.index(subject.positive)
    negatives = int(tallies.labelled[1 - at])
    if not negatives:
        return Undefined(f"no row is labelled {tallies.classes[1 - at]}")
    table = subject.current.get(Confusion)
    return _share(negatives - int(table.counts[at, 1 - at]), negatives)


def measure_f1(subject: Subject) -> Value | Undefined:
    tallies = _tallies(subject)
    if isinstance(tallies, Undefined):
        return tallies
    if subject.positive is not None:
        return _f1_of_class(tallies, subject.positive)
    ends = (tallies.predicted + tallies.labelled)[:-1]
    present = ends > 0
    if not present.any():
        return Undefined("no row is predicted or labelled with a class of the contract")
    if not subject.current.has(Confusion):
        mean = float((2 * tallies.correct[:-1][present] / ends[present]).mean())
        return Value(mean, tallies.rows)
    mean, error = macro_f1(subject.current.get(Confusion).counts)
    return Value(mean, tallies.rows, *(logit_interval(mean, error) or (None, None)))


def _f1_of_class(tallies: Tallies, name: str) -> Value | Undefined:
    at = tallies.classes.index(name)
    both = int(tallies.correct[at])
    either = int(tallies.predicted[at] + tallies.labelled[at]) - both
    return f1_of(both, either) if either else Undefined(f"no row is predicted or labelled {name}")


def _by_class(
    subject: Subject, of: Callable[[Tallies, str], Value | Undefined]
) -> Mapping[str, Value | Undefined]:
    """A figure for each class; two of them are one and its opposite, and have none."""
    tallies = Tallies.of(subject.current)
    if not 2 < len(tallies.classes) <= MOST_CLASSES:
        return {}
    if not tallies.rows:
        return dict.fromkeys(tallies.classes, Undefined("no labels yet"))
    return {name: of(tallies, name) for name in tallies.classes}


def measure_class_precision(subject: Subject) -> Measured:
    return _by_class(subject, lambda t, name: _of_class(t, t.predicted, name, "predicted"))


def measure_class_recall(subject: Subject) -> Measured:
    return _by_class(subject, lambda t, name: _of_class(t, t.labelled, name, "labelled"))


def measure_class_f1(subject: Subject) -> Measured:
    return _by_class(subject, _f1_of_class)


def _metric(
    name: str,
    title: str,
    measure: Callable[[Subject], Measured],
    *,
    says: str,
    prefer: str,
    blind: str,
    source: str,
) -> Metric:
    is_of_class = name.startswith("class_")
    return Metric(
        name=name,
        title=title,
        unit=Unit.RATIO,
        series="class_performance" if is_of_class else "performance",
        labels={"metric": name.removeprefix("class_"), "source": "labels"},
        family=Family.TRUTH,
        per=Per.CLASS if is_of_class else Per.MODEL,
        summaries=(Confusion, Tallies),
        measure=measure,
        ends=Ends.SAMPLING,
        null=1.0,
        worse=Worse.LOWER,
        least=_LEAST,
        says=says,
        prefer=prefer,
        blind=blind,
        source=source,
    )


BALANCED: Final = _metric(
    "balanced_accuracy",
    "Balanced accuracy",
    measure_balanced,
    says="Mean over the classes of the share of their cases that were recognised; chance gives 1 "
    "over the number of classes, however common each is. Classes without a label in the window "
    "are left out, and so are labels outside the contract.",
    prefer="To accuracy where a class is rare; roc_auc where the threshold is not fixed.",
    blind="How common each class is, and so how many cases are wrong in all. A class with few "
    "labels makes the interval wide.",
    source="Brodersen et al. (2010), ICPR, 3121, as scikit-learn's balanced_accuracy_score; "
    "Wilson's intervals of the classes joined as by Newcombe (1998), method 10",
)

PRECISION: Final = _metric(
    "precision",
    "Precision",
    measure_precision,
    says="With two classes the share of the cases predicted positive that were; with more the "
    "mean of this share over the classes that were predicted (macro). Its rows are the cases "
    "predicted so.",
    prefer="What a positive costs when it is wrong; recall for what a missed one costs. It falls "
    "when the positive class becomes rarer, with the same model: compare roc_auc.",
    blind="Missed positives. A class that is never predicted is in no mean: see class_recall.",
    source="scikit-learn's precision_score, for several classes with average macro and "
    "zero_division nan; Wilson (1927), joined as by Newcombe (1998), for the interval",
)

RECALL: Final = _metric(
    "recall",
    "Recall",
    measure_recall,
    says="With two classes the share of the truly positive cases that were predicted so "
    "(sensitivity); with more the mean of this share over the classes that have labels (macro), "
    "which is balanced_accuracy. Its rows are the cases labelled so.",
    prefer="What a missed positive costs; precision for false alarms, specificity for its mirror.",
    blind="False alarms: predicting everything positive gives 1. Needs the outcome of cases that "
    "were predicted negative, which is often never learnt.",
    source="scikit-learn's recall_score, for several classes with average macro and "
    "zero_division nan; Wilson (1927), joined as by Newcombe (1998), for the interval",
)

F1: Final = _metric(
    "f1",
    "F1 score",
    measure_f1,
    says="Harmonic mean of precision and recall: with two classes of the positive one, with more "
    "the mean over the classes that were predicted or labelled (macro). Its rows are the cases "
    "predicted or labelled positive, with several classes all. No interval for more than 100 "
    "classes, nor where no case is wrong or none is right.",
    prefer="One number where both kinds of error count; precision and recall to see which moved.",
    blind="Rightly refused negatives, of which there may be any number. It depends on how common "
    "the positive class is.",
    source="van Rijsbergen (1979), as scikit-learn's f1_score; Wilson (1927) of the Jaccard index "
    "for two classes, Takahashi et al. (2022), Applied Intelligence 52, 4961, on the logit scale "
    "for more",
)

SPECIFICITY: Final = _metric(
    "specificity",
    "Specificity",
    measure_specificity,
    says="Share of the truly negative cases that were not predicted positive; 1 less the rate of "
    "false positives. Of two classes only.",
    prefer="Beside recall, which is the same of the positive class.",
    blind="Missed positives; predicting everything negative gives 1.",
    source="Yerushalmy (1947), Public Health Reports 62, 1432; Wilson (1927) for the interval",
)

CLASS_PRECISION: Final = _metric(
    "class_precision",
    "Precision by class",
    measure_class_precision,
    says="Share of the cases predicted as a class that were of it. For 3 to 20 classes.",
    prefer="To precision, its mean, to see which class moved.",
    blind="Cases of the class that were predicted as another: see class_recall.",
    source="scikit-learn's precision_score with average None; Wilson (1927) for the interval",
)

CLASS_RECALL: Final = _metric(
    "class_recall",
    "Recall by class",
    measure_class_recall,
    says="Share of the cases of a class that were predicted so. For 3 to 20 classes.",
    prefer="To balanced_accuracy, its mean, to see which class moved.",
    blind="Cases of other classes that were predicted as this one: see class_precision.",
    source="scikit-learn's recall_score with average None; Wilson (1927) for the interval",
)

CLASS_F1: Final = _metric(
    "class_f1",
    "F1 score by class",
    measure_class_f1,
    says="Harmonic mean of the precision and the recall of a class. For 3 to 20 classes.",
    prefer="To f1, its mean, to see which class moved.",
    blind="Which of the two moved: see class_precision and class_recall.",
    source="scikit-learn's f1_score with average None; Wilson (1927) of the Jaccard index for the "
    "interval",
)

METRICS: Final = (
    *(BALANCED, PRECISION, RECALL, F1, SPECIFICITY),
    *(CLASS_PRECISION, CLASS_RECALL, CLASS_F1),
)
