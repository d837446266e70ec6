"""Signs that reviews are rubber stamps: long runs of the same answer, answers without reading."""

import math
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import Z, wilson
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.runs import Runs

_NO_ANSWERS: Final = Undefined("no shown case whose reviewer is known")


def measure_inside(subject: Subject) -> Value | Undefined:
    runs = subject.current.get(Runs)
    if not runs.answers:
        return _NO_ANSWERS
    return Value(runs.inside / runs.answers, runs.answers)


def measure_excess(subject: Subject) -> Value | Undefined:
    runs = subject.current.get(Runs)
    if not runs.answers:
        return _NO_ANSWERS
    return Value((runs.inside - runs.chance) / runs.answers, runs.answers)


def measure_order(subject: Subject) -> Value | Undefined:
    runs = subject.current.get(Runs)
    if not runs.mixed:
        return Undefined("no reviewer both upheld and overruled shown cases of one window")
    half = Z * math.sqrt(runs.variance)
    ends = (max(runs.runs - half, 0.0), runs.runs + half)
    return Value(
        runs.runs / runs.expected, runs.mixed, ends[0] / runs.expected, ends[1] / runs.expected
    )


def measure_fast(subject: Subject) -> Value | Undefined:
    if subject.fastest is None:
        return Undefined("no line for fast reviews; give people.fastest in the card")
    counts = subject.current.get(Counts).of
    rows, fast = counts["timed"], counts["fast"]
    if not rows:
        return Undefined("no decision says when its review began")
    return Value(fast / rows, rows, *wilson(fast, rows))


_ORDER: Final = (
    "Order across windows of profiles (an hour at least, by the prediction's time): a run is cut "
    "where its cases' predictions fall into two of them."
)

INSIDE = Metric(
    name="uniform_runs",
    title="Reviews in runs of one answer",
    unit=Unit.RATIO,
    series="uniform_runs",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Runs,),
    measure=measure_inside,
    null=None,
    least=30,
    says="Share of the shown cases of known reviewers that lie in a run: at least so many cases "
    "(people.run of the card, 10 unless it says otherwise) that one reviewer decided one after "
    "the other as the model said, all of one class.",
    prefer="uniform_runs_excess, which takes off what chance gives: with a right model and easy "
    "cases long runs are what care looks like too.",
    blind=f"Whether anybody looked. {_ORDER}",
    source="the written definition",
)

EXCESS = Metric(
    name="uniform_runs_excess",
    title="Reviews in runs beyond chance",
    unit=Unit.RATIO,
    series="uniform_runs_excess",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Runs,),
    measure=measure_excess,
    null=0.0,
    least=30,
    says="uniform_runs less what it would be if each reviewer's answers had come in an order by "
    "chance. Above 0 equal answers come in batches: cases are sorted, or decided in batches.",
    prefer="answer_order, which has an interval, and needs no length of a run.",
    blind="Who upholds everything: their answers are one run in any order, so that chance "
    f"explains all of it; see uniform_runs. {_ORDER}",
    source="expectation over the orders of each reviewer's answers, by the hockey-stick identity",
)

ORDER = Metric(
    name="answer_order",
    title="Runs of answers against chance",
    unit=Unit.NUMBER,
    series="answer_order",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Runs,),
    measure=measure_order,
    ends=Ends.SAMPLING,
    null=1.0,
    least=30,
    says="Number of runs of upheld or of overruled answers, each reviewer's in the order of "
    "deciding, over the number that chance gives. Below 1, with the upper end too, answers "
    "cluster: a reviewer has phases of upholding everything. Above 1 they alternate.",
    prefer="uniform_runs_excess for how many reviews it concerns.",
    blind="Why answers cluster: similar cases in a row do it too. Reviewers who only uphold or "
    "only overrule have no order and are left out. In a segment that cuts through what a "
    f"reviewer decided, runs and their spread are taken in proportion. {_ORDER}",
    source="Wald and Wolfowitz (1940), Annals of Mathematical Statistics 11, 147",
)

FAST = Metric(
    name="fast_reviews",
    title="Implausibly fast reviews",
    unit=Unit.RATIO,
    series="fast_reviews",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Counts,),
    measure=measure_fast,
    ends=Ends.SAMPLING,
    null=0.0,
    least=30,
    says="Share of the reviews with a known begin that took less time than people.fastest of the "
    "card: nobody reads a case in that time.",
    prefer="automation_bias once outcomes are known.",
    blind="Reviews whose begin is unknown or after their decision (clocks that differ). A case "
    "may have been read before the form was opened, or opened and left.",
    source="Wilson (1927) for the interval",
)

METRICS: Final = (INSIDE, EXCESS, ORDER, FAST)
