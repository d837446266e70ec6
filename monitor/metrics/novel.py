"""Share of the records that are unlike the reference."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import wilson
from monitor.profiles.columns import NOVEL, NOVEL_FROM, NOVELTY, ROWS
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family


def measure(subject: Subject) -> Value | Undefined:
    rows = subject.current.get(Counts, ROWS).of["rows"]
    if not rows:
        return Undefined("no rows")
    novel = subject.current.get(Counts, NOVELTY).of[NOVEL]
    return Value(novel / rows, rows, *wilson(novel, rows))


METRIC = Metric(
    name="novel_records",
    title="Share of records unlike the reference",
    unit=Unit.RATIO,
    series="novel_records",
    family=Family.INPUTS,
    per=Per.MODEL,
    column=NOVELTY,
    summaries=(Counts,),
    measure=measure,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says=f"Share of the predictions whose values surprise by more than {NOVEL_FROM:g} standard "
    "deviations more than those of the reference do: the surprise of a value is -ln of its bin's "
    "share in the reference, summed over features. Of a reference a few in a thousand to a few in "
    "a hundred do; compare it with the weeks before.",
    prefer="To see edge cases become more, of all rows and of each segment; slices_found of "
    "novelty for where they are, novelty_mean for the whole distribution.",
    blind="Usual values in unusual combinations: see domain_auc.",
    source="as the surprisal of independent features; Wilson (1927) for the interval",
)
