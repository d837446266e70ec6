"""How many of the outcomes that will come are there by now."""

from collections.abc import Callable
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Windows
from monitor.metrics.delay_curve import Ageing, DelayCurve
from monitor.profiles.columns import DELAY
from monitor.profiles.counts import Counts
from monitor.profiles.durations import Durations
from monitor.profiles.family import Family


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:.3g} days"


def _ageing(subject: Subject) -> tuple[Ageing, int] | Undefined:
    """How old the window is, and its predictions."""
    rows = subject.current.get(Counts).of["predictions"]
    if not rows:
        return Undefined("no predictions")
    if subject.ageing is None:
        return Undefined("nothing says how old this window is")
    return subject.ageing, rows


def _why(curve: DelayCurve) -> str:
    """Why the curve is not known to its end."""
    if len(curve.share) < len(curve.edges):
        known = f"the oldest predictions are {_days(curve.reach)} old"
        if not curve.reach:
            known = "no predictions of the last two label horizons are old enough to tell"
        return f"outcomes may take {_days(curve.end)}, and {known}"
    return "no outcome has come yet, so that nothing is known of their delays"


def measure_maturity(subject: Subject) -> Value | Undefined:
    found = _ageing(subject)
    if isinstance(found, Undefined):
        return found
    ageing, rows = found
    if ageing.is_over:
        return Value(1.0, rows)
    if not ageing.curve.is_whole:
        return Undefined(_why(ageing.curve))
    return Value(min(ageing.known / float(ageing.curve.share[-1]), 1.0), rows)


def measure_expected(subject: Subject) -> Value | Undefined:
    found = _ageing(subject)
    if isinstance(found, Undefined):
        return found
    ageing, rows = found
    if ageing.is_over:
        return Undefined("the window is older than outcomes take; its coverage is final")
    if ageing.oldest > ageing.curve.reach and not ageing.curve.is_whole:
        return Undefined(_why(ageing.curve))
    return Value(ageing.known, rows)


def _delay(share: float) -> Callable[[Subject], Value | Undefined]:
    def measure(subject: Subject) -> Value | Undefined:
        if subject.ageing is None:
            return Undefined("nothing says how old this window is")
        curve = subject.ageing.curve
        if not len(curve.share) or not curve.share[-1]:
            return Undefined(_why(curve))
        value, low, high = curve.quantile(share)
        if not curve.is_whole:
            return Undefined(f"{_why(curve)}; this delay is at least {low:g} s")
        return Value(value, curve.labels, low, high)

    return measure


def _grounds(subject: Subject) -> object:
    return subject.ageing.grounds if subject.ageing else ""


def _curve(subject: Subject) -> object:
    return subject.ageing.curve.hash if subject.ageing else ""


_SOURCE: Final = (
    "Kaplan and Meier (1958), JASA 53, 457, over the days of two label horizons, each censored "
    "at its age"
)

MATURITY: Final = Metric(
    name="label_maturity",
    title="Maturity of the labels",
    unit=Unit.RATIO,
    series="label_maturity",
    family=Family.TRUTH,
    per=Per.MODEL,
    column="",
    summaries=(Counts,),
    where=lambda subject: subject.current.has(Durations, DELAY),
    measure=measure_maturity,
    beside=_grounds,
    null=1.0,
    least=1,
    says="Of the outcomes that are to come by the label horizon, the share that is expected to be "
    "there at the window's age: 1 is final. From the delays of the model's earlier predictions, "
    "at the age of each of the window's own; said again as the window ages, each time it is about "
    "1.4 times as old. No interval: windows differ by more than chance.",
    prefer="Beside every realised figure. label_coverage says how many outcomes are there, also "
    "where most never come.",
    blind="Whether outcomes still come as fast as they did: see label_expected. That early "
    "outcomes differ from late ones. Where in a cell of the delay, 26 % wide, outcomes come: "
    "they count as spread evenly over it.",
    source=_SOURCE,
)

EXPECTED: Final = Metric(
    name="label_expected",
    title="Share of outcomes expected by now",
    unit=Unit.RATIO,
    series="label_expected",
    family=Family.TRUTH,
    per=Per.MODEL,
    column="",
    summaries=(Counts,),
    where=lambda subject: subject.current.has(Durations, DELAY),
    measure=measure_expected,
    beside=_grounds,
    null=None,
    least=1,
    says="Share of the window's predictions that should have an outcome at its age, by the delays "
    "of the model's earlier predictions. label_coverage well below it: the source of outcomes is "
    "late or broken.",
    prefer="To watch the source of outcomes; label_maturity to judge realised figures.",
    blind="Which predictions lack theirs. A window that is older than the horizon has none.",
    source=_SOURCE,
)


def _quantile(share: float) -> Metric:
    name = f"label_delay_p{share * 100:g}"
    return Metric(
        name=name,
        title=f"Delay of outcomes, quantile {share:g}",
        unit=Unit.SECONDS,
        series="label_delay",
        labels={"q": f"{share:g}"},
        family=Family.TRUTH,
        per=Per.MODEL,
        column=DELAY,
        summaries=(Durations,),
        windows=Windows.LATEST,
        measure=_delay(share),
        beside=_curve,
        ends=Ends.BINNING,
        null=None,
        least=30,
        says=f"Within this time of the prediction {share:.0%} of the outcomes come that come by "
        "the label horizon. Young predictions count as far as they are old, so that the slow "
        "outcomes of old ones are not drowned by the quick ones of young ones. Of all versions "
        "together; the ends are those of the cell, 26 % apart.",
        prefer="To set label_horizon in the card, and to see a source of outcomes slow down.",
        blind="Outcomes that never come, and those that come after the horizon.",
        source=_SOURCE,
    )


METRICS: Final = (MATURITY, EXPECTED, *(_quantile(share) for share in (0.5, 0.9, 0.99)))
