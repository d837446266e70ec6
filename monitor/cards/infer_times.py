"""The times of a first card: waits for outcomes, windows, what is kept, the reference."""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta

from monitor.cards.sample import Sample
from monitor.settings.values import duration_text

_ROWS = 100
"""Predictions that a detection window should hold."""

_HOUR, _DAY, _MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
_WINDOWS = (
    (timedelta(minutes=5), _HOUR, _DAY),
    (_HOUR, 6 * _HOUR, _DAY),
    (_HOUR, _DAY, 7 * _DAY),
    (_DAY, 7 * _DAY, 28 * _DAY),
    (_DAY, 28 * _DAY, 364 * _DAY),
)
MOST = 0.9
"""Part of the outcomes that is waited for before they are read."""

_HORIZONS = tuple(timedelta(days=days) for days in (1, 7, 30, 90, 180, 365, 730, 1825))


def times(sample: Sample) -> Iterator[str]:
    """The lines of the card that say how long things take, with what the sample shows of it."""
    horizon = timedelta(days=90)
    if not sample.delays:
        yield f"label_horizon: {duration_text(horizon)}   # no outcome in the sample: a guess"
    else:
        delay = max(sample.delays)
        horizon = next((length for length in _HORIZONS if length >= delay), _HORIZONS[-1])
        days = math.ceil(delay / _DAY)
        yield f"label_horizon: {duration_text(horizon)}   # longest wait for an outcome: {days}d"
    yield from _alarms(sample.delays, horizon)
    profile, detect, publish = _windows(sample.hourly)
    shown = [duration_text(length) for length in (profile, detect, publish)]
    yield f"# {_rate(sample.hourly)}: a detect window should hold {_ROWS} or more."
    yield "windows: {{profile: {}, detect: {}, publish: {}}}".format(*shown)
    yield "lateness: 10m   # how late an event may be before its window closes"
    yield from _retention(sample, horizon + publish)
    yield "# reference: what drift is measured against; one of:"
    yield '#   {file: training.jsonl.gz} or {version: "1"}'
    if sample.first is not None and sample.last is not None:
        start, end = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (sample.first, sample.last))
        yield f'#   {{window: {{from: "{start}", to: "{end}"}}}}'
        yield "#   which is all of the sample: end it earlier to see what changed within it"


def _alarms(delays: Sequence[timedelta], horizon: timedelta) -> Iterator[str]:
    """When outcomes are read for pages: once, at the age by which most have come."""
    yield "# The age of predictions at which their outcomes are read for pages on accuracy, once;"
    yield "# later ones call nobody. Best where most are known, which label_delay_p90 will say."
    if not delays:
        yield "# alarms: {labels_after: 30d}   # without it label_horizon"
        return
    most = sorted(delays)[math.ceil(MOST * len(delays)) - 1]
    unit = _HOUR if most <= 2 * _DAY else _DAY
    after = duration_text(min(math.ceil(most / unit) * unit, horizon))
    yield f"alarms: {{labels_after: {after}}}   # {MOST:.0%} of the sample's outcomes came by then"


def _retention(sample: Sample, least: timedelta) -> Iterator[str]:
    """How long events are kept, where the usual length would remove some of the sample soon."""
    reach = sample.last - sample.first if sample.first and sample.last else timedelta(0)
    usual = timedelta(days=400)
    if max(reach + _MONTH, least) <= usual:
        return
    year = timedelta(days=365)
    kept = max((math.ceil(reach / year) + 1) * year, 2 * least, usual)
    yield f"# The sample reaches back {math.ceil(reach / _DAY)} days. mbm maintain, and mbm run,"
    yield "# remove events that are further behind the newest than this:"
    yield f"retention: {{events: {duration_text(kept)}}}"


def _windows(hourly: float) -> tuple[timedelta, timedelta, timedelta]:
    """The shortest windows whose detect window holds enough predictions."""
    return next((w for w in _WINDOWS if hourly * (w[1] / _HOUR) >= _ROWS), _WINDOWS[-1])


def _rate(hourly: float) -> str:
    if hourly >= 1:
        return f"About {hourly:.0f} predictions an hour"
    return f"About {hourly * 24:.2g} predictions a day"
