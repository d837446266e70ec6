"""What the detector promises, on seeded simulations; `make bench-detection` has the long ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.detection.pages import AFTER, OURS, Found, quiet, step
from bench.detection.worlds import (
    CHANGES,
    KINDS,
    OF_SIGNAL,
    OWN,
    REFERENCE,
    SIGNALS,
    WEIGHTS,
    A,
    C,
    World,
    history,
    model,
)
from monitor.detection import pager
from monitor.detection.baseline import learned
from monitor.detection.components import shape_of
from monitor.detection.readings import History, Kind, Reading
from monitor.detection.update import update
from monitor.metrics.neyman import polynomials
from monitor.profiles.layout import Floats

SEED = 20_261_129


def standard(rng: np.random.Generator, signals: int, windows: int, kind: Kind) -> History:
    rows = np.full((signals, windows), 400.0)
    if kind == Kind.SHARE:
        value = rng.binomial(400, 0.1, rows.shape) / 400
    elif kind == Kind.COUNT:
        value = np.log(np.maximum(rng.poisson(400, rows.shape), 1))
    else:
        value = rng.normal(size=rows.shape) / 20
    return History(3_600, 493_176, value, rows, 1 / rows)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_bets_hold_grows_by_at_most_one_a_window_on_average(kind: Kind) -> None:
    rng = np.random.default_rng(SEED)
    signals, windows = 1_500, 12
    state = learned(standard(rng, 4, 2_000, kind), np.full(4, kind, np.int8))
    many = state.take(np.arange(signals) % 4)
    after = standard(rng, signals, windows, kind)
    nobody, nothing = np.zeros(signals, np.bool_), np.zeros(signals)
    for t in range(windows):
        many, found = update(many, state.number + 1 + t, after.at(t), nothing, nobody)
        held = np.exp(found.log_r)
        error = held.std() / np.sqrt(signals)
        assert held.mean() <= t + 1 + 3 * error


@given(st.lists(st.integers(0, 500), min_size=2, max_size=60), st.floats(1, 1e5))
@settings(max_examples=200, deadline=None)
def test_every_reference_has_components_of_mean_0_and_variance_1(
    counts: list[int], typical: float
) -> None:
    shape = shape_of(np.array(counts), typical)
    if shape is None:
        return
    assert shape.share.sum() == pytest.approx(1)
    assert shape.weights.sum() == pytest.approx(1)
    again = shape.values(np.array(counts))
    if not shape.polynomials.shape[1]:
        assert again[0] == pytest.approx(shape.share[1])
        return
    assert again == pytest.approx(np.zeros(len(again)), abs=1e-8)
    square = (shape.polynomials.T * shape.share) @ shape.polynomials
    assert square == pytest.approx(np.eye(len(square)), abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_polynomials_rise_in_location(seed: int, bins: int, degree: int) -> None:
    share = np.random.default_rng(seed).dirichlet(np.ones(bins)) + 1e-3
    found = polynomials(share / share.sum(), min(degree, bins - 1))
    assert (np.diff(found[:, 0]) > 0).all()


@given(st.integers(0, 2**32 - 1), st.sets(st.integers(0, 29), max_size=12))
@settings(max_examples=20, deadline=None)
def test_gaps_and_restarts_change_no_bit(seed: int, missing: set[int]) -> None:
    rng = np.random.default_rng(seed)
    whole = standard(rng, 2, 130, Kind.NORMAL)
    state = learned(whole.span(0, 100), np.zeros(2, np.int8))
    told = left_out = state
    nothing, nobody = np.zeros(2), np.zeros(2, np.bool_)
    for t in range(30):
        number = state.number + 1 + t
        is_missing = t in missing
        reading = Reading.missing(2) if is_missing else whole.at(100 + t)
        told, _ = update(type(told).from_bytes(told.to_bytes()), number, reading, nothing, nobody)
        if not is_missing:
            left_out, _ = update(left_out, number, reading, nothing, nobody)
    last = Reading(*(np.full(2, x) for x in (0.0, 400.0, 1 / 400)))
    one, _ = update(told, state.number + 40, last, nothing, nobody)
    other, _ = update(left_out, state.number + 40, last, nothing, nobody)
    assert one.to_bytes() == other.to_bytes()


@pytest.mark.parametrize("world", [A, C], ids=["a", "c"])
def test_a_quiet_model_is_not_paged_for_two_months(world: World) -> None:
    found = Found()
    quiet(found, world, 4, with_rivals=False)
    assert found.pages[OURS].events <= 1


@pytest.mark.parametrize("name", ["slow trend", "two memories", "volume"])
def test_what_a_card_tolerates_calls_nobody_for_two_months(name: str) -> None:
    found = Found()
    world = next(w for w in OWN if w.name == name)
    quiet(found, world, 4, with_rivals=False, is_tolerant=True)
    assert found.pages[OURS].events <= 1


def test_changes_of_a_wandering_model_are_paged_in_hours_and_named() -> None:
    simulated = model(C, 5)
    windows, _ = history(simulated, 5)
    watch = pager.started(learned(windows.span(0, REFERENCE), KINDS, WEIGHTS))
    at = REFERENCE + 100
    for t in range(REFERENCE, at):
        watch, _ = step(watch, windows, t)
    rng = np.random.default_rng(SEED)
    found: list[tuple[float, bool]] = []
    for change in (c for c in CHANGES if c.name in {"mean +0.25 sigma", "rate 5 to 8 %"}):
        some = [s for s, group in enumerate(SIGNALS) if group == change.group][:8]
        for signal in some:
            value, _ = simulated.drawn(rng, signal, change, at)
            found.append(paged(watch, windows, at, signal, value))
    delays = sorted(delay for delay, _ in found)
    assert delays[len(delays) // 2] <= 6
    assert sum(is_right for _, is_right in found) >= len(found) - 1


def paged(
    watch: pager.Watch, windows: History, at: int, signal: int, value: Floats
) -> tuple[float, bool]:
    """Windows until the first page, and whether it names the signal."""
    for t in range(at, at + AFTER):
        reading = windows.at(t)
        changed = reading.value.copy()
        changed[signal == OF_SIGNAL] = value[:, t]
        watch, call = step(watch, windows, t, replace(reading, value=changed))
        if call.incident is not None:
            return t - at + 1, bool(OF_SIGNAL[call.leads[0].signal] == signal)
    return np.inf, False
