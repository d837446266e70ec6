"""How many predictions there are, beside what is usual at this time of the week."""

import math
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import student
from monitor.profiles.columns import ROWS, VIOLATIONS
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family

LEAST: Final = 4
"""Earlier windows from which a baseline is made."""


def against_usual(rows: int, usual: tuple[int, ...]) -> tuple[float, float, float]:
    """Rows over their mean in earlier windows, and the ends of its 95 % interval.

    The interval holds 1 in 95 of 100 windows while nothing changes (in 99 of counts as even as
    chance alone makes them): counts that vary more than
    chance alone would let them (by the factor that the earlier windows show, at least 1) and an
    expectation that is known from a few windows only.

    Args:
        rows: of this window [rows].
        usual: of earlier windows, at least two, not all 0 [rows].

    >>> [round(x, 3) for x in against_usual(80, (100, 110, 90, 100))]
    [0.8, 0.447, 1.153]

    Source: McCullagh and Nelder (1989), Generalized Linear Models, section 6.2, for the
    dispersion; Student (1908).
    """
    k = len(usual)
    mean = sum(usual) / k
    dispersion = max(sum((count - mean) ** 2 for count in usual) / mean / (k - 1), 1.0)
    half = student(k - 1) * math.sqrt(dispersion * mean * (1 + 1 / k))
    return rows / mean, max(rows - half, 0.0) / mean, (rows + half) / mean


def measure(subject: Subject) -> Value | Undefined:
    usual = subject.usual
    assert usual is not None
    if len(usual) < LEAST:
        some = f"{len(usual)} earlier window{'' if len(usual) == 1 else 's'} at the same time of "
        return Undefined(f"{some}the week, {LEAST} are needed")
    if not any(usual):
        return Undefined("no predictions in the earlier windows at the same time of the week")
    rows = subject.current.get(Counts, ROWS).of["rows"]
    value, lower, upper = against_usual(rows, usual)
    return Value(value, rows + sum(usual), lower, upper)


def measure_count(subject: Subject) -> Value | Undefined:
    rows = subject.current.get(Counts, ROWS).of["rows"]
    usual = subject.usual or ()
    mean = sum(usual) / len(usual) if len(usual) >= LEAST else None
    return Value(rows, rows, reference=mean) if rows else Undefined("no predictions")


COUNT = Metric(
    name="predictions",
    title="Predictions",
    unit=Unit.NUMBER,
    series="window_predictions",
    family=Family.INPUTS,
    per=Per.MODEL,
    # The column that groups lack: how large a group is stands beside its other numbers.
    column=VIOLATIONS,
    summaries=(Counts,),
    measure=measure_count,
    beside=lambda subject: subject.usual,
    null=None,
    least=1,
    says="Predictions of the window, each counted once. Of the latest window its reference is "
    "their mean in earlier windows at the same time of the week.",
    prefer="volume to know whether that is many.",
    blind="Requests that got no prediction: see mbm_inference_failures_total. Messages that are "
    "in quarantine: see completeness.",
    source="a count",
)

VOLUME = Metric(
    name="volume",
    title="Predictions over what is usual",
    unit=Unit.RATIO,
    series="volume",
    family=Family.INPUTS,
    per=Per.MODEL,
    column=VIOLATIONS,
    summaries=(Counts,),
    where=lambda subject: subject.usual is not None,
    measure=measure,
    beside=lambda subject: subject.usual,
    ends=Ends.SAMPLING,
    null=1.0,
    least=1,
    says="Predictions of the window over their mean in up to eight earlier windows at the same "
    "time of the week (of windows of a week and longer: the ones before), of the same version: "
    "0.5 is half of what is usual. Usual while 1 lies in the interval, which counts how much "
    "the earlier windows differ among themselves. Of the latest window only.",
    prefer="predictions for the number as such, newest_event_age for since when nothing comes.",
    blind="Holidays and growth: the same weekday was no holiday. A version that is new: it has no "
    "earlier windows. One without any prediction in the window has no results at all; see "
    "mbm_predictions_total.",
    source="McCullagh and Nelder (1989), Generalized Linear Models, section 6.2, for the "
    "dispersion; Student (1908) for the interval",
)
