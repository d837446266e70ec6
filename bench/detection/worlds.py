"""Simulated models whose windows are known not to change, or to change when and as asked."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.signal import lfilter
from scipy.stats import norm

from monitor.detection.components import WEIGHTS as SHAPE_WEIGHTS
from monitor.detection.readings import History, Kind
from monitor.metrics.neyman import polynomials
from monitor.profiles.layout import Floats, Ints

HOUR: Final = 3_600
REFERENCE: Final = 28 * 24
MONITORED: Final = 60 * 24
FIRST: Final = 493_176
"""Number of the first window, a Monday."""

GROUPS: Final = (("share", 16), ("mean", 16), ("numeric", 16), ("team share", 6), ("team mean", 6))
SIGNALS: Final = tuple(name for name, count in GROUPS for _ in range(count))
TEAM: Final = 0.05
"""Share of the traffic that a team's signals see."""

_BINS: Final = np.full(10, 0.1)
EDGES: Final = norm.ppf(np.arange(1, 10) / 10)
POLYNOMIALS: Final = polynomials(_BINS, 4)


@dataclass(frozen=True, slots=True)
class World:
    """What goes on in a model while nothing is wrong.

    Attributes:
        name: in tables.
        rows: per hour, on average.
        seasons: whether volume and behaviour follow the hour and the weekend.
        wander: decay per hour of real, harmless wandering; None for none.
        size: standard deviation of that wandering, in sigma; twice as much on the logit.
        second: decay and size of a second, slower wandering beside it.
        tails: degrees of freedom of its shocks; None for normal ones.
        holidays: days like a Sunday on a weekday, with a third of the traffic.
        outages: hours without or nearly without traffic, and a week without any.
        trend: benign change per 30 days, in sigma.
        volume: factors on the traffic from days 10 and 35 of monitoring on.
    """

    name: str
    rows: int
    seasons: bool = True
    wander: float | None = None
    size: float = 0.04
    second: tuple[float, float] | None = None
    tails: int | None = None
    holidays: bool = False
    outages: bool = False
    trend: float = 0.0
    volume: tuple[float, float] = (1.0, 1.0)


A: Final = World("a", 1_000, seasons=False)
B: Final = World("b", 1_000)
C: Final = World("c", 1_000, wander=0.6)
D: Final = World("d", 1_000, wander=0.85, tails=5)
OWN: Final = (
    replace(C, name="heavy tails", tails=3, size=0.05),
    replace(C, name="two memories", size=0.03, second=(0.98, 0.04)),
    replace(C, name="nearly a random walk", wander=0.998, size=0.1),
    replace(C, name="holidays", holidays=True),
    replace(C, name="outages", outages=True),
    replace(C, name="slow trend", trend=0.05),
    replace(C, name="volume", volume=(0.4, 3.0)),
)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that really changes.

    Attributes:
        name: in tables.
        group: kind of signal it befalls.
        mean: shift, in sigma.
        share: what the share becomes.
        spread: factor on the spread.
        ramp: hours until it has its full size.
        hours: that it lasts; None for ever.
    """

    name: str
    group: str
    mean: float = 0.0
    share: float | None = None
    spread: float = 1.0
    ramp: int = 0
    hours: int | None = None


CHANGES: Final = (
    Change("mean +0.05 sigma", "mean", mean=0.05),
    Change("mean +0.10 sigma", "mean", mean=0.1),
    Change("mean +0.25 sigma", "mean", mean=0.25),
    Change("rate 5 to 6 %", "share", share=0.06),
    Change("rate 5 to 8 %", "share", share=0.08),
    Change("ramp of 7 days to 0.25 sigma", "numeric", mean=0.25, ramp=168),
    Change("glitch of 3 h, 0.5 sigma", "numeric", mean=0.5, hours=3),
    Change("0.25 sigma in one team", "team mean", mean=0.25),
    Change("spread x 1.2", "numeric", spread=1.2),
    Change("override 8 to 14 % in one team", "team share", share=0.14),
)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One simulated model: what is behind its windows, and one draw of them.

    Attributes:
        world: it lives in.
        rows: per window, shape (2, t): of all and of a team [rows].
        logit: log odds of each share, shape (s, t) in order of the signals; 0 elsewhere.
        mean: of each number, in sigma, shape (s, t).
        spread: factor on the spread of each number, shape (s, t).
    """

    world: World
    rows: Ints
    logit: Floats
    mean: Floats
    spread: Floats

    def rows_of(self, signal: int) -> Ints:
        """Rows per window that a signal sees."""
        found: Ints = self.rows[int(SIGNALS[signal].startswith("team"))]
        return found

    def drawn(
        self, rng: np.random.Generator, signal: int, change: Change | None = None, at: int = 0
    ) -> tuple[Floats, Ints | None]:
        """Values of a signal's streams, shape (k, t), and counts per bin of a numeric one."""
        n = self.rows_of(signal)
        hours = np.arange(len(n)) - at
        on: Any = np.zeros(len(n))
        if change is not None:
            on = np.clip((hours + 1) / max(change.ramp, 1), 0, 1) * (hours >= 0)
            on[hours >= (change.hours or len(n))] = 0
        many = np.maximum(n, 1)
        if SIGNALS[signal].endswith("share"):
            odds = self.logit[signal]
            if change is not None and change.share is not None:
                base = _base(signal)
                odds = odds + on * (_logit(change.share) - _logit(base))
            return (rng.binomial(n, 1 / (1 + np.exp(-odds))) / many)[None], None
        mean = self.mean[signal] + (on * change.mean if change else 0)
        spread = self.spread[signal] * (1 + on * (change.spread - 1 if change else 0))
        if SIGNALS[signal].endswith("mean"):
            return (mean + spread * rng.standard_normal(len(n)) / np.sqrt(many))[None], None
        below = norm.cdf((EDGES - mean[:, None]) / spread[:, None])
        part = np.diff(below, axis=1, prepend=0, append=1)
        counts = rng.multinomial(n, part / part.sum(axis=1, keepdims=True))
        return ((counts / many[:, None]) @ POLYNOMIALS).T, counts


def streams() -> list[tuple[int, int, float]]:
    """Signal, kind and weight of every stream, in order; teams share 0.3 of the weight."""
    found = []
    for signal, group in enumerate(SIGNALS):
        weight = 0.3 / 12 if group.startswith("team") else 0.7 / 48
        kind = Kind.SHARE if group.endswith("share") else Kind.NORMAL
        parts = SHAPE_WEIGHTS if group == "numeric" else (1.0,)
        found += [(signal, int(kind), weight * part) for part in parts]
    return found


STREAMS: Final = streams()
OF_SIGNAL: Final = np.array([s for s, _, _ in STREAMS])
KINDS: Final = np.array([k for _, k, _ in STREAMS], np.int8)
WEIGHTS: Final = np.array([w for _, _, w in STREAMS])


def model(world: World, seed: int, reference: int = REFERENCE, monitored: int = MONITORED) -> Model:
    """A model of a world."""
    rng = np.random.default_rng((seed, 17))
    t = np.arange(reference + monitored)
    weekend: Any = (t // 24 % 7 >= 5).astype(np.float64)
    holiday: Any = np.zeros(len(t), np.bool_)
    if world.holidays:
        for lowest, highest in ((2, 26), (30, 55), (56, 85)):
            holiday |= t // 24 == rng.integers(lowest, highest) // 7 * 7 + rng.integers(0, 5)
    weekend = np.where(holiday, 1.0, weekend)
    volume = np.ones(len(t))
    if world.seasons:
        volume = np.clip(1 + 0.5 * _day(rng, t, weekend), 0.15, None)
        volume = volume * rng.gamma(25, 1 / 25, len(t))
    volume = np.where(holiday, volume / 3, volume)
    for day, factor in zip((10, 35), world.volume, strict=True):
        volume = volume * np.where(t >= reference + 24 * day, factor, 1.0)
    if world.outages:
        volume = volume * _outages(rng, len(t), reference)
    rows = rng.poisson(world.rows * volume)
    rows = np.stack([rows, rng.binomial(rows, TEAM)])
    shape = (len(SIGNALS), len(t))
    season = np.zeros(shape)
    if world.seasons:
        season = np.stack([_day(rng, t, weekend) for _ in SIGNALS])
        season *= rng.choice([-1.0, 1.0], (shape[0], 1))
    wander, spread = np.zeros(shape), np.zeros(shape)
    if world.wander is not None:
        common = autoregressive(rng, (1, len(t)), world.wander, world.tails)
        own = autoregressive(rng, shape, world.wander, world.tails)
        wander = np.sqrt(0.3) * common + np.sqrt(0.7) * own
        spread = autoregressive(rng, shape, world.wander, world.tails)
    if world.second is not None:
        phi, size = world.second
        wander += size / world.size * autoregressive(rng, shape, phi, None)
    trend = world.trend * np.maximum(t - reference, 0) / 720
    base = np.array([_logit(_base(s)) for s in range(shape[0])])[:, None]
    return Model(
        world,
        rows,
        base + 0.2 * season + 2 * world.size * wander + 2 * trend,
        0.15 * season + world.size * wander + trend,
        np.exp(world.size / 2 * spread),
    )


def history(model: Model, seed: int) -> tuple[History, dict[int, Ints]]:
    """One draw of all streams, and the counts of the numeric signals."""
    values, rows, counts = [], [], {}
    for signal in range(len(SIGNALS)):
        rng = np.random.default_rng((seed, signal, 23))
        value, found = model.drawn(rng, signal)
        values.append(value)
        rows += [model.rows_of(signal)] * len(value)
        if found is not None:
            counts[signal] = found
    n = np.array(rows, np.float64)
    return History(HOUR, FIRST, np.concatenate(values), n, 1 / np.maximum(n, 1)), counts


def _base(signal: int) -> float:
    """Share of a signal while nothing changes."""
    if SIGNALS[signal] == "team share":
        return 0.08
    return 0.05 if signal < 8 else 0.2


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def _day(rng: np.random.Generator, t: Ints, weekend: Floats) -> Floats:
    """A day with one broad peak, flatter at weekends; mean 0 and deviation 1 on workdays."""
    wave = np.exp(2 * (np.cos(2 * np.pi * (t % 24 - rng.uniform(0, 24)) / 24) - 1))
    wave = (wave - wave.mean()) / wave.std()
    return np.asarray(wave * (1 - 0.4 * weekend) + 0.6 * weekend)


def autoregressive(
    rng: np.random.Generator, shape: tuple[int, int], phi: float, tails: int | None
) -> Floats:
    """Autoregressive noise of deviation 1."""
    before = 200 if phi < 0.99 else 2_000
    size = (shape[0], shape[1] + before)
    if tails is None:
        shock = rng.standard_normal(size)
    else:
        shock = rng.standard_t(tails, size) / np.sqrt(tails / (tails - 2))
    noise = lfilter([np.sqrt(1 - phi * phi)], [1, -phi], shock, axis=1)
    return np.asarray(noise[:, before:])


def _outages(rng: np.random.Generator, t: int, reference: int) -> Floats:
    """Factors on the traffic: four gaps a month, whole or nearly, and a week without any."""
    factor = np.ones(t)
    for _ in range(4 * t // 720):
        start, hours = rng.integers(0, t), rng.integers(1, 13)
        factor[start : start + hours] = rng.choice([0.0, 0.02])
    week = reference + int(rng.integers(240, 700))
    factor[week : week + 168] = 0.0
    return factor
