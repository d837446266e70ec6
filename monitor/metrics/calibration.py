"""Expected calibration error."""

import numpy as np

from monitor.metrics.base import Metric, Per, Subject, Undefined, Unit, Value, Worse
from monitor.profiles.calibration import Calibration
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats, Ints


def expected_calibration_error(correct: Ints, total: Ints, confidence: Floats) -> float:
    """Mean gap between confidence and accuracy, weighted by bin size.

    Args:
        correct: right answers per confidence bin, shape (k,) [rows].
        total: answers per bin, shape (k,), at least one positive [rows].
        confidence: sum of the confidences per bin, shape (k,).

    Returns:
        A number in [0, 1]; 0 for a calibrated model.

    >>> round(expected_calibration_error(np.array([1, 9]), np.array([2, 10]), np.array([1, 8])), 4)
    0.0833

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, eq. 3.
    """
    return float(np.abs(correct - confidence).sum() / total.sum())


def measure(subject: Subject) -> Value | Undefined:
    bins = subject.current.get(Calibration)
    if not bins.rows:
        return Undefined("no labels yet, or no prediction has a confidence")
    return Value(expected_calibration_error(bins.correct, bins.total, bins.confidence), bins.rows)


METRIC = Metric(
    name="calibration_error",
    title="Expected calibration error",
    unit=Unit.RATIO,
    series="calibration_error",
    labels={"method": "ece"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Calibration,),
    measure=measure,
    null=0.0,
    worse=Worse.FURTHER,
    least=100,
    says="How far the confidence lies from the share of right answers, averaged over ten equal "
    "bins of confidence: 0.1 means ten points too sure or too unsure. A calibrated model is "
    "never seen at 0: with accuracy a and n rows over k filled bins it shows up to "
    "0.8 sqrt(k a (1 - a) / n), 0.03 for a = 0.8, k = 10 and n = 1,000. No interval: it would be "
    "wrong near 0, where good models are.",
    prefer="The best known one, to compare with what others report. smooth_calibration_error does "
    "not depend on bins, confidence_gap has an interval.",
    blind="Gaps that cancel within a tenth, and which way they go: see overconfidence.",
    source="Guo et al. (2017), On Calibration of Modern Neural Networks, eq. 3",
)
