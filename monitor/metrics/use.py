"""What becomes of predictions at the applications that ask for them."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import wilson
from monitor.profiles.counts import Counts
from monitor.profiles.durations import Durations
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile
from monitor.profiles.used import DELAY, MADE, STATES, USED, USES, Worth

MISSED: Final = 5.0
"""Uses that must be expected of a consumer before its silence means something: none at all then
has a probability under 0.7 % (Poisson)."""

_NOTHING: Final = Undefined("no consumer said what became of a prediction")


def _counts(subject: Subject) -> Mapping[str, int]:
    return subject.current.get(Counts).of


def measure_state(state: str, subject: Subject) -> Value | Undefined:
    counts = _counts(subject)
    rows = counts[USES]
    return Value(counts[state] / rows, rows, *wilson(counts[state], rows)) if rows else _NOTHING


def measure_unused(subject: Subject) -> Value | Undefined:
    counts = _counts(subject)
    rows = counts[MADE]
    if not rows:
        return Undefined("no predictions")
    if not counts[USES] and not _is_expected(subject):
        return Undefined("no consumer says what becomes of predictions, nor did before")
    unused = rows - counts["used_by_any"]
    return Value(unused / rows, rows, *wilson(unused, rows))


def _is_expected(subject: Subject) -> bool:
    """Whether consumers used predictions in the windows before."""
    before = subject.before
    return before is not None and any(_uses(profile) for profile in before.profiles.values())


def _uses(profile: Profile) -> int:
    return profile.get(Counts).of[USED]


def measure_delay(share: float, subject: Subject) -> Value | Undefined:
    delays = subject.current.get(Durations, DELAY)
    if not delays.rows:
        return Undefined("no prediction was used")
    value, low, high = delays.quantile(share)
    return Value(value, delays.rows, low, high)


def measure_dependence(subject: Subject) -> Value | Undefined:
    counts = _counts(subject)
    rows, hits = counts["acted"], counts["acted_on"]
    if not rows:
        return Undefined("no usage event says what the consumer did: action")
    return Value(hits / rows, rows, *wilson(hits, rows))


def measure_worth(subject: Subject) -> Value | Undefined:
    worth = subject.current.get(Worth)
    if not worth.every.rows:
        return _WORTHLESS
    if worth.clipped:
        return Undefined(f"{worth.clipped} values are beyond 2^40; check their unit")
    return Value(worth.used.total, worth.every.rows)


def measure_worth_share(subject: Subject) -> Value | Undefined:
    worth = subject.current.get(Worth)
    if not worth.every.rows:
        return _WORTHLESS
    if worth.negative or worth.clipped:
        return Undefined(
            "some values are below 0 or beyond 2^40; a share of their sum says nothing"
        )
    if worth.every.total <= 0:
        return Undefined("all values are 0")
    return Value(min(worth.used.total / worth.every.total, 1.0), worth.every.rows)


_WORTHLESS: Final = Undefined("no usage event has a value")


def measure_silence(subject: Subject) -> Mapping[str, Value | Undefined]:
    before = subject.before
    if before is None:
        return {}
    return {name: _silence(subject, name) for name in sorted({*subject.groups, *before.profiles})}


def _silence(subject: Subject, name: str) -> Value | Undefined:
    before = subject.before
    assert before is not None
    if not before.windows:
        return Undefined("no window before this one has predictions")
    usual = before.profiles.get(name)
    rows = _uses(usual) if usual else 0
    if usual is None or not rows:
        return Undefined("it used nothing in the windows before")
    expected = due(usual.get(Durations, DELAY), before.seconds) / before.windows
    if expected < MISSED:
        return Undefined(
            f"only {expected:.1f} uses are usual by the end of such a window, {MISSED:.0f} are "
            "needed to miss them"
        )
    now = subject.groups.get(name)
    return Value(float(now is None or not _uses(now)), rows)


def due(delays: Durations, seconds: int) -> float:
    """Uses of a window's predictions that came before its end, at least, as if they lay evenly.

    A use with a delay d comes in time if its prediction is made more than d before the end.

    Args:
        delays: from prediction to use.
        seconds: length of the window [s].
    """
    upper = np.append(delays.edges / 1e6, np.inf)
    in_time = np.clip(1 - upper / seconds, 0.0, 1.0)
    return float(delays.counts @ in_time)


_UNSEEN: Final = (
    "What is not reported: a consumer that sends no usage events looks like one that uses nothing."
)
_LATER: Final = "Uses to come: a window's numbers are restated as they arrive."

_WORDS: Final = {
    USED: "acted on the prediction as it was",
    "ignored": "had it and did without",
    "deferred": "put the case off",
    "requeried": "asked again",
    "blocked": "kept it from taking effect",
}

SHARES: Final = tuple(
    Metric(
        name=f"use_{state}",
        title=f"Predictions {state}",
        unit=Unit.RATIO,
        series="use",
        labels={"used": state},
        family=Family.USE,
        per=Per.MODEL,
        summaries=(Counts,),
        measure=partial(measure_state, state),
        ends=Ends.SAMPLING,
        null=None,
        least=30,
        says=f"Share of the predictions that a consumer heard of, by its last word, of which it "
        f"{_WORDS[state]} ({state}). A prediction counts once for each consumer. Also by "
        "consumer: @consumer.",
        prefer="unused_predictions for those that no consumer speaks of.",
        blind=f"{_UNSEEN} Events without a state count in the rows and in no state. {_LATER}",
        source="Wilson (1927) for the interval",
    )
    for state in STATES
)

UNUSED = Metric(
    name="unused_predictions",
    title="Predictions nobody used",
    unit=Unit.RATIO,
    series="unused_predictions",
    family=Family.USE,
    per=Per.MODEL,
    summaries=(Counts,),
    # What a consumer says of a prediction is no prediction of its own.
    where=lambda subject: not (_counts(subject)[USES] and not _counts(subject)[MADE]),
    measure=measure_unused,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Share of the predictions of which no consumer's last word is that it used them: "
    "nothing was said, or all ignored it, put it off, asked again or blocked it.",
    prefer="use_ignored and its siblings for what consumers did instead; consumer_silent for who "
    "fell silent.",
    blind=f"{_UNSEEN} {_LATER}",
    source="Wilson (1927) for the interval",
)

_QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

DELAYS: Final = tuple(
    Metric(
        name=f"use_delay_{name}",
        title=f"Time from prediction to use, {share:.0%} within",
        unit=Unit.SECONDS,
        series="use_delay",
        labels={"q": f"{share:g}"},
        family=Family.USE,
        per=Per.MODEL,
        column=DELAY,
        summaries=(Durations,),
        measure=partial(measure_delay, share),
        ends=Ends.BINNING,
        null=None,
        least=30,
        says=f"Time within which {share:.0%} of the used predictions were used, each by each "
        "consumer. Long delays: decisions rest on stale predictions.",
        prefer="the median for the usual case, the upper ones for what piles up.",
        blind=f"Uses before their prediction (clocks that differ) are left out. {_LATER} Until "
        "then the quick ones are over-represented.",
        source="inverse of the distribution function; bins of a tenth of a decade",
    )
    for name, share in _QUANTILES.items()
)

DEPENDENCE = Metric(
    name="dependence",
    title="Actions that rest on the model",
    unit=Unit.RATIO,
    series="dependence",
    family=Family.USE,
    per=Per.MODEL,
    summaries=(Counts,),
    measure=measure_dependence,
    ends=Ends.SAMPLING,
    null=None,
    least=30,
    says="Of the actions that consumers report (usage events with an action), the share that "
    "used the prediction. Near 1 a consumer would stand still without the model.",
    prefer="use_used, which needs no actions.",
    blind="What a consumer does without asking the model leaves no event, so that this is the "
    "most that can be: dependence among the cases it asked about.",
    source="Wilson (1927) for the interval",
)

WORTH = Metric(
    name="used_value",
    title="Value of what was used",
    unit=Unit.NUMBER,
    series="used_value",
    family=Family.USE,
    per=Per.MODEL,
    summaries=(Worth,),
    measure=measure_worth,
    null=None,
    least=30,
    says="Sum of the values that consumers give with predictions that they used, in their own "
    "unit: what hangs on the model in this window.",
    prefer="used_value_share to compare windows.",
    blind="Whether all consumers mean the same unit. A prediction used by two counts for both. "
    "Uses without a value.",
    source="the written definition",
)

WORTH_SHARE = Metric(
    name="used_value_share",
    title="Share of the value that was used",
    unit=Unit.RATIO,
    series="used_value_share",
    family=Family.USE,
    per=Per.MODEL,
    summaries=(Worth,),
    measure=measure_worth_share,
    null=None,
    least=30,
    says="Sum of the values of the used predictions over that of all with a value. Far below "
    "use_used: the expensive cases are not left to the model.",
    prefer="use_used for cases instead of value.",
    blind="As used_value. There is no interval: few large values may decide.",
    source="the written definition",
)

SILENT = Metric(
    name="consumer_silent",
    title="Consumers that fell silent",
    unit=Unit.NUMBER,
    series="consumer_silent",
    family=Family.USE,
    per=Per.CONSUMER,
    summaries=(Counts,),
    measure=measure_silence,
    null=0.0,
    least=1,
    says="1 where a consumer that used predictions in the four windows before, of any version, "
    "used none of this one's; 0 where it used some. Rows are its uses in the windows before. "
    "Only consumers of which at least five uses are usual before the end of such a window, by "
    "their usual number and delay.",
    prefer="unused_predictions for a consumer that uses less, and not nothing.",
    blind="Consumers that came after, or that were silent for five windows: the card's "
    "use.consumers says who should be there, and they are listed with the reason. Seasons: a "
    "consumer that rests on Sundays falls silent every Sunday.",
    source="probability under 0.7 % of no use where five are expected (Poisson)",
)

METRICS: Final = (*SHARES, UNUSED, *DELAYS, DEPENDENCE, WORTH, WORTH_SHARE, SILENT)
