"""An open incident watches its signals on, and calls again when they go much further."""

import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from monitor.detection import pager
from monitor.detection.arming import WEEKS
from monitor.detection.baseline import learned
from monitor.detection.pager import Call, Watch
from monitor.detection.readings import History, Kind
from monitor.detection.state import MOVING, State

SEED = 20_261_127
HOUR = 3_600
FIRST = 493_176
REFERENCE = WEEKS * 7 * 24
ROWS = 1_000
M = 3
KINDS = np.array([Kind.NORMAL, Kind.NORMAL, Kind.SHARE], np.int8)
LIMIT = 720.0


def simulated(windows: int, seed: int = SEED) -> History:
    rng = np.random.default_rng(seed)
    value = np.stack(
        [
            *(rng.normal(size=(2, windows)) / np.sqrt(ROWS)),
            rng.binomial(ROWS, 0.2, windows) / ROWS,
        ]
    )
    rows = np.full((M, windows), float(ROWS))
    return History(HOUR, FIRST, value, rows, 1 / rows)


WHOLE = simulated(REFERENCE + 800)
BASELINE = learned(WHOLE.span(0, REFERENCE), KINDS)


def run(
    watch: Watch, start: int, count: int, level: Callable[[int], float], whole: History = WHOLE
) -> tuple[Watch, list[Call]]:
    """Windows from a start on after the reference, in which the first signal is shifted."""
    calls = []
    for t in range(start, start + count):
        reading = whole.at(REFERENCE + t)
        value = reading.value.copy()
        value[0] += level(t)
        watch, call, _ = pager.step(
            watch,
            FIRST + REFERENCE + t,
            replace(reading, value=value),
            weights=np.full(M, 1 / M),
            tolerance=np.zeros(M),
            limit=LIMIT,
        )
        calls.append(call)
    return watch, calls


def called(calls: list[Call]) -> list[tuple[int, str]]:
    return [
        (i, "page" if call.is_page else "worse")
        for i, call in enumerate(calls)
        if call.is_page or call.is_worse
    ]


@pytest.mark.parametrize("by", [0.1, 0.25, -0.5, 1.0, 5.0])
def test_a_lasting_change_that_nobody_answers_calls_once(by: float) -> None:
    watch, calls = run(pager.started(BASELINE), 0, 700, lambda _: by)
    assert [what for _, what in called(calls)] == ["page"]
    assert len(watch.open) == 1


def test_a_larger_change_of_the_same_signal_calls_again_and_says_by_how_much() -> None:
    watch, calls = run(pager.started(BASELINE), 0, 140, lambda t: 0.2 if t < 60 else 0.5)
    (first, _), (second, what) = called(calls)
    assert what == "worse"
    assert 60 <= second <= 63
    assert calls[second].incident == calls[first].incident == watch.open[0]
    lead = calls[second].leads[0]
    assert (lead.signal, lead.is_rise) == (0, True)
    assert abs(lead.effect - 0.3) < lead.half_width
    assert abs(lead.since - (FIRST + REFERENCE + 60)) <= 2
    assert watch.held.told[0] == pytest.approx(0.5, abs=0.1)


def test_a_change_that_goes_back_and_returns_calls_nobody_again() -> None:
    _, calls = run(pager.started(BASELINE), 0, 300, lambda t: 0.4 * ((t // 50) % 2 == 0))
    assert [what for _, what in called(calls)] == ["page"]


def test_a_change_to_the_other_side_calls_once_it_is_larger() -> None:
    _, calls = run(pager.started(BASELINE), 0, 200, lambda t: 0.3 if t < 60 else -0.6)
    assert [what for _, what in called(calls)] == ["page", "worse"]


def test_what_grows_for_days_calls_a_few_times() -> None:
    _, calls = run(pager.started(BASELINE), 0, 500, lambda t: 0.02 * t)
    whats = [what for _, what in called(calls)]
    assert whats[0] == "page"
    assert 2 <= len(whats) <= 2 + np.log(10 / 0.05) / np.log(pager.WORSE)


@pytest.mark.parametrize("back", [5, 60])
def test_what_was_mended_is_watched_from_the_old_normal(back: int) -> None:
    watch, calls = run(pager.started(BASELINE), 0, back, lambda _: 0.4)
    ((_, what),) = called(calls)
    assert what == "page"
    watch = pager.closed(watch, watch.open[0])
    assert (watch.open, len(watch.held.places)) == ([], 0)
    watch, calls = run(watch, back, 300, lambda _: 0.0)
    assert called(calls) == []
    _, calls = run(watch, back + 300, 30, lambda _: 0.4)
    assert [what for _, what in called(calls)] == ["page"]


def test_what_was_not_mended_calls_again() -> None:
    watch, _ = run(pager.started(BASELINE), 0, 60, lambda _: 0.4)
    _, calls = run(pager.closed(watch, watch.open[0]), 60, 10, lambda _: 0.4)
    assert [what for _, what in called(calls)] == ["page"]


def test_what_was_forgotten_is_watched_from_where_it_is() -> None:
    watch, _ = run(pager.started(BASELINE), 0, 60, lambda _: 0.4)
    watch, calls = run(pager.forgotten(watch, watch.open[0]), 60, 300, lambda _: 0.4)
    assert called(calls) == []
    _, calls = run(watch, 360, 10, lambda _: 0.0)
    assert [what for _, what in called(calls)] == ["page"]


def test_closing_at_once_leaves_the_baseline_as_it_was() -> None:
    def after(limit: float) -> Watch:
        watch = pager.started(BASELINE)
        for t in range(2):
            reading = WHOLE.at(REFERENCE + t)
            moved = replace(reading, value=reading.value + np.array([0.8, 0.0, 0.0]))
            watch, _, _ = pager.step(
                watch,
                FIRST + REFERENCE + t,
                moved,
                weights=np.full(M, 1 / M),
                tolerance=np.zeros(M),
                limit=limit,
            )
        return watch

    paged, never = after(LIMIT), after(1e300)
    assert paged.open
    closed = pager.closed(paged, paged.open[0]).state
    for name in set(MOVING) - {"log_r", "run"}:
        assert np.array_equal(getattr(closed, name), getattr(never.state, name)), name


def test_what_is_held_is_stored_to_the_bit() -> None:
    watch, _ = run(pager.started(BASELINE), 0, 100, lambda t: 0.2 if t < 60 else 0.5)
    again = Watch.from_bytes(watch.to_bytes())
    assert again.to_bytes() == watch.to_bytes()
    one, left = run(watch, 100, 50, lambda _: 1.5)
    other, right = run(again, 100, 50, lambda _: 1.5)
    assert one.to_bytes() == other.to_bytes()
    assert left == right


def old_form(watch: Watch) -> bytes:
    head = struct.pack("<Iq?", watch.state.signals, watch.joined, watch.is_raised)
    return head + watch.incident.astype("<i8").tobytes() + watch.state.to_bytes()


def test_a_watch_of_the_form_before_goes_on_from_the_level_of_its_incidents() -> None:
    nothing = Watch.from_bytes(old_form(pager.started(BASELINE)))
    assert nothing.to_bytes() == pager.started(BASELINE).to_bytes()
    # The form before followed signals of incidents with their bets held at nothing.
    state: State = BASELINE
    owner = np.array([FIRST, 0, 0])
    old = replace(pager.started(state), incident=owner, joined=FIRST)
    watch = Watch.from_bytes(old_form(old))
    assert watch.open == [FIRST]
    watch, calls = run(watch, 0, 100, lambda _: 0.4)
    assert called(calls) == []
    _, calls = run(watch, 100, 10, lambda _: 1.0)
    assert [what for _, what in called(calls)] == ["worse"]
