"""Realised performance of predicted numbers: errors, and what share of the spread they leave."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.metrics.intervals import Z, student
from monitor.profiles.columns import ERRORS
from monitor.profiles.family import Family
from monitor.profiles.layout import Summary
from monitor.profiles.magnitudes import Magnitudes
from monitor.profiles.sums import Sums


def _sums(subject: Subject) -> Sums | Undefined:
    sums = subject.current.get(Sums, ERRORS)
    if sums.beyond:
        noun = "row lies" if sums.beyond == 1 else "rows lie"
        why = f"{sums.beyond} {noun} too far out to be added up; check the unit of the label"
        return Undefined(why)
    return sums if sums.rows else Undefined("no labels yet, or no prediction has a number")


def _mean_value(sums: Sums, total: str, squares: str) -> Value:
    """A mean in the unit of the prediction, with Student's interval where rows differ."""
    n, scale = sums.rows, float(sums.spec["scale"])
    mean = sums.of[total] / n
    # Exact until here, so that a constant error has no spread, and not a small one.
    spread = sums.of[squares] / n - mean * mean
    value = scale * float(mean)
    if n < 2 or spread <= 0:
        return Value(value, n)
    half = scale * student(n - 1) * math.sqrt(float(spread) / (n - 1))
    return Value(value, n, value - half, value + half)


def measure_mae(subject: Subject) -> Value | Undefined:
    sums = _sums(subject)
    if isinstance(sums, Undefined):
        return sums
    found = _mean_value(sums, "absolute", "square")
    if found.lower is None:
        return found
    return Value(found.value, found.rows, max(found.lower, 0.0), found.upper)


def measure_bias(subject: Subject) -> Value | Undefined:
    sums = _sums(subject)
    return sums if isinstance(sums, Undefined) else _mean_value(sums, "error", "square")


def measure_rmse(subject: Subject) -> Value | Undefined:
    sums = _sums(subject)
    if isinstance(sums, Undefined):
        return sums
    n, scale = sums.rows, float(sums.spec["scale"])
    mean = sums.of["square"] / n
    value = scale * math.sqrt(mean)
    spread = sums.of["fourth"] / n - mean * mean
    if n < 2 or spread <= 0 or not mean:
        return Value(value, n)
    # On the scale of logarithms, where the mean of skewed squares is nearly normal.
    half = student(n - 1) * math.sqrt(float(spread / (mean * mean)) / (n - 1)) / 2
    return Value(value, n, value * math.exp(-half), value * math.exp(min(half, 700.0)))


def measure_r2(subject: Subject) -> Value | Undefined:
    sums = _sums(subject)
    if isinstance(sums, Undefined):
        return sums
    n, of = sums.rows, {name: total / sums.rows for name, total in sums.of.items()}
    centre, left = of["label"], of["square"]
    spread = of["label2"] - centre * centre
    if spread <= 0:
        return Undefined("the labels are all the same, so that there is no spread to explain")
    value = 1 - float(left / spread)
    if not left or n < 3:
        return Value(value, n)
    # Of e2 / left - (y - centre)2 / spread, whose mean is 0.
    fourth = of["label4"] - 4 * centre * of["label3"] + 6 * centre**2 * of["label2"]
    fourth -= 3 * centre**4
    both = of["square_label2"] - 2 * centre * of["square_label"] + centre**2 * left
    variance = of["fourth"] / left**2 - 2 * both / (left * spread) + fourth / spread**2
    if variance <= 0:
        return Value(value, n)
    half = student(n - 1) * math.sqrt(float(variance) / (n - 1))
    lower, upper = (1 - (1 - value) * math.exp(min(s * half, 700.0)) for s in (1, -1))
    return Value(value, n, min(lower, value), max(upper, value))


def quantile(sizes: Magnitudes, share: float) -> Value:
    """A quantile of the absolute errors, somewhere in its cell, with its interval.

    The value is the middle of its cell on the scale of logarithms. The ends are those of the
    cells in which the ranks of the interval lie, so that they hold for any distribution.

    Args:
        sizes: with at least one row.
        share: of the rows that are not larger, in (0, 1).

    Source: Conover (1999), Practical Nonparametric Statistics, 3rd edition, 3.2, for the ranks.
    """
    n = sizes.rows
    reached = np.cumsum(sizes.counts)
    half = Z * math.sqrt(n * share * (1 - share))

    def cell(rank: float) -> int:
        return int(np.searchsorted(reached, min(max(math.ceil(rank), 1), n)))

    starts = np.concatenate([[0.0], sizes.edges])
    ends = np.concatenate([sizes.edges, sizes.edges[-1:] * 2])
    at = cell(n * share)
    middle = float(math.sqrt(starts[at] * ends[at]))
    lower, upper = starts[cell(n * share - half)], ends[cell(n * share + half)]
    return Value(middle, n, min(float(lower), middle), max(float(upper), middle))


def _quantile(subject: Subject, share: float) -> Value | Undefined:
    sums = _sums(subject)
    if isinstance(sums, Undefined):
        return sums
    return quantile(subject.current.get(Magnitudes, ERRORS), share)


def measure_median(subject: Subject) -> Value | Undefined:
    return _quantile(subject, 0.5)


def measure_tail(subject: Subject) -> Value | Undefined:
    return _quantile(subject, 0.9)


def _metric(
    name: str,
    title: str,
    measure: Callable[[Subject], Value | Undefined],
    *,
    says: str,
    prefer: str,
    blind: str,
    source: str,
    summary: type[Summary] = Sums,
) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit=Unit.NUMBER,
        series="performance_error",
        labels={"metric": name, "source": "labels"},
        family=Family.TRUTH,
        per=Per.MODEL,
        column=ERRORS,
        summaries=(summary,),
        measure=measure,
        ends=Ends.SAMPLING if summary is Sums else Ends.BOTH,
        null=0.0,
        worse=Worse.FURTHER,
        least=30,
        says=says,
        prefer=prefer,
        blind=blind,
        source=source,
    )


MAE: Final = _metric(
    "mae",
    "Mean absolute error",
    measure_mae,
    says="How far predictions of a number lie from what came true, on average, in its unit.",
    prefer="To rmse where a large error costs in proportion; absolute_error_median where a few "
    "wild labels must not count.",
    blind="Which way the errors go: see mean_error.",
    source="as scikit-learn's mean_absolute_error, from exact sums; Student (1908) for the "
    "interval",
)

RMSE: Final = _metric(
    "rmse",
    "Root mean squared error",
    measure_rmse,
    says="Root of the mean squared distance of predictions from what came true, in the unit of "
    "the number. It is at least mae; far above it, a few errors are large.",
    prefer="To mae where a large error costs more than in proportion.",
    blind="Which way the errors go: see mean_error. One wild label can decide it.",
    source="as scikit-learn's root_mean_squared_error, from exact sums; delta method on the scale "
    "of logarithms for the interval",
)

BIAS: Final = _metric(
    "mean_error",
    "Mean error",
    measure_bias,
    says="Prediction less what came true, on average, in the unit of the number: above 0 the "
    "model predicts too much.",
    prefer="First: a shift is what most often goes wrong, and what is most easily mended.",
    blind="Errors that cancel: see mae.",
    source="mean of the differences, from exact sums; Student (1908) for the interval",
)

R2: Final = Metric(
    name="r2",
    title="Explained share of the variance",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "r2", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    column=ERRORS,
    summaries=(Sums,),
    measure=measure_r2,
    ends=Ends.SAMPLING,
    null=1.0,
    least=30,
    says="1 less the squared errors over those of always predicting the mean label of the window: "
    "1 is perfect, 0 as good as that mean, below 0 worse.",
    prefer="To compare windows or models whose numbers spread differently.",
    blind="The size of the errors: it falls when labels vary less, with the same errors. Compare "
    "rmse.",
    source="as scikit-learn's r2_score, from exact sums; delta method on the scale of logarithms "
    "of 1 - R2 for the interval",
)

MEDIAN: Final = _metric(
    "absolute_error_median",
    "Median absolute error",
    measure_median,
    says="Half of the predictions lie no further from what came true than this. Counted over "
    "cells that each end 9 % above their begin, so the value is known to 5 %; the interval is "
    "widened by that. Of all rows only: segments keep no cells.",
    prefer="To mae where labels may be wild.",
    blind="The other half: see absolute_error_p90.",
    source="as scikit-learn's median_absolute_error; Conover (1999), Practical Nonparametric "
    "Statistics, 3.2, for the interval",
    summary=Magnitudes,
)

TAIL: Final = _metric(
    "absolute_error_p90",
    "Absolute error of nine in ten",
    measure_tail,
    says="Nine in ten predictions lie no further from what came true than this. Counted as "
    "absolute_error_median is.",
    prefer="To rmse for a promise that people understand.",
    blind="The last tenth.",
    source="quantile of the absolute errors; Conover (1999), Practical Nonparametric Statistics, "
    "3.2, for the interval",
    summary=Magnitudes,
)

METRICS: Final = (MAE, RMSE, BIAS, R2, MEDIAN, TAIL)
