"""Simulated models over years of days, for drift that is slower than any window."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.detection.worlds import OF_SIGNAL, SIGNALS, TEAM, WEIGHTS, autoregressive
from monitor.detection.readings import History, Kind
from monitor.profiles.layout import Floats
from monitor.profiles.windows import DAY

ROWS: Final = 500
"""Rows a day; a drift of months is to be seen in little traffic."""

FIRST: Final = 20_549
"""Number of the first day, a Monday."""

KINDS: Final = np.full(len(WEIGHTS), Kind.NORMAL, np.int8)
"""All in sigma, shares too, as the slow tier takes them."""


@dataclass(frozen=True, slots=True)
class SlowWorld:
    """What goes on over the years while nothing is wrong.

    Attributes:
        name: in tables.
        week: whether weekends differ.
        wander: decay per day and deviation of a daily wandering; None for none.
        tails: degrees of freedom of its shocks.
        season: largest amplitude of a yearly season, in sigma.
        walk: deviation that every fifth signal's random walk has after 180 days, in sigma.
    """

    name: str
    week: bool = True
    wander: tuple[float, float] | None = None
    tails: int | None = None
    season: float = 0.0
    walk: float = 0.0


SLOW_WORLDS: Final = (
    SlowWorld("a: nothing but sampling", week=False),
    SlowWorld("b: weeks", week=True),
    SlowWorld("c: wandering for hours", wander=(0.02, 0.016)),
    SlowWorld("d: wandering, heavy tails", wander=(0.15, 0.14), tails=5),
    SlowWorld("e: wandering for a month", wander=(0.97, 0.05)),
    SlowWorld("f: a yearly season", wander=(0.02, 0.016), season=0.2),
    SlowWorld("g: random walks", wander=(0.02, 0.016), walk=0.1),
)


def days(world: SlowWorld, count: int, seed: int) -> History:
    """Daily windows of the streams of one model."""
    rng = np.random.default_rng((seed, 31))
    shape = (len(WEIGHTS), count)
    t = np.arange(count)
    is_weekend = t % 7 >= 5
    n = ROWS * np.where(is_weekend, 0.7, 1.12) * rng.gamma(25, 1 / 25, count)
    is_team = np.array([SIGNALS[s].startswith("team") for s in OF_SIGNAL])
    rows = np.maximum(rng.poisson(np.where(is_team[:, None], TEAM * n, n)), 1)
    mean = np.zeros(shape)
    if world.week:
        mean += rng.choice([-0.15, 0.15], (shape[0], 1)) * np.where(is_weekend, 0.6, -0.24)
    if world.wander is not None:
        phi, size = world.wander
        common = autoregressive(rng, (1, count), phi, world.tails)
        own = autoregressive(rng, shape, phi, world.tails)
        sign = rng.choice([-1.0, 1.0], (shape[0], 1))
        mean += size * (np.sqrt(0.3) * sign * common + np.sqrt(0.7) * own)
    if world.season:
        amplitude = rng.uniform(0, world.season, (shape[0], 1))
        year = 2 * np.pi * t / 364
        mean += amplitude * (np.cos(year + rng.uniform(0, 6.28, (shape[0], 1))))
        mean += 0.3 * amplitude * np.cos(2 * year + rng.uniform(0, 6.28, (shape[0], 1)))
    if world.walk:
        steps = rng.standard_normal(shape) * world.walk / np.sqrt(180)
        mean += steps.cumsum(axis=1) * (rng.random((shape[0], 1)) < 0.2)
    value: Floats = mean + rng.standard_normal(shape) / np.sqrt(rows)
    return History(DAY, FIRST, value, rows.astype(np.float64), 1 / rows)
