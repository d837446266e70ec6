"""A baseline finds its level, however many deviations from 0 that is."""

import math

import numpy as np
import pytest

from monitor.detection import pager
from monitor.detection.baseline import learned
from monitor.detection.pager import Watch
from monitor.detection.readings import History, Kind, Reading
from monitor.profiles.layout import Floats

HOUR = 3_600
FIRST = 480_000
LEARNED = 40 * 24
WATCHED = 400
MOVED = 300
"""Watched windows before the signal moves by two deviations."""


def signal(kind: Kind, rows: int) -> tuple[Floats, float]:
    """Values of consecutive windows, and the sampling variance that readings give."""
    rng = np.random.default_rng(1)
    moved = np.repeat([0.0, 2.0], [LEARNED + MOVED, WATCHED - MOVED])
    if kind is Kind.SHARE:
        return rng.binomial(rows, 0.5 + moved * math.sqrt(0.25 / rows)) / rows, 1.0
    if kind is Kind.COUNT:
        return np.log(rng.poisson(rows * np.exp(moved / math.sqrt(rows))) + 0.5), 1.0
    deviation = math.sqrt(0.09 / rows)
    return rng.normal(0.9 + moved * deviation, deviation), deviation**2


def past_of(values: Floats, rows: int, variance: float) -> History:
    """The windows that a baseline is learned from."""
    past = values[:LEARNED][None]
    return History(HOUR, FIRST, past, np.full_like(past, rows), np.full_like(past, variance))


def paged(kind: Kind, values: Floats, rows: int, variance: float) -> list[int]:
    """Watched windows that opened a page."""
    history = past_of(values, rows, variance)
    watch = pager.started(learned(history, np.array([kind], np.int8)))
    return watched(watch, values[LEARNED:], rows, variance)


def watched(watch: Watch, values: Floats, rows: int, variance: float) -> list[int]:
    """Places of the windows after the reference that opened a page."""
    found = []
    for place, value in enumerate(values):
        reading = Reading(np.array([value]), np.array([float(rows)]), np.array([variance]))
        watch, call, _ = pager.step(
            watch,
            FIRST + LEARNED + place,
            reading,
            weights=np.ones(1),
            tolerance=np.zeros(1),
            limit=720.0,
        )
        found += [place] * call.is_page
    return found


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("rows", [1_000, 100_000, 10_000_000])
def test_a_shift_is_seen_and_nothing_else_at_any_number_of_rows(kind: Kind, rows: int) -> None:
    # At 100,000 rows a mean of 0.9 lies a thousand deviations from 0.
    values, variance = signal(kind, rows)
    (page,) = paged(kind, values, rows, variance)
    assert MOVED <= page <= MOVED + 24


@pytest.mark.parametrize("level", [1.0, 40_000.0, -3e-7])
def test_a_constant_is_silent_until_it_is_none(level: float) -> None:
    values = np.full(LEARNED + WATCHED, level)
    assert paged(Kind.NORMAL, values, 1_000, 0.0) == []
    values[LEARNED + MOVED :] *= 1.001
    (page,) = paged(Kind.NORMAL, values, 1_000, 0.0)
    assert MOVED <= page <= MOVED + 24


@pytest.mark.parametrize("shift", [0.0, 3.0, 50.0, 1_000.0])
@pytest.mark.parametrize("begin", ["version", "accepted"])
def test_a_new_normal_is_found_however_far_away(shift: float, begin: str) -> None:
    rows = 100_000
    values, variance = signal(Kind.NORMAL, rows)
    state = learned(past_of(values, rows, variance), np.array([Kind.NORMAL], np.int8))
    watch = pager.started(pager.of_new_version(state))
    if begin == "accepted":
        # Of what comes along with an accepted page nobody knows how far it has moved.
        watch = pager.accepted(pager.started(state), np.array([0]), np.zeros(1))
    later = values[LEARNED:][:MOVED] + shift * math.sqrt(variance)
    assert watched(watch, later, rows, variance) == []
