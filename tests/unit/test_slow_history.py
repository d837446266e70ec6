"""Outcomes in the slow tier: read late, in standard deviations, and their drift told."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from monitor.detection.made import Made
from monitor.detection.readings import History
from monitor.detection.slow import Tickets, checked, drift, threshold
from monitor.detection.slow_blocks import SHORT, blocked
from monitor.detection.slow_family import harmless
from monitor.detection.weights import weights
from monitor.jobs.slow_history import _of_outcomes
from monitor.jobs.watched import Reader
from monitor.profiles.layout import Ints
from monitor.profiles.windows import DAY
from tests.unit.test_detection_truths import TWO, simulated

SEED = 20_261_130
REFERENCE, LATER = 25 * 7, 15 * 7
END = REFERENCE * DAY


def read(sums: Ints) -> Made | None:
    """Signals of days with these outcomes, a third of which another version had."""
    reader = SimpleNamespace(
        plan=SimpleNamespace(contract=TWO),
        late=SimpleNamespace(
            scale=1.0,
            outcomes=lambda *_: {("1", ""): sums - sums // 3, ("2", ""): sums // 3},
        ),
    )
    return _of_outcomes(cast("Reader", reader), (0, len(sums) * DAY), DAY, END)


def tickets(fall: float, seed: int) -> list[tuple[int, str]]:
    """Weeks after the reference with a ticket, and its signal."""
    sums = simulated(REFERENCE, seed, 200)
    weeks = [
        simulated(7, seed + 1 + week, 200, fall * min(week / 8, 1.0)) for week in range(LATER // 7)
    ]
    made = read(np.concatenate([sums, *weeks]))
    assert made is not None
    streams = made.streams
    history = History(DAY, 0, streams.value, streams.rows, streams.variance)
    every = blocked(history, streams.kinds, REFERENCE, SHORT)
    assert every.usable.all()
    quiet = harmless(every)
    each = weights(made.signals, {"truth": 0.03, "calibration": 0.02, "reliance": 0.02}, [""])
    known, found = Tickets(np.zeros(len(made.signals), np.int64), 0), []
    for week in range(1, LATER // 7 + 1):
        n = every.reference + week
        until = every.until(n)
        limit = threshold(SHORT, 1.0)
        known, told = checked(known, drift(until, quiet), until, weights=each, limit=limit)
        if told is not None:
            found.append((week, made.signals[told.signals[0]].path))
    return found


def test_means_of_outcomes_are_told_in_standard_deviations() -> None:
    made = read(simulated(REFERENCE, SEED, 200))
    assert made is not None
    names = [signal.name for signal in made.signals]
    assert names == ["truth/accuracy", "calibration/bias", "calibration/slope", "reliance/followed"]
    bias, rows = made.streams.value[1], made.streams.rows[1]
    assert (bias * np.sqrt(rows)).std() == pytest.approx(1, abs=0.15)
    assert made.signals[1].unit == "sigma"
    assert made.signals[0].unit == "share"


def test_a_reference_without_outcomes_has_none_in_the_slow_tier() -> None:
    sums = simulated(REFERENCE + LATER, SEED, 20)
    sums[:REFERENCE] = 0
    assert read(sums) is None


def test_a_slow_fall_of_accuracy_has_its_ticket_and_nothing_else_has() -> None:
    found = tickets(0.3, SEED)
    assert found
    assert found[0][0] <= 12
    assert found[0][1] in ("truth/accuracy", "calibration/slope")
    assert tickets(0.0, SEED) == []
