"""CPU and room of the detector: learning baselines, one window of 10,000 signals."""

from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.child import answer, cpu, measured
from bench.figures import Figure, Goal

ROUNDS = 9
SIGNALS = 10_000
YEAR = 365 * 24
LEARNED = 500
"""Signals that the figure of learning is told for; a few of them are learned and scaled up."""


def figures(*, quick: bool) -> Iterator[Figure]:
    """Half of the signals are shares, whose bets cost most; all have all seasons."""
    told = measured("bench.detect", some=4 if quick else 16).told
    yield Figure(
        f"one window of {SIGNALS:,} signals", told["update"] * 1e3, "CPU ms", goal=Goal(50)
    )
    yield Figure("state of a signal", told["bytes"] / 1e3, "kB", goal=Goal(8))
    yield Figure(f"{LEARNED} signals learned from a year of hours", told["learn"], "CPU s")


def compared(some: int) -> dict[str, Any]:
    """CPU seconds of an update and of learning, bytes of a state."""
    import numpy as np

    from monitor.detection.baseline import learned
    from monitor.detection.readings import History, Kind
    from monitor.detection.state import State
    from monitor.detection.update import update

    rng = np.random.default_rng(7)
    t = np.arange(YEAR)
    season = 0.15 * np.cos(2 * np.pi * t / 24) + 0.1 * (t // 24 % 7 >= 5) * np.sin(np.pi * t / 12)
    rows = np.full((some, YEAR), 1_000.0)
    kinds = np.array([Kind.NORMAL, Kind.SHARE] * (some // 2), np.int8)
    number = season + rng.normal(size=rows.shape) / np.sqrt(rows)
    share = rng.binomial(1_000, 0.05 * np.exp(season), rows.shape) / rows
    value = np.where((kinds == Kind.SHARE)[:, None], share, number)
    history = History(3_600, 493_176, value, rows, 1 / rows)
    learned(history.span(0, 200), kinds)
    learning = cpu(lambda: learned(history, kinds))
    state = learned(history, kinds)
    many = state.take(np.arange(SIGNALS) % some)
    last = history.at(YEAR - 1)
    reading = type(last)(
        *(np.tile(x, SIGNALS // some + 1)[:SIGNALS] for x in (last.value, last.rows, last.variance))
    )
    nothing, nobody = np.zeros(SIGNALS), np.zeros(SIGNALS, np.bool_)

    def act() -> object:
        return update(many, many.number + 1, reading, nothing, nobody)

    act()
    spent = [cpu(act) for _ in range(ROUNDS)]
    assert State.from_bytes(state.to_bytes()).to_bytes() == state.to_bytes()
    return {
        "update": median(spent),
        "learn": learning / some * LEARNED,
        "bytes": len(state.to_bytes()) / some,
    }


if __name__ == "__main__":
    answer(compared)
