"""Share of the predictions whose outcome is known."""

from monitor.metrics.base import Metric, Per, Subject, Undefined, Unit, Value
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family


def measure(subject: Subject) -> Value | Undefined:
    counts = subject.current.get(Counts).of
    rows = counts["predictions"]
    if not rows:
        return Undefined("no predictions")
    return Value(counts["labelled"] / rows, rows)


METRIC = Metric(
    name="label_coverage",
    title="Share of predictions with an outcome",
    unit=Unit.RATIO,
    series="label_coverage",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Counts,),
    measure=measure,
    null=1.0,
    least=1,
    says="How much of the window the realised figures rest on; it grows for as long as outcomes "
    "arrive. No interval: it is a count of what is there, not a sample. Outcomes that come first "
    "need not be like those that come late, so read the realised figures of a young window with "
    "care.",
    prefer="Before any realised figure, to know how many outcomes it has. label_maturity says how "
    "many more are to come, label_expected whether so many should be there by now.",
    blind="Which predictions lack an outcome: where only approved cases ever get one, a high share "
    "still hides the others. Whether the labels are right.",
    source="share of a finite set",
)
