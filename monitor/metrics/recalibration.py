"""The straight line, on the scale of log odds, that would mend the probabilities."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import Z
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.reliability import Reliability

NEAREST: Final = 1e-6
"""A mean probability nearer to 0 or 1 counts as this, for its odds have no logarithm there."""

_STEPS: Final = 50
_SMALL: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Fit:
    """An estimate with its standard error, which holds also where no straight line is true.

    Source: Huber (1967), Fifth Berkeley Symposium 1, 221.
    """

    value: float
    error: float


def _expit(x: Floats) -> Floats:
    # tanh cannot overflow.
    result: Floats = 0.5 + 0.5 * np.tanh(x / 2)
    return result


def slope(x: Floats, rows: Ints, positives: Ints) -> Fit | None:
    """Coefficient b of logit P(y = 1) = a + b x by maximum likelihood; None if there is none.

    Args:
        x: log odds that were said, shape (k,).
        rows: at each, shape (k,), at least one [rows].
        positives: of them, shape (k,) [rows].
    """
    hits, n = int(positives.sum()), int(rows.sum())
    if not 0 < hits < n or len(x) < 2 or _are_parted(x[positives < rows], x[positives > 0]):
        return None
    design = np.stack([np.ones(len(x)), x])
    at = np.array([math.log(hits / (n - hits)), 0.0])
    best = _likelihood(design, at, rows, positives)
    for _ in range(_STEPS):
        mean = _expit(at @ design)
        curvature = (design * (rows * mean * (1 - mean))) @ design.T
        try:
            step = np.linalg.solve(curvature, design @ (positives - rows * mean))
        except np.linalg.LinAlgError:
            return None
        # Newton's step may overshoot far from the best: then half of it.
        while (now := _likelihood(design, at + step, rows, positives)) < best - 1e-9 * abs(best):
            step = step / 2
        at, best = at + step, now
        if np.abs(step).max() < 1e-9:
            # As a sum of squares, which cannot round below 0.
            influence = (np.linalg.inv(curvature) @ design)[1]
            spread = _surprise(_expit(at @ design), rows, positives)
            return Fit(float(at[1]), math.sqrt(float((influence**2 * spread).sum())))
    return None


def _are_parted(negatives: Floats, positives: Floats) -> bool:
    """Whether a threshold parts the classes: the steeper the line the better, without end.

    Source: Albert and Anderson (1984), Biometrika 71, 1.
    """
    return bool(negatives.max() <= positives.min() or positives.max() <= negatives.min())


def _surprise(mean: Floats, rows: Ints, positives: Ints) -> Floats:
    """Sum over the rows of the squared distance of the outcome from its mean, shape (k,)."""
    result: Floats = positives * (1 - mean) ** 2 + (rows - positives) * mean**2
    return result


def _likelihood(design: Floats, at: Floats, rows: Ints, positives: Ints) -> float:
    line = at @ design
    return float((positives * line - rows * np.logaddexp(0, line)).sum())


def intercept(x: Floats, rows: Ints, positives: Ints) -> Fit | None:
    """The a of logit P(y = 1) = a + x by maximum likelihood; None where all or none came true.

    Args:
        x: log odds that were said, shape (k,).
        rows: at each, shape (k,), at least one [rows].
        positives: of them, shape (k,) [rows].
    """
    hits, n = int(positives.sum()), int(rows.sum())
    if not 0 < hits < n:
        return None
    # The expected hits grow with a; the answer lies where a alone would put the base rate.
    base = math.log(hits / (n - hits))
    low, high = base - float(x.max()), base - float(x.min())
    for _ in range(200):
        middle = (low + high) / 2
        if float((rows * _expit(middle + x)).sum()) < hits:
            low = middle
        else:
            high = middle
        if high - low < _SMALL:
            break
    a = (low + high) / 2
    mean = _expit(a + x)
    curvature = float((rows * mean * (1 - mean)).sum())
    return Fit(a, math.sqrt(float(_surprise(mean, rows, positives).sum())) / curvature)


def _said(subject: Subject) -> tuple[Floats, Ints, Ints] | Undefined:
    """Log odds of the mean probability of each filled cell, its rows and its positives."""
    cells = subject.current.get(Reliability)
    if not cells.rows:
        return Undefined("no labels yet, or no prediction has probabilities")
    hits = int(cells.positives.sum())
    if not 0 < hits < cells.rows:
        return Undefined("the labels are all of one class")
    some = cells.total > 0
    mean = np.clip(cells.probability[some] / cells.total[some], NEAREST, 1 - NEAREST)
    return np.log(mean / (1 - mean)), cells.total[some], cells.positives[some]


def measure_slope(subject: Subject) -> Value | Undefined:
    said = _said(subject)
    if isinstance(said, Undefined):
        return said
    if len(said[0]) < 2:
        return Undefined("all probabilities are about the same")
    return _value(slope(*said), int(said[1].sum()))


def measure_intercept(subject: Subject) -> Value | Undefined:
    said = _said(subject)
    if isinstance(said, Undefined):
        return said
    return _value(intercept(*said), int(said[1].sum()))


def _value(fit: Fit | None, rows: int) -> Value | Undefined:
    if fit is None:
        return Undefined("a threshold of the probability parts the classes, so no line is best")
    return Value(fit.value, rows, fit.value - Z * fit.error, fit.value + Z * fit.error)


SLOPE: Final = Metric(
    name="calibration_slope",
    title="Calibration slope",
    unit=Unit.NUMBER,
    series="calibration_slope",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Reliability,),
    measure=measure_slope,
    ends=Ends.SAMPLING,
    null=1.0,
    least=100,
    says="The b of log odds = a + b x log odds that were said, fitted to what came true: 1 is "
    "calibrated, below 1 the probabilities are too extreme (as of an overfitted model), above 1 "
    "too timid. Fitted to 90 cells of the probability, each at its own mean, which moves it from "
    "that of the raw rows by far less than its interval.",
    prefer="To calibration_error to learn what to do: it is the slope by which to recalibrate. "
    "calibration_intercept for a shift of all probabilities.",
    blind="Anything that is no straight line on this scale: gaps that cancel. See "
    "smooth_calibration_error.",
    source="Cox (1958), Biometrika 45, 562; Van Calster et al. (2016), Journal of Clinical "
    "Epidemiology 74, 167; interval with the standard error of Huber (1967)",
)

INTERCEPT: Final = Metric(
    name="calibration_intercept",
    title="Calibration in the large",
    unit=Unit.NUMBER,
    series="calibration_intercept",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Reliability,),
    measure=measure_intercept,
    ends=Ends.SAMPLING,
    null=0.0,
    least=100,
    says="What to add to all log odds so that as many positives are expected as came true: 0 is "
    "right, above 0 the probabilities were too low, below 0 too high; 0.7 doubles the odds.",
    prefer="First, when the base rate may have moved. calibration_slope for probabilities that "
    "are too extreme or too timid.",
    blind="Errors that cancel between low and high probabilities.",
    source="Cox (1958), Biometrika 45, 562; Van Calster et al. (2016), Journal of Clinical "
    "Epidemiology 74, 167, with the slope held at 1; interval with the standard error of Huber "
    "(1967)",
)

METRICS: Final = (SLOPE, INTERCEPT)
