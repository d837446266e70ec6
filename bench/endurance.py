"""Two thousand small commits with upkeep: whether cost and memory stay flat."""

import tempfile
from collections.abc import Iterator
from functools import partial
from statistics import mean
from typing import Any

from bench.child import answer, cpu, measured, memory
from bench.figures import Figure, Goal

ROWS = 100
UPKEEP_EVERY = 100
WARM = 200
"""Commits after which memory counts as settled, and over which cost is averaged."""


def figures(*, quick: bool) -> Iterator[Figure]:
    """Cost of the last commits beside the first, memory at the end beside the start."""
    count = 600 if quick else 2_000
    told = measured("bench.endurance", count=count).told
    yield Figure(
        f"small commit, of the last {WARM} of {count:,}",
        told["last"],
        "CPU ms",
        f"of the first {WARM}",
        told["first"],
        goal=Goal(1.25, of="ratio"),
    )
    yield Figure(f"upkeep per commit, of {count:,}", told["upkeep"], "CPU ms")
    yield Figure(
        f"memory after {count:,} commits",
        told["end"],
        "MB",
        f"after {WARM}",
        told["start"],
        goal=Goal(1.25, of="ratio"),
    )


def commits(count: int) -> dict[str, Any]:
    """CPU milliseconds of commits while another process keeps the log small."""
    from bench.commits import START, predictions, store
    from monitor.log.events import EventLog
    from monitor.log.store import Store

    costs: list[float] = []
    upkeep = 0.0
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Store(folder))
        rows = predictions(ROWS, 5, 15, START, 300_000_000, 0)
        for k in range(count):
            costs.append(1e3 * cpu(partial(store, log, rows, "p", k * ROWS - 1)))
            if k % UPKEEP_EVERY == UPKEEP_EVERY - 1:
                upkeep += 1e3 * measured("bench.upkeep", store=folder).told["cpu"]
            if k == WARM:
                told["start"] = memory()
    return {
        **told,
        "end": memory(),
        "first": mean(costs[:WARM]),
        "last": mean(costs[-WARM:]),
        "upkeep": upkeep / count,
    }


if __name__ == "__main__":
    answer(commits)
