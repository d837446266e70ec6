"""Realised performance over weighted outcomes: that of all cases which a sample stands for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import of_means, student, wilson
from monitor.profiles.columns import WEIGHTED_CLASSES, WEIGHTED_ERRORS, WEIGHTS
from monitor.profiles.family import Family
from monitor.profiles.sums import Sums
from monitor.profiles.weighted import cell, named

Answer = Value | Undefined


@dataclass(frozen=True, slots=True)
class Weight:
    """Sums of the weights and of their squares over some rows."""

    sum: Fraction
    squares: Fraction

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(self.sum + other.sum, self.squares + other.squares)


NOTHING: Final = Weight(Fraction(0), Fraction(0))


def effective_rows(weight: Weight) -> float:
    """Rows of an even sample that would say as much; at most the rows that there are.

    Args:
        weight: of all rows, above 0.

    Source: Kish (1965), Survey Sampling, 11.7.
    """
    return float(weight.sum**2 / weight.squares)


def effective_pair(hits: Weight, rows: Weight) -> tuple[float, float]:
    """Hits and rows of an even sample with the same share and the same error of it.

    Where weights go with the outcome (negatives that were sampled less) Kish's number of rows is
    not that of the share; its own variance says how many there are. Kish's where there is none.

    Source: Korn and Graubard (1998), Survey Methodology 24, 193.
    """
    share = hits.sum / rows.sum
    others = rows.squares - hits.squares
    variance = (hits.squares * (1 - share) ** 2 + others * share**2) / rows.sum**2
    if 0 < share < 1 and variance > 0:
        effective = float(share * (1 - share) / variance)
    else:
        effective = effective_rows(rows)
    return float(share) * effective, effective


def _share(hits: Weight, rows: Weight) -> Value:
    found, of = effective_pair(hits, rows)
    value = float(hits.sum / rows.sum)
    lower, upper = wilson(found, of)
    return Value(value, int(of), min(lower, value), max(upper, value))


def _mean(pairs: Sequence[tuple[Weight, Weight]]) -> Value:
    """The plain mean of several shares."""
    value = math.fsum(float(hits.sum / rows.sum) for hits, rows in pairs) / len(pairs)
    effective = [effective_pair(*pair) for pair in pairs]
    lower, upper = of_means(effective)
    rows = int(sum(of for _, of in effective))
    return Value(value, rows, min(lower, value), max(upper, value))


@dataclass(frozen=True, slots=True)
class _Table:
    """Weights by prediction and label; the last of each is outside the contract."""

    cells: Sequence[Sequence[Weight]]
    classes: range

    def predicted(self, place: int) -> Weight:
        return sum(self.cells[place], NOTHING)

    def labelled(self, place: int) -> Weight:
        return sum((row[place] for row in self.cells), NOTHING)

    def both(self, place: int) -> Weight:
        return self.cells[place][place]

    def mean(self, of: Callable[[int], Weight]) -> Answer:
        pairs = [(self.both(j), of(j)) for j in self.classes if of(j).sum]
        return _mean(pairs) if pairs else Undefined("no row of positive weight has such a class")


def _sums(subject: Subject, column: str) -> Sums | Undefined:
    sums = subject.current.get(Sums, column)
    if sums.beyond:
        return Undefined(f"{sums.beyond} weights are too large to be added up")
    return sums if sums.rows else Undefined("no outcome has a weight")


def _table(subject: Subject) -> tuple[_Table, int | None] | Undefined:
    """The table, and the place of the positive class."""
    sums = _sums(subject, WEIGHTED_CLASSES)
    if isinstance(sums, Undefined):
        return sums
    k = int(sums.spec["classes"])
    cells = [
        [Weight(*(sums.of[name] for name in cell(p, y))) for y in range(k + 1)]
        for p in range(k + 1)
    ]
    table = _Table(cells, range(k))
    if not any(weight.sum for row in cells for weight in row):
        return Undefined("no row of positive weight has a label and a prediction")
    return table, sums.spec["positive"] if subject.positive is not None else None


def measure_accuracy(subject: Subject) -> Answer:
    found = _table(subject)
    if isinstance(found, Undefined):
        return found
    table, _ = found
    hits = sum((table.both(j) for j in table.classes), NOTHING)
    return _share(hits, sum((sum(row, NOTHING) for row in table.cells), NOTHING))


def measure_balanced(subject: Subject) -> Answer:
    found = _table(subject)
    if isinstance(found, Undefined):
        return found
    table, _ = found
    if sum(bool(table.labelled(j).sum) for j in table.classes) < 2:
        return Undefined("the labels are of fewer than two classes")
    return table.mean(table.labelled)


def measure_precision(subject: Subject) -> Answer:
    found = _table(subject)
    if isinstance(found, Undefined):
        return found
    table, positive = found
    return _one_or_mean(table, positive, table.predicted, "predicted")


def measure_recall(subject: Subject) -> Answer:
    found = _table(subject)
    if isinstance(found, Undefined):
        return found
    table, positive = found
    return _one_or_mean(table, positive, table.labelled, "labelled")


def _one_or_mean(
    table: _Table, positive: int | None, of: Callable[[int], Weight], what: str
) -> Answer:
    if positive is None:
        return table.mean(of)
    rows = of(positive)
    if not rows.sum:
        return Undefined(f"no row of positive weight is {what} positive")
    return _share(table.both(positive), rows)


def measure_f1(subject: Subject) -> Answer:
    found = _table(subject)
    if isinstance(found, Undefined):
        return found
    table, positive = found
    if positive is not None:
        return _f1(table, positive)
    each = [_f1(table, j) for j in table.classes]
    some = [one for one in each if isinstance(one, Value)]
    if not some:
        return Undefined("no row of positive weight has a class of the contract")
    return Value(math.fsum(one.value for one in some) / len(some), sum(one.rows for one in some))


def _f1(table: _Table, place: int) -> Answer:
    """The Jaccard index, which is a share, and its interval carried over."""
    both, one, other = table.both(place), table.predicted(place), table.labelled(place)
    either = Weight(one.sum + other.sum - both.sum, one.squares + other.squares - both.squares)
    if not either.sum:
        return Undefined("no row of positive weight is predicted or labelled positive")
    jaccard = _share(both, either)
    value, lower, upper = (
        2 * x / (1 + x) for x in (jaccard.value, jaccard.lower or 0.0, jaccard.upper or 0.0)
    )
    return Value(value, jaccard.rows, min(lower, value), max(upper, value))


def _weighted_mean(sums: Sums, what: str) -> tuple[Fraction, Fraction, float] | None:
    """Mean, squared standard error and effective rows; None without any weight."""
    w, w2, wx, w2x, w2x2 = (sums.of[name] for name in named(what))
    if not w:
        return None
    mean = wx / w
    return mean, (w2x2 - 2 * mean * w2x + mean * mean * w2) / w**2, effective_rows(Weight(w, w2))


def _loss(subject: Subject, column: str, what: str, least: float = -math.inf) -> Answer:
    """A weighted mean with Student's interval, in the unit of the prediction."""
    sums = _sums(subject, column)
    if isinstance(sums, Undefined):
        return sums
    found = _weighted_mean(sums, what)
    if found is None:
        return Undefined("no row of positive weight has what is needed")
    mean, variance, effective = found
    scale = float(sums.spec.get("scale", 1.0))
    value, rows = scale * float(mean), int(effective)
    if rows < 2 or variance <= 0:
        return Value(value, rows)
    spread = float(variance) * effective / (effective - 1)
    half = scale * student(rows - 1) * math.sqrt(spread)
    return Value(value, rows, max(value - half, least), value + half)


def measure_brier(subject: Subject) -> Answer:
    return _loss(subject, WEIGHTED_CLASSES, "brier", 0.0)


def measure_log_loss(subject: Subject) -> Answer:
    return _loss(subject, WEIGHTED_CLASSES, "log_loss", 0.0)


def measure_mae(subject: Subject) -> Answer:
    return _loss(subject, WEIGHTED_ERRORS, "absolute", 0.0)


def measure_bias(subject: Subject) -> Answer:
    return _loss(subject, WEIGHTED_ERRORS, "error")


def measure_rmse(subject: Subject) -> Answer:
    sums = _sums(subject, WEIGHTED_ERRORS)
    if isinstance(sums, Undefined):
        return sums
    found = _weighted_mean(sums, "square")
    if found is None:
        return Undefined("no row of positive weight has what is needed")
    mean, variance, effective = found
    value, rows = float(sums.spec["scale"]) * math.sqrt(mean), int(effective)
    if rows < 2 or variance <= 0 or not mean:
        return Value(value, rows)
    spread = float(variance / mean**2) * effective / (effective - 1)
    half = min(student(rows - 1) * math.sqrt(spread) / 2, 700.0)
    return Value(value, rows, value * math.exp(-half), value * math.exp(half))


def measure_effective(subject: Subject) -> Answer:
    sums = _sums(subject, WEIGHTS)
    if isinstance(sums, Undefined):
        return sums
    weight = Weight(sums.of["w"], sums.of["w2"])
    if not weight.sum:
        return Undefined("all weights are 0")
    return Value(effective_rows(weight), sums.rows)


_RATHER: Final = (
    "To {plain} where outcomes were sampled unevenly, such as all refusals but one approval in "
    "ten. {plain} where every case has its outcome."
)
_BLIND: Final = (
    "Whether the weights are right. An outcome without a weight counts as 1; one of weight 0 not "
    "at all."
)
_SAYS: Final = (
    "{what} with each outcome counted by its weight, so that a sample drawn unevenly speaks of "
    "all that it was drawn from. Its rows are those of an even sample with the same error."
)


def _metric(
    plain: str,
    title: str,
    measure: Callable[[Subject], Answer],
    column: str,
    source: str,
    series: tuple[Unit, str] = (Unit.RATIO, "performance"),
) -> Metric:
    return Metric(
        name=f"weighted_{plain}",
        title=f"{title} by weight",
        unit=series[0],
        series=series[1],
        labels={"metric": f"weighted_{plain}", "source": "labels"},
        family=Family.TRUTH,
        per=Per.MODEL,
        column=column,
        summaries=(Sums,),
        measure=measure,
        ends=Ends.SAMPLING,
        null=0.0 if series[0] is Unit.NUMBER or plain == "brier" else 1.0,
        least=30,
        says=_SAYS.format(what=title),
        prefer=_RATHER.format(plain=plain),
        blind=_BLIND,
        source=source,
    )


_WILSON: Final = (
    "as scikit-learn's {name} with sample_weight; Wilson (1927) with the effective rows of Korn "
    "and Graubard (1998), Survey Methodology 24, 193, for the interval"
)
_STUDENT: Final = (
    "as scikit-learn's {name} with sample_weight; linearised variance (Särndal et al., 1992, "
    "Model Assisted Survey Sampling, 5.7) with Student's quantile for the interval"
)
_LOSS: Final = (Unit.NUMBER, "performance_loss")
_ERROR: Final = (Unit.NUMBER, "performance_error")

EFFECTIVE: Final = Metric(
    name="effective_labels",
    title="Effective number of weighted labels",
    unit=Unit.NUMBER,
    series="effective_labels",
    family=Family.TRUTH,
    per=Per.MODEL,
    column=WEIGHTS,
    summaries=(Sums,),
    measure=measure_effective,
    null=None,
    least=1,
    says="How many evenly drawn outcomes would say as much as the weighted ones: the squared sum "
    "of the weights over the sum of their squares. Far below the labelled rows, a few heavy "
    "outcomes decide the weighted figures.",
    prefer="Before the weighted figures, to see whether they can be trusted.",
    blind="Whether weights go with the outcome, for which the figures' own rows are right.",
    source="Kish (1965), Survey Sampling, 11.7",
)

METRICS: Final = (
    EFFECTIVE,
    *(
        _metric(name, title, measure, WEIGHTED_CLASSES, _WILSON.format(name=of))
        for name, title, measure, of in (
            ("accuracy", "Accuracy", measure_accuracy, "accuracy_score"),
            ("balanced_accuracy", "Balanced accuracy", measure_balanced, "balanced_accuracy_score"),
            ("precision", "Precision", measure_precision, "precision_score"),
            ("recall", "Recall", measure_recall, "recall_score"),
            ("f1", "F1 score", measure_f1, "f1_score"),
        )
    ),
    _metric(
        *("brier", "Brier score", measure_brier, WEIGHTED_CLASSES),
        source=_STUDENT.format(name="brier_score_loss"),
    ),
    _metric(
        *("log_loss", "Log loss", measure_log_loss, WEIGHTED_CLASSES),
        source=_STUDENT.format(name="log_loss"),
        series=_LOSS,
    ),
    _metric(
        *("mae", "Mean absolute error", measure_mae, WEIGHTED_ERRORS),
        source=_STUDENT.format(name="mean_absolute_error"),
        series=_ERROR,
    ),
    _metric(
        *("rmse", "Root mean squared error", measure_rmse, WEIGHTED_ERRORS),
        source=_STUDENT.format(name="root_mean_squared_error"),
        series=_ERROR,
    ),
    _metric(
        *("mean_error", "Mean error", measure_bias, WEIGHTED_ERRORS),
        source="weighted mean of the differences; linearised variance with Student's quantile for "
        "the interval",
        series=_ERROR,
    ),
)
