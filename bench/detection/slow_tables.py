"""False slow tickets, and how soon a drift has one."""

from dataclasses import replace
from typing import Final

import numpy as np

from bench.detection.figures import Delays, Rate, table, total
from bench.detection.slow_worlds import KINDS, SLOW_WORLDS, days
from bench.detection.worlds import WEIGHTS
from monitor.detection.readings import History
from monitor.detection.slow import Tickets, checked, drift, threshold
from monitor.detection.slow_blocks import LONG, blocked
from monitor.detection.slow_family import harmless
from monitor.profiles.windows import DAY

REFERENCE: Final = 364
MONITORED: Final = 364
MODELS: Final = 30
DRIFTS: Final = ((0.25, 60), (0.5, 180))
"""Sigma, and days until it is reached."""

LOCATIONS: Final = 48
"""Streams that drift in turn: shares, means and the locations of numbers."""


SETTING: Final = """\
A year of reference, a year of monitoring in blocks of 28 days, 500 rows a day; budget 1 a quarter.
Days to the ticket, median / 90th percentile, and what was ticketed within 100 days. Goals: at most
0.25 false tickets a quarter in every world, 90% of the drifts to 0.25 sigma in 100 days."""


def slow_section(scale: float) -> str:
    """The table of the slow tier."""
    rows = []
    every: list[float] = []
    for world in SLOW_WORLDS:
        false: list[Rate] = []
        found: dict[tuple[float, int], list[float]] = {d: [] for d in DRIFTS}
        for seed in range(max(int(MODELS * scale), 1)):
            quiet = days(world, REFERENCE + MONITORED, seed)
            told = _tickets(quiet)
            false.append(Rate(sum(is_new for _, is_new, _ in told), MONITORED / 91))
            rng = np.random.default_rng((seed, 61))
            for size, length in DRIFTS:
                row = _location(int(rng.integers(0, LOCATIONS)))
                start = REFERENCE + int(rng.integers(0, 28))
                value = quiet.value.copy()
                ramp = np.clip((np.arange(value.shape[1]) - start) / length, 0, 1)
                value[row] += size * ramp
                ends = [
                    day - start
                    for day, _, signals in _tickets(replace(quiet, value=value))
                    if row in signals and day > start
                ]
                found[size, length].append(ends[0] if ends else np.inf)
        cells = [_told(found[d]) for d in DRIFTS]
        every += found[DRIFTS[0]]
        rows.append([world.name, total(false), *cells])
        print(*rows[-1], flush=True)
    head = ["world", "false tickets per quarter", *(f"{s} sigma in {n} days" for s, n in DRIFTS)]
    return "\n\n".join(
        [
            "## Slow tickets",
            f"{SETTING} Over all worlds: {np.mean(np.array(every) <= 100):.0%}.",
            table(head, rows),
        ]
    )


def _location(place: int) -> int:
    """Stream of one of the shares, means, and locations of numbers."""
    return place if place < 32 else 32 + 4 * (place - 32)


def _told(ends: list[float]) -> str:
    soon = float((np.array(ends) <= 100).mean())
    return f"{Delays(tuple(ends))}; {soon:.0%} in 100"


def _tickets(history: History) -> list[tuple[int, bool, tuple[int, ...]]]:
    """Day, whether it is new, and signals of each ticket."""
    blocks = blocked(history, KINDS, history.first + REFERENCE, LONG)
    quiet, limit = harmless(blocks), threshold(LONG, 1.0)
    state, found = Tickets(np.zeros(len(KINDS), np.int64)), []
    for n in range(blocks.reference + 1, blocks.value.shape[1] + 1):
        until = blocks.until(n)
        state, told = checked(state, drift(until, quiet), until, weights=WEIGHTS, limit=limit)
        if told is not None:
            day = n * LONG // DAY
            found.append((day, told.is_new, told.signals))
    return found
