"""Requests that got no prediction: how many, and which share."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import wilson
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.inputs_layout import FAILURES

NONE = Undefined("no failure event in this window: nothing failed, or failures are not sent")


def _failures(subject: Subject) -> int:
    return subject.current.get(Counts).of[FAILURES]


def measure_count(subject: Subject) -> Value | Undefined:
    rows = _failures(subject)
    return Value(rows, rows) if rows else NONE


def measure_rate(subject: Subject) -> Value | Undefined:
    failed, predictions = _failures(subject), subject.predictions
    assert predictions is not None
    if not failed:
        return NONE
    requests = failed + predictions
    return Value(failed / requests, requests, *wilson(failed, requests))


COUNT = Metric(
    name="failures",
    title="Failed requests",
    unit=Unit.NUMBER,
    series="window_failures",
    family=Family.FAILURES,
    per=Per.MODEL,
    summaries=(Counts,),
    measure=measure_count,
    null=0.0,
    least=1,
    says="Events of the kind failure in the window, each counted once; by code in the segments "
    "`@code=...`, the fifty most frequent of a window by name.",
    prefer="failure_rate for whether that is many.",
    blind="Requests of which nobody tells: a window without any failure event is unknown, not 0. "
    "A request that was logged and whose answer never was (an orphan) is seen only by formats "
    "that log the two apart; none of those that are read today does.",
    source="a count",
)

RATE = Metric(
    name="failure_rate",
    title="Share of failed requests",
    unit=Unit.RATIO,
    series="failure",
    family=Family.FAILURES,
    per=Per.MODEL,
    summaries=(Counts,),
    where=lambda subject: subject.predictions is not None,
    measure=measure_rate,
    beside=lambda subject: subject.predictions,
    ends=Ends.SAMPLING,
    null=0.0,
    least=1,
    says="Failures over failures and predictions of the window. Failures that give no version "
    "count as the version unknown.",
    prefer="mbm_inference_failures_total while it happens: this one waits for the window.",
    blind="As failures. A request that failed and was tried again with success counts as both.",
    source="Wilson (1927) for the interval",
)
