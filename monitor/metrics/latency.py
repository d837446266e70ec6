"""How long the model took to answer."""

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.quantiles import least_rows, quantile
from monitor.profiles.columns import LATENCY
from monitor.profiles.distribution import Distribution
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile


def _of(profile: Profile | None) -> Distribution | None:
    """The latencies; None where nobody sent any."""
    if profile is None or not profile.has(Distribution, LATENCY):
        return None
    found = profile.get(Distribution, LATENCY)
    return found if found.rows else None


def _quantile(share: float, called: str) -> Metric:
    least = max(30, least_rows(share))

    def measure(subject: Subject) -> Value | Undefined:
        current, before = _of(subject.current), _of(subject.reference)
        if current is None:
            return Undefined("no prediction has a latency (latency_ms)")
        value, lower, upper = (x / 1_000 for x in quantile(current, share))
        known = quantile(before, share)[0] / 1_000 if before and before.rows >= least else None
        return Value(value, current.rows, lower, upper, known)

    return Metric(
        name=f"latency_p{share * 100:g}",
        title=f"Latency of the model, {called}",
        unit=Unit.SECONDS,
        series="inference_latency",
        labels={"q": f"{share:g}"},
        family=Family.INPUTS,
        per=Per.MODEL,
        column=LATENCY,
        summaries=(Distribution,),
        measure=measure,
        ends=Ends.BOTH,
        null=None,
        least=least,
        says=f"{share:.0%} of the predictions that carry a latency took at most this long; "
        "compare it with the reference's. Counted in bins whose ends differ by 15 %, from a tenth "
        "of a millisecond to a quarter of an hour; the interval reaches to the ends of the bins.",
        prefer="The median for what is usual, 0.95 and 0.99 for what the unlucky wait for.",
        blind="Requests that got no answer: see failures. Time outside the model: only what "
        "events give as latency_ms is counted.",
        source="David and Nagaraja (2003), Order Statistics, section 7.1",
    )


METRICS = (
    _quantile(0.5, "median"),
    _quantile(0.95, "95th percentile"),
    _quantile(0.99, "99th percentile"),
)
