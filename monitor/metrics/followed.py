"""How sure the recommendations were that people followed, and those that they rejected."""

from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import difference_interval, mean_interval
from monitor.profiles.columns import CONFIDENCE
from monitor.profiles.family import Family
from monitor.profiles.followed import Followed, Sums

_FEWEST: Final = 2


def _mean(sums: Sums, what: str) -> Value | Undefined:
    if not sums.rows:
        return Undefined(f"no recommendation with a confidence was shown and {what}")
    mean = sums.total / sums.rows
    lower, upper = mean_interval(sums.rows, sums.total, sums.squares) or (None, None)
    if lower is not None and upper is not None:
        lower, upper = min(max(lower, 0.0), mean), max(min(upper, 1.0), mean)
    return Value(mean, sums.rows, lower, upper)


def measure_followed(subject: Subject) -> Value | Undefined:
    return _mean(subject.current.get(Followed, CONFIDENCE).followed, "followed")


def measure_rejected(subject: Subject) -> Value | Undefined:
    return _mean(subject.current.get(Followed, CONFIDENCE).rejected, "rejected")


def measure_gap(subject: Subject) -> Value | Undefined:
    found = subject.current.get(Followed, CONFIDENCE)
    few, many = sorted((found.followed.rows, found.rejected.rows))
    if few < _FEWEST:
        return Undefined(
            f"{many + few} recommendations with a confidence were shown, and fewer than two of "
            "them followed, or rejected"
        )
    (mean, variance), (other, other_variance) = map(_moments, (found.followed, found.rejected))
    gap = mean - other
    ends = difference_interval(
        mean, variance, found.followed.rows, other, other_variance, found.rejected.rows
    )
    lower, upper = ends or (None, None)
    return Value(gap, few, lower, upper)


def _moments(sums: Sums) -> tuple[float, float]:
    """Mean, and variance with division by rows - 1."""
    mean = sums.total / sums.rows
    return mean, max(sums.squares / sums.rows - mean * mean, 0.0) * sums.rows / (sums.rows - 1)


FOLLOWED = Metric(
    name="followed_confidence",
    title="Confidence of what was followed",
    unit=Unit.RATIO,
    series="reviewed_confidence",
    labels={"of": "followed"},
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=CONFIDENCE,
    summaries=(Followed,),
    measure=measure_followed,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Mean confidence of the recommendations that people saw and followed.",
    prefer="followed_confidence_gap for its distance from that of the rejected ones.",
    blind="Whether people were shown the confidence.",
    source="Student (1908) for the interval",
)

REJECTED = Metric(
    name="rejected_confidence",
    title="Confidence of what was rejected",
    unit=Unit.RATIO,
    series="reviewed_confidence",
    labels={"of": "rejected"},
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=CONFIDENCE,
    summaries=(Followed,),
    measure=measure_rejected,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Mean confidence of the recommendations that people saw and rejected. High: the model "
    "is sure where people know better, or they reject it unread.",
    prefer="override by @band for the rate at each level of confidence.",
    blind="Whether people were shown the confidence.",
    source="Student (1908) for the interval",
)

GAP = Metric(
    name="followed_confidence_gap",
    title="Confidence of what was followed less that of what was rejected",
    unit=Unit.RATIO,
    series="followed_confidence_gap",
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=CONFIDENCE,
    summaries=(Followed,),
    measure=measure_gap,
    ends=Ends.SAMPLING,
    null=None,
    least=10,
    says="Mean confidence of the recommendations that people followed less that of those that "
    "they rejected. Above 0 people doubt where the model does; near 0 its confidence and their "
    "judgement have nothing to do with each other. Rows are those of the smaller side.",
    prefer="override by @band to see where along the confidence it comes from.",
    blind="Which of the two is right: see confidence against correctness.",
    source="Welch (1947), Biometrika 34, 28, for the interval",
)

METRICS: Final = (FOLLOWED, REJECTED, GAP)
