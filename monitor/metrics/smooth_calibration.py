"""Calibration error without bins: smoothed as far as the error itself is large."""

from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.profiles.columns import CONFIDENCE
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.scores import Scores

_NARROW: Final = 1e-3
"""Least width of smoothing, that of a cell."""


def smoothed_error(residual: Floats, width: float) -> float:
    """The integral over [0, 1] of the absolute smoothed residual.

    Args:
        residual: right answers less confidence over all rows, summed in equal cells of the
            confidence, shape (k,).
        width: standard deviation of the Gaussian, which is reflected at 0 and 1.
    """
    k = len(residual)
    waves = np.fft.rfft(np.concatenate([residual, residual[::-1]]))
    # Cosines are the waves that reflection leaves alone; each is damped by itself.
    waves *= np.exp(-((np.pi * width * np.arange(k + 1)) ** 2) / 2)
    return float(np.abs(np.fft.irfft(waves, 2 * k)[:k]).sum())


def smooth_calibration_error(right: Ints, wrong: Ints) -> tuple[float, float]:
    """The error, and how far that of the raw confidences can lie from it; both in [0, 1].

    The error is the width at which the smoothed error equals the width. Each confidence counts
    as the middle of its cell. Moving one by d moves its residual by d and its smoothed image by
    at most d sqrt(2 / pi) / width, in area; and since the smoothed error only falls with the
    width, the widths at which it meets the line differ by no more than the errors do.

    Args:
        right: right answers per equal cell of the confidence, shape (k,) [rows].
        wrong: wrong answers, shape (k,), at least one row in all [rows].

    Source: Blasiok and Nakkiran (2023), Smooth ECE, section 3.
    """
    k = len(right)
    rows = right + wrong
    n = int(rows.sum())
    middle = (np.arange(k) + 0.5) / k
    residual = (right - rows * middle) / n
    low, high = _NARROW, 1.0
    while high - low > 1e-7:
        width = (low + high) / 2
        if smoothed_error(residual, width) > width:
            low = width
        else:
            high = width
    width = (low + high) / 2
    apart = 0.5 / k
    weight = float((right * (1 - middle) + wrong * middle).sum()) / n + apart
    # The last term is the error of adding up cells in the place of the integral.
    bound = apart * (1 + weight * np.sqrt(2 / np.pi) / width) + width * (1 / k / width) ** 2 / 12
    return width, float(min(bound, 1.0))


def measure(subject: Subject) -> Value | Undefined:
    cells = subject.current.get(Scores, CONFIDENCE)
    if not cells.rows:
        return Undefined("no labels yet, or no prediction has a confidence")
    error, bound = smooth_calibration_error(cells.positives, cells.negatives)
    return Value(error, cells.rows, max(error - bound, 0.0), min(error + bound, 1.0))


METRIC: Final = Metric(
    name="smooth_calibration_error",
    title="Smooth calibration error",
    unit=Unit.RATIO,
    series="calibration_error",
    labels={"method": "smooth_ece"},
    family=Family.TRUTH,
    per=Per.MODEL,
    column=CONFIDENCE,
    summaries=(Scores,),
    measure=measure,
    ends=Ends.BINNING,
    null=0.0,
    least=100,
    says="How far the confidence lies from the share of right answers, with the confidence "
    "smoothed by a Gaussian that is as wide as the error itself. Counted over 1,000 cells of the "
    "confidence; the ends are what the raw confidences can give. A calibrated model is never "
    "seen at 0: with 1,000 rows expect about 0.02.",
    prefer="To calibration_error, whose value jumps when a confidence crosses the edge of a bin. "
    "Of all rows only: segments keep no cells.",
    blind="Which way the error goes: see overconfidence and underconfidence.",
    source="Blasiok and Nakkiran (2023), Smooth ECE: Principled Reliability Diagrams via Kernel "
    "Smoothing, section 3",
)
