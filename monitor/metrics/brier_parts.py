"""The Brier score in three parts: reliability, resolution, uncertainty."""

from dataclasses import dataclass
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import wilson
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.losses import Losses
from monitor.profiles.reliability import Reliability


@dataclass(frozen=True, slots=True)
class Parts:
    """The score is reliability - resolution + uncertainty, exactly.

    Attributes:
        reliability: squared distance of the share of positives from the mean probability,
            averaged over the bins by their rows, in [0, 1].
        resolution: what is left, so that the sum holds. That of Murphy, the variance of the
            bins' shares, less the variance of the probabilities within bins, plus twice their
            covariance with the outcome. May be slightly negative.
        uncertainty: variance of the outcome, in [0, 0.25].
    """

    reliability: float
    resolution: float
    uncertainty: float


def brier_parts(brier: float, total: Ints, positives: Ints, probability: Floats) -> Parts:
    """The parts of a Brier score.

    Args:
        brier: the mean squared error over the raw rows.
        total: rows per bin of the probability, shape (k,), at least one positive [rows].
        positives: positive rows per bin, shape (k,) [rows].
        probability: sum of the probabilities per bin, shape (k,).

    >>> brier_parts(0.25, np.array([2, 2]), np.array([0, 2]), np.array([1.0, 1.0]))
    Parts(reliability=0.25, resolution=0.25, uncertainty=0.25)

    Source: Murphy (1973), Journal of Applied Meteorology 12, 595; Stephenson, Coelho and Jolliffe
    (2008), Weather and Forecasting 23, 752, for the terms within bins.
    """
    filled = total > 0
    gaps = (probability - positives)[filled] ** 2 / total[filled]
    rows = int(total.sum())
    base = int(positives.sum()) / rows
    reliability, uncertainty = float(gaps.sum()) / rows, base * (1 - base)
    return Parts(reliability, reliability + uncertainty - brier, uncertainty)


def _parts(subject: Subject) -> tuple[Parts, Reliability] | Undefined:
    cells = subject.current.get(Reliability).by_tenth()
    if not cells.rows:
        return Undefined("no labels yet, or no prediction has probabilities")
    brier = subject.current.get(Losses).sums["brier"] / cells.rows
    return brier_parts(brier, cells.total, cells.positives, cells.probability), cells


def measure_reliability(subject: Subject) -> Value | Undefined:
    found = _parts(subject)
    return found if isinstance(found, Undefined) else Value(found[0].reliability, found[1].rows)


def measure_resolution(subject: Subject) -> Value | Undefined:
    found = _parts(subject)
    return found if isinstance(found, Undefined) else Value(found[0].resolution, found[1].rows)


def measure_uncertainty(subject: Subject) -> Value | Undefined:
    found = _parts(subject)
    if isinstance(found, Undefined):
        return found
    parts, cells = found
    ends = wilson(int(cells.positives.sum()), cells.rows)
    spreads = [end * (1 - end) for end in ends]
    upper = 0.25 if ends[0] <= 0.5 <= ends[1] else max(spreads)
    value = parts.uncertainty
    return Value(value, cells.rows, min(*spreads, value), max(upper, value))


_SOURCE: Final = (
    "Murphy (1973), Journal of Applied Meteorology 12, 595, over ten equal bins of the "
    "probability; Stephenson, Coelho and Jolliffe (2008), Weather and Forecasting 23, 752"
)

RELIABILITY: Final = Metric(
    name="brier_reliability",
    title="Reliability part of the Brier score",
    unit=Unit.RATIO,
    series="brier_part",
    labels={"part": "reliability"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Reliability,),
    measure=measure_reliability,
    null=0.0,
    least=100,
    says="How much of the Brier score comes from probabilities that are off: the squared "
    "distance of the share of positives from the mean probability, over ten equal bins. A "
    "calibrated model is never seen at 0: expect about the mean of p (1 - p), times the filled "
    "bins over the rows. No interval: it would be wrong near 0, where good models are.",
    prefer="To calibration_error where large gaps should weigh more. calibration_slope and "
    "calibration_intercept say in which direction.",
    blind="Gaps that cancel within a tenth of the probability.",
    source=_SOURCE,
)

RESOLUTION: Final = Metric(
    name="brier_resolution",
    title="Resolution part of the Brier score",
    unit=Unit.NUMBER,
    series="brier_resolution",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Reliability,),
    measure=measure_resolution,
    null=None,
    least=100,
    says="How far the model tells cases apart, larger is better: reliability + uncertainty - "
    "Brier score, exactly. It is the variance of the bins' shares with what happens within bins "
    "(the probabilities' own variance, and how it goes with the outcome) put where it belongs, "
    "so that the three parts add up; slightly below 0 where probabilities only add noise.",
    prefer="Beside brier_reliability: falling resolution is lost skill, which no recalibration "
    "brings back.",
    blind="Whether the base rate moved: compare it with brier_uncertainty, its most.",
    source=_SOURCE,
)

UNCERTAINTY: Final = Metric(
    name="brier_uncertainty",
    title="Uncertainty part of the Brier score",
    unit=Unit.RATIO,
    series="brier_part",
    labels={"part": "uncertainty"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Reliability,),
    measure=measure_uncertainty,
    ends=Ends.SAMPLING,
    null=None,
    least=100,
    says="Variance of the outcome, base rate times its complement: what a model scores that "
    "always says the base rate. It belongs to the world and not to the model; a Brier score that "
    "moves with it alone says nothing of the model.",
    prefer="Beside brier, when two windows are compared.",
    blind="The model.",
    source=_SOURCE + "; Wilson (1927) of the base rate for the interval",
)

METRICS: Final = (RELIABILITY, RESOLUTION, UNCERTAINTY)
