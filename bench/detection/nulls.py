"""False pages on histories without a change: real ones redrawn by the block, long simulations."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bench.detection.figures import Rate
from bench.detection.shared import FOLDER, NAMES, shuffled, stream
from bench.detection.worlds import KINDS, WEIGHTS, C, D, World, history, model
from monitor.detection import pager
from monitor.detection.baseline import learned
from monitor.detection.readings import History
from monitor.detection.slow import Tickets, checked, drift, threshold
from monitor.detection.slow_blocks import LONG, blocked
from monitor.detection.slow_family import harmless
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import DAY

LIMIT: Final = 720.0
DAILY: Final = 30.0
"""What a card with daily windows and a page a month has."""

MONITORED: Final = 720
REFERENCES: Final = (30, 60, 120, 365, 1_095)
"""Windows of reference, here days: from a month to three years."""


@dataclass(frozen=True, slots=True)
class Null:
    """A way to draw histories in which nothing changes.

    Attributes:
        name: in tables.
        folder: of the shared stream; empty for a simulated one.
        windows: of the stream that are drawn from; 0 for all.
        block: windows per block.
        period: windows after which things repeat; 0 to draw from any time.
        least: windows of reference that it needs.
    """

    name: str
    folder: str
    windows: int
    block: int
    period: int = 0
    least: int = 30


SHARED: Final = (
    Null("census, weeks of 2015", NAMES[0], 364, 7),
    Null("judge, fortnights", NAMES[1], 0, 14, least=60),
    Null("weather, three days from any time", NAMES[2], 0, 3),
    Null("weather, months from the same month", NAMES[2], 0, 30, 365, least=365),
)
"""A season needs a reference that has seen it, so the last has a year at least; of a fortnight
with weekends off the judge's thirty days hold too few windows to be armed."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Windows of reference and then of monitoring, with their signals."""

    kinds: Ints
    weights: Floats
    history: History


def is_there() -> bool:
    """Whether the shared streams are beside the checkout."""
    return FOLDER.is_dir()


def drawn(null: Null, reference: int, seed: int, monitored: int = MONITORED) -> Drawn:
    """One history of a real stream."""
    source = stream(null.folder)
    rng = np.random.default_rng((seed, reference, 53))
    windows = null.windows or len(source.rows) // 7 * 7
    places = shuffled(rng, windows, reference + monitored, null.block, null.period)
    every, found = source.drawn(places, reference)
    return Drawn(every.kinds.astype(np.int64), every.weights, found)


def simulated(world: World, reference: int, seed: int) -> Drawn:
    """One long history of a simulated model, in days."""
    hours = 24 * (reference + MONITORED)
    one = model(replace(world, rows=50), seed, 24 * reference, 24 * MONITORED)
    found, _ = history(one, seed)
    shape = (len(KINDS), hours // 24, 24)
    rows = found.rows.reshape(shape)
    total = rows.sum(axis=2)
    value = (rows * found.value.reshape(shape)).sum(axis=2) / np.maximum(total, 1)
    first = found.first * found.length // DAY
    days = History(DAY, first, value, total, 1 / np.maximum(total, 1))
    return Drawn(KINDS.astype(np.int64), WEIGHTS, days)


def pages(one: Drawn, reference: int, limit: float = LIMIT) -> Rate:
    """False pages per 720 windows at an evidence limit; each crossing counts."""
    whole = one.history
    state = learned(whole.span(0, reference), one.kinds.astype(np.int8), one.weights)
    watch = pager.started(state)
    count, nothing = 0, np.zeros(state.signals)
    for t in range(reference, whole.value.shape[1]):
        watch, call, _ = pager.step(
            watch,
            whole.first + t,
            whole.at(t),
            weights=one.weights,
            tolerance=nothing,
            limit=limit,
        )
        if call.incident is not None:
            count += 1
            watch = pager.closed(watch, call.incident)
    return Rate(count, (whole.value.shape[1] - reference) / 720)


def tickets(one: Drawn, reference: int) -> Rate:
    """False slow tickets per quarter, with a year of reference or more."""
    whole = one.history
    blocks = blocked(whole, one.kinds.astype(np.int8), whole.first + reference, LONG)
    quiet, limit = harmless(blocks), threshold(LONG, 1.0)
    open_ones, count = Tickets(np.zeros(len(one.kinds), np.int64)), 0
    for n in range(blocks.reference + 1, blocks.value.shape[1] + 1):
        until = blocks.until(n)
        found = drift(until, quiet)
        open_ones, told = checked(open_ones, found, until, weights=one.weights, limit=limit)
        count += told is not None and told.is_new
    return Rate(count, (blocks.value.shape[1] - blocks.reference) * LONG / (91 * DAY))


LONG_WORLDS: Final = (C, D)
