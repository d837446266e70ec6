"""False pages in worlds where nothing changes, and the delay of pages where something does."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from bench.detection.figures import Delays, Rate
from bench.detection.rivals import BLOCK, Raw, cusum, cusum_limit, paged, raw, rules
from bench.detection.worlds import (
    CHANGES,
    KINDS,
    MONITORED,
    OF_SIGNAL,
    REFERENCE,
    SIGNALS,
    WEIGHTS,
    Model,
    World,
    history,
    model,
)
from monitor.detection import pager
from monitor.detection.baseline import learned
from monitor.detection.readings import History, Reading
from monitor.detection.tolerance import tolerances
from monitor.profiles.layout import Floats, Ints

LIMIT: Final = 720.0
"""A: hourly windows and one page a month."""

OURS: Final = "this pager"
TICKETS: Final = "its ticket tier"
CUSUM: Final = "bootstrap CUSUM"
MONTHS: Final = MONITORED / 720
AFTER: Final = 336
"""Windows after a change in which it may be found."""

NOTHING: Final = np.zeros(len(KINDS))


@dataclass(slots=True)
class Found:
    """What was counted in one world.

    Attributes:
        pages: false pages per model-month by rule.
        delays: windows to the page of the changed signal, by change and rule.
        first_right: for each change, how often the first page named the changed signal.
        who: kinds of signal that led false pages.
    """

    pages: dict[str, Rate] = field(default_factory=dict)
    delays: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    first_right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    who: Counter[str] = field(default_factory=Counter)

    def count(self, rule: str, pages: int) -> None:
        self.pages[rule] = self.pages.get(rule, Rate(0, 0.0)) + Rate(pages, MONTHS)

    def delay(self, change: str, rule: str) -> Delays:
        return Delays(tuple(self.delays[change][rule]))


def step(
    watch: pager.Watch,
    history: History,
    place: int,
    reading: Reading | None = None,
    tolerance: Floats = NOTHING,
) -> tuple[pager.Watch, pager.Call]:
    """One window; incidents are closed at once, so that each crossing counts as a page."""
    watch, call, _ = pager.step(
        watch,
        history.first + place,
        history.at(place) if reading is None else reading,
        weights=WEIGHTS,
        tolerance=tolerance,
        limit=LIMIT,
    )
    return watch if call.incident is None else pager.closed(watch, call.incident), call


def quiet(
    found: Found, world: World, seed: int, *, with_rivals: bool = True, is_tolerant: bool = False
) -> None:
    """Count the false pages of a model to which nothing happens.

    Args:
        found: to count in.
        world: of the model.
        seed: of the model.
        with_rivals: whether the usual rules are tried too.
        is_tolerant: whether the tolerances are those of a card that says none, instead of 0.
    """
    simulated = model(world, seed)
    windows, counts = history(simulated, seed)
    reference = windows.span(0, REFERENCE)
    watch = pager.started(learned(reference, KINDS, WEIGHTS))
    tolerance = tolerances(reference, KINDS) if is_tolerant else NOTHING
    pages = tickets = 0
    for t in range(REFERENCE, REFERENCE + MONITORED):
        watch, call = step(watch, windows, t, tolerance=tolerance)
        tickets += call.is_ticket
        if call.incident is not None:
            pages += 1
            found.who[SIGNALS[OF_SIGNAL[call.leads[0].signal]]] += 1
    found.count(OURS, pages)
    found.count(TICKETS, tickets)
    if not with_rivals:
        return
    seen = [_raw(simulated, windows, counts, s) for s in range(len(SIGNALS))]
    every = rules(*(np.array([getattr(r, name) for r in seen]) for name in ("p", "psi", "sigma")))
    for rule, alarms in every.items():
        found.count(rule, paged(alarms[:, REFERENCE:].any(axis=0)))
    rings = np.zeros(MONITORED, np.bool_)
    for scaled in (z for r in seen for z in r.scaled):
        rings |= cusum(scaled, _limit(scaled))[REFERENCE:]
    found.count(CUSUM, paged(rings))


def _raw(simulated: Model, windows: History, counts: dict[int, Ints], signal: int) -> Raw:
    value = windows.value[np.flatnonzero(signal == OF_SIGNAL)]
    return raw(signal, value, simulated.rows_of(signal), counts.get(signal))


def _limit(scaled: Floats) -> float:
    blocks = int(3 * LIMIT * len(KINDS)) // BLOCK
    starts = np.random.default_rng(47).integers(0, REFERENCE, blocks)
    return cusum_limit(np.ascontiguousarray(scaled[:REFERENCE]), starts)


def changed(found: Found, world: World, seed: int, moments: int, *, with_rivals: bool) -> None:
    """Let every change befall a model at some moments, and take the time to its page."""
    simulated = model(world, seed)
    windows, counts = history(simulated, seed)
    watch = pager.started(learned(windows.span(0, REFERENCE), KINDS, WEIGHTS))
    rng = np.random.default_rng((seed, 41))
    p = np.array([_raw(simulated, windows, counts, s).p for s in range(len(SIGNALS))])
    at = REFERENCE
    for start in np.sort(rng.integers(240, MONITORED - AFTER, moments)) + REFERENCE:
        while at < start:
            watch, _ = step(watch, windows, at)
            at += 1
        for change in CHANGES:
            may = [s for s, group in enumerate(SIGNALS) if group == change.group]
            signal = int(rng.choice(may[:8] if change.group == "share" else may))
            value, bins = simulated.drawn(rng, signal, change, at)
            streams = np.flatnonzero(signal == OF_SIGNAL)
            _race(found, change.name, watch, windows, at, streams, value)
            if with_rivals:
                its = raw(signal, value, simulated.rows_of(signal), bins)
                _rivals(found, change.name, its, p, signal, at)


def _race(
    found: Found,
    name: str,
    watch: pager.Watch,
    windows: History,
    at: int,
    streams: Ints,
    value: Floats,
) -> None:
    """Run one changed model until the change is paged, or two weeks have passed."""
    is_first = True
    for t in range(at, at + AFTER):
        quiet_one = windows.at(t)
        changed_value = quiet_one.value.copy()
        changed_value[streams] = value[:, t]
        watch, call = step(watch, windows, t, replace(quiet_one, value=changed_value))
        if call.incident is None:
            continue
        is_right = call.leads[0].signal in streams
        if is_first:
            found.first_right[name].append(is_right)
        is_first = False
        if is_right:
            found.delays[name][OURS].append(t - at + 1)
            return
    found.delays[name][OURS].append(np.inf)


def _rivals(found: Found, name: str, its: Raw, p: Floats, signal: int, at: int) -> None:
    after = slice(at, at + AFTER)
    every = p[:, after].copy()
    every[signal] = its.p[after]
    nobody = np.zeros(every.shape, np.bool_)
    psi, sigma = nobody.copy(), nobody.copy()
    psi[signal], sigma[signal] = its.psi[after], its.sigma[after]
    alarms = {rule: rings[signal] for rule, rings in rules(every, psi, sigma).items()}
    rings = [cusum(z[at - 240 : at + AFTER], _limit(z))[240:] for z in its.scaled]
    alarms[CUSUM] = np.any(rings, axis=0)
    for rule, its_rings in alarms.items():
        first = int(its_rings.argmax()) + 1 if its_rings.any() else np.inf
        found.delays[name][rule].append(first)
