"""Whether people review what the policy asks them to, in time and before it takes effect."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import wilson
from monitor.profiles.audited import LATENCY, REVIEW, WORK
from monitor.profiles.counts import Counts
from monitor.profiles.durations import Durations
from monitor.profiles.family import Family

NO_POLICY: Final = "no prediction is under a review policy; declare one in the card: review"

_LEAST: Final = 30
_SOURCE: Final = "Wilson (1927) for the interval"
_NAMES: Final = {0.5: "median", 0.9: "90th percentile", 0.99: "99th percentile"}

Counted = Mapping[str, int]


def ripe(counts: Counted) -> int:
    """Required reviews that are made, out of time, or too late because of a leak [rows]."""
    return counts["required"] - counts["open"]


def reviews(counts: Counted) -> int:
    """Predictions that were reviewed, asked for or not [rows]."""
    done = counts["in_time"] + counts["late"] + counts["leaked_reviewed"]
    return done + counts["without_need"]


def _share(
    hits: Callable[[Counted], int], of: Callable[[Counted], int], nobody: str, subject: Subject
) -> Value | Undefined:
    """A share of audited predictions with its interval."""
    counts = subject.current.get(Counts, REVIEW).of
    if not counts["audited"]:
        return Undefined(NO_POLICY)
    found, rows = hits(counts), of(counts)
    return Value(found / rows, rows, *wilson(found, rows)) if rows else Undefined(nobody)


def _count(hits: Callable[[Counted], int], subject: Subject) -> Value | Undefined:
    """A number of audited predictions."""
    counts = subject.current.get(Counts, REVIEW).of
    if not counts["audited"]:
        return Undefined(NO_POLICY)
    return Value(float(hits(counts)), counts["audited"])


def measure_escalated(subject: Subject) -> Value | Undefined:
    counts = subject.current.get(Counts, REVIEW).of
    rows, found = counts["decided"], counts["handed_on"]
    if not rows:
        return Undefined("no prediction has a decision")
    return Value(found / rows, rows, *wilson(found, rows))


def measure_quantile(share: float, subject: Subject) -> Value | Undefined:
    durations = subject.current.get(Durations, subject.column)
    if not durations.rows:
        is_work = subject.column == WORK
        return Undefined(
            "no review says when it began" if is_work else "no prediction has a review"
        )
    value, low, high = durations.quantile(share)
    if np.isinf(high):
        return Undefined("longer than three years; check the clocks of the services")
    return Value(value, durations.rows, low, high)


_RIPE: Final = "every required review is still within its time, or none was required"


def _of_ripe(
    name: str,
    title: str,
    hits: Callable[[Counted], int],
    *,
    null: float,
    says: str,
    prefer: str,
    blind: str,
) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit=Unit.RATIO,
        series=name,
        family=Family.PEOPLE,
        per=Per.MODEL,
        column=REVIEW,
        summaries=(Counts,),
        measure=partial(_share, hits, ripe, _RIPE),
        ends=Ends.SAMPLING,
        null=null,
        least=_LEAST,
        says=says,
        prefer=prefer,
        blind=blind,
        source=_SOURCE,
    )


_SEEN: Final = (
    "A review nobody reports, and an effect nobody reports: it rests on decisions and usage "
    "events alone."
)

COVERAGE = _of_ripe(
    "review_coverage",
    "Required reviews made before the prediction took effect",
    lambda counts: counts["in_time"] + counts["late"],
    null=1.0,
    says="Share of the required reviews that a person made before the prediction took effect, in "
    "time or late. Those still within their time are not in it. Below 1 the policy is not "
    "kept: see review_leak and review_overdue for how.",
    prefer="review_in_time where the time limit matters as much as the review itself.",
    blind=_SEEN,
)
IN_TIME = _of_ripe(
    "review_in_time",
    "Required reviews made in time",
    lambda counts: counts["in_time"],
    null=1.0,
    says="Share of the required reviews made within the policy's time and before any effect. "
    "With review_late, review_overdue and review_leak it adds up to 1.",
    prefer="review_latency for how much time reviews take, whatever the limit.",
    blind=_SEEN,
)
LATE = _of_ripe(
    "review_late",
    "Required reviews made late",
    lambda counts: counts["late"],
    null=0.0,
    says="Share of the required reviews made after the policy's time, but before any effect. High: "
    "too few reviewers, or a limit that nobody can keep.",
    prefer="review_overdue for those that nobody has made yet.",
    blind=_SEEN,
)
OVERDUE = _of_ripe(
    "review_overdue",
    "Required reviews out of time and not made",
    lambda counts: counts["overdue"],
    null=0.0,
    says="Share of the required reviews whose time is over, that nobody has made, of predictions "
    "that have not taken effect as far as anybody says. It falls again when they are made, "
    "and then they count as late. mbm reviews --open lists them.",
    prefer="review_outstanding for the number, those within their time included.",
    blind="Whether the prediction took effect where nobody sends usage events.",
)
LEAK = _of_ripe(
    "review_leak",
    "Required reviews that the prediction did not wait for",
    lambda counts: counts["leaked"],
    null=0.0,
    says="Share of the required reviews whose prediction took effect before them, or without "
    "them: a consumer used it, or a decision says it was in effect. Any value above 0 is a "
    "hole in the process. mbm reviews --leaks lists them.",
    prefer="review_leaks for the number; mbm_review_leaks_total for those ever found, which no "
    "later review takes back.",
    blind=_SEEN,
)
LEAKS = Metric(
    name="review_leaks",
    title="Predictions that took effect without their review",
    unit=Unit.NUMBER,
    series="review_leaked",
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=REVIEW,
    summaries=(Counts,),
    measure=partial(_count, lambda counts: counts["leaked"]),
    null=0.0,
    least=1,
    says="How many of the window's predictions took effect before their required review, or "
    "without it. It is a count of what is there and has no interval; its rows are all audited "
    "predictions. An event that comes late may show that the review was in time after all, and "
    "then the count falls.",
    prefer="review_leak for its share; mbm_review_leaks_total for an alert, since it never falls.",
    blind=_SEEN,
    source="count of a finite set",
)
OUTSTANDING = Metric(
    name="review_outstanding",
    title="Required reviews not made yet",
    unit=Unit.NUMBER,
    series="review_outstanding",
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=REVIEW,
    summaries=(Counts,),
    measure=partial(_count, lambda counts: counts["open"] + counts["overdue"]),
    null=0.0,
    least=1,
    says="How many of the window's predictions wait for their required review, within its time or "
    "past it, and have not taken effect. Past windows fall to 0 as reviews are made.",
    prefer="mbm_review_backlog for all that waits, whatever the window.",
    blind="Leaks: they no longer wait, and are counted in review_leaks.",
    source="count of a finite set",
)
REQUIRED = Metric(
    name="review_required",
    title="Predictions that need a review",
    unit=Unit.RATIO,
    series="review_required",
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=REVIEW,
    summaries=(Counts,),
    measure=partial(
        _share, lambda counts: counts["required"], lambda counts: counts["audited"], NO_POLICY
    ),
    ends=Ends.SAMPLING,
    null=None,
    least=_LEAST,
    says="Share of the predictions that the policy asks people to review, its sample included: "
    "the burden that the model puts on them. It rises when the model grows unsure.",
    prefer="review_outstanding for whether people keep up with it.",
    blind="Whether the policy asks for the right ones: see override_correct.",
    source=_SOURCE,
)
WITHOUT_NEED = Metric(
    name="review_without_need",
    title="Reviews that nothing asked for",
    unit=Unit.RATIO,
    series="review_without_need",
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=REVIEW,
    summaries=(Counts,),
    measure=partial(
        _share, lambda counts: counts["without_need"], reviews, "no prediction was reviewed"
    ),
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Share of the reviews that neither a rule nor the sample asked for. High: people's time "
    "goes elsewhere than the policy wants, or the policy misses what they find worth a look.",
    prefer="review_required for how much is asked for.",
    blind="Why it was reviewed: an appeal is a good reason that no policy names.",
    source=_SOURCE,
)
ESCALATION = Metric(
    name="escalation",
    title="Cases handed on",
    unit=Unit.RATIO,
    series="escalation",
    family=Family.PEOPLE,
    per=Per.MODEL,
    column=REVIEW,
    summaries=(Counts,),
    measure=measure_escalated,
    ends=Ends.SAMPLING,
    null=0.0,
    least=_LEAST,
    says="Share of the predictions with a decision that somebody handed on (action: escalated) at "
    "least once, whether or not it was decided later. It needs no policy.",
    prefer="override for what people decided in the end.",
    blind="Cases passed on by word of mouth.",
    source=_SOURCE,
)


def _quantile(column: str, share: float) -> Metric:
    is_work = column == WORK
    span = "begin of the review to its decision" if is_work else "prediction to review"
    return Metric(
        name=f"{column}_p{share * 100:g}",
        title=f"Time from {span}, {_NAMES[share]}",
        unit=Unit.SECONDS,
        series=column,
        labels={"q": f"{share:g}"},
        family=Family.PEOPLE,
        per=Per.MODEL,
        column=column,
        summaries=(Durations,),
        measure=partial(measure_quantile, share),
        ends=Ends.BINNING,
        null=None,
        least=_LEAST,
        says=(
            "Working time: from review_started_at to the decision, of first reviews that say when "
            "they began. Very short: nobody reads the case."
            if is_work
            else "Waiting and working time together, of the first review of each prediction, "
            "required or not. A review up to the policy's tolerance before its prediction, for "
            "clocks differ, counts as taking no time."
        ),
        prefer=(
            "review_latency for what the one who waits sees."
            if is_work
            else "review_work for the time that a person spends on a case."
        ),
        blind="Reviews that were not made yet: of a young window only the quick ones are known.",
        source="inverted distribution function; bounds are the edges of its bin, a tenth of a "
        "decade wide",
    )


LATENCIES: Final = tuple(_quantile(LATENCY, share) for share in _NAMES)
WORKS: Final = tuple(_quantile(WORK, share) for share in _NAMES)

METRICS: Final[tuple[Metric, ...]] = (
    *(REQUIRED, COVERAGE, IN_TIME, LATE, OVERDUE, LEAK, LEAKS, OUTSTANDING, WITHOUT_NEED),
    *(ESCALATION, *LATENCIES, *WORKS),
)
