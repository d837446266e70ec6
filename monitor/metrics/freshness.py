"""How old the newest prediction is when the window ends."""

from monitor.metrics.base import Metric, Per, Subject, Undefined, Unit, Value
from monitor.profiles.columns import EVENT_TIME, ROWS
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.span import Span


def measure(subject: Subject) -> Value | Undefined:
    rows = subject.current.get(Counts, ROWS).of["rows"]
    if not rows or subject.end is None:
        return Undefined("no predictions")
    age = subject.end - subject.current.get(Span, EVENT_TIME).last
    return Value(max(age, 0.0), rows)


METRIC = Metric(
    name="newest_event_age",
    title="Age of the newest prediction",
    unit=Unit.SECONDS,
    series="newest_event_age",
    family=Family.INPUTS,
    per=Per.MODEL,
    column=EVENT_TIME,
    summaries=(Span,),
    measure=measure,
    null=0.0,
    least=1,
    says="From the last prediction of the window to the window's end, by the time of the events. "
    "A model that answers all day and whose newest prediction is hours old fell silent.",
    prefer="To see since when nothing comes; volume tells of less than usual.",
    blind="Whether events are late: windows close when their sources have passed them, see "
    "mbm_event_delay_seconds and mbm_watermark_timestamp_seconds. Delays are in no result, for a "
    "message that was sent twice arrived at two times.",
    source="the newest event time",
)
