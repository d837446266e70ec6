import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.detection import pager
from monitor.detection.arming import armed, standing
from monitor.detection.baseline import learned
from monitor.detection.calendar import blocks, columns
from monitor.detection.evidence import BETS
from monitor.detection.readings import History, Kind, Reading
from monitor.detection.state import ARRAYS, State
from monitor.detection.update import update
from monitor.errors import StateError
from monitor.profiles.layout import Floats

SEED = 20_261_126
HOUR = 3_600
FIRST = 493_176
REFERENCE = 28 * 24
M = 6
KINDS = np.array([Kind.NORMAL] * 3 + [Kind.SHARE] * 2 + [Kind.COUNT], np.int8)
WEIGHTS = np.full(M, 1 / M)
NO_TOLERANCE = np.zeros(M)
NOBODY = np.zeros(M, np.bool_)
QUIETLY = (NO_TOLERANCE, NOBODY)


def simulated(windows: int, seed: int = SEED, rows: int = 1_000) -> History:
    rng = np.random.default_rng(seed)
    day = np.cos(2 * np.pi * np.arange(windows) / 24)
    n = rng.poisson(rows * np.exp(0.2 * day))
    value = np.concatenate(
        [
            0.1 * day + rng.normal(size=(3, windows)) / np.sqrt(n),
            rng.binomial(n, [[0.05], [0.002]], (2, windows)) / n,
            np.log(n)[None],
        ]
    )
    many = np.broadcast_to(n, (M, windows)).astype(float)
    return History(HOUR, FIRST, value, many, 1 / many)


WHOLE = simulated(REFERENCE + 400)


@pytest.fixture(scope="module")
def baseline() -> State:
    return learned(WHOLE.span(0, REFERENCE), KINDS)


def shifted(reading: Reading, signal: int, by: float) -> Reading:
    value = reading.value.copy()
    value[signal] += by
    return replace(reading, value=value)


def run(
    state: State | pager.Watch,
    start: int,
    count: int,
    change: Callable[[int, Reading], Reading] = lambda _, reading: reading,
    **keywords: Any,  # noqa: ANN401
) -> tuple[pager.Watch, list[pager.Call]]:
    watch = state if isinstance(state, pager.Watch) else pager.started(state)
    calls = []
    given = {"weights": WEIGHTS, "tolerance": NO_TOLERANCE, "limit": 720.0, **keywords}
    for t in range(start, start + count):
        watch, call, _ = pager.step(watch, FIRST + t, change(t, WHOLE.at(t)), **given)
        calls.append(call)
    return watch, calls


def same(a: State, b: State) -> bool:
    return a.number == b.number and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in ARRAYS
    )


def test_columns_repeat_every_week_and_sum_to_nothing_over_it() -> None:
    week = np.arange(FIRST, FIRST + 168)
    x = columns(week, HOUR)
    assert x.shape == (168, len(blocks(HOUR)))
    assert np.array_equal(x, columns(week + 168 * 52, HOUR))
    assert x[:, 1:15].sum(axis=0) == pytest.approx(np.zeros(14), abs=1e-9)


@pytest.mark.parametrize("length", [300, 900, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 28 * 86_400])
def test_columns_of_every_length_are_independent(length: int) -> None:
    x = columns(np.arange(4 * 7 * 86_400 // length + 2), length)
    assert x.shape[1] == len(blocks(length))
    assert np.linalg.matrix_rank(x) == x.shape[1]


def test_the_day_is_learned_and_few_events_are_told_apart(baseline: State) -> None:
    assert baseline.mode.tolist() == [0, 0, 0, 1, 3, 2]
    assert (baseline.used[:3] > 8).all()
    state, evidence = update(
        baseline, WHOLE.first + REFERENCE, WHOLE.at(REFERENCE), NO_TOLERANCE, NOBODY
    )
    assert np.abs(evidence.expected[:3] - 0.1).max() < 0.02
    assert state.number == FIRST + REFERENCE


def test_learning_twice_gives_the_same_bits(baseline: State) -> None:
    assert same(baseline, learned(WHOLE.span(0, REFERENCE), KINDS))


def test_other_signals_beside_it_change_no_update(baseline: State) -> None:
    few = baseline.take(np.array([1, 4]))
    reading = WHOLE.at(REFERENCE)
    part = Reading(reading.value[[1, 4]], reading.rows[[1, 4]], reading.variance[[1, 4]])
    alone, _ = update(few, FIRST + REFERENCE, part, np.zeros(2), np.zeros(2, np.bool_))
    whole, _ = update(baseline, FIRST + REFERENCE, reading, NO_TOLERANCE, NOBODY)
    assert same(alone, whole.take(np.array([1, 4])))


def test_a_restart_after_every_window_changes_no_bit(baseline: State) -> None:
    watch, _ = run(baseline, REFERENCE, 60)
    again = baseline
    for t in range(REFERENCE, REFERENCE + 60):
        again, _ = update(
            State.from_bytes(again.to_bytes()), FIRST + t, WHOLE.at(t), NO_TOLERANCE, NOBODY
        )
    assert same(watch.state, again)


def test_an_update_leaves_the_state_it_was_given(baseline: State) -> None:
    before = baseline.to_bytes()
    update(baseline, FIRST + REFERENCE, WHOLE.at(REFERENCE), NO_TOLERANCE, NOBODY)
    assert baseline.to_bytes() == before


def test_a_window_that_is_left_out_counts_as_missing(baseline: State) -> None:
    told, _ = update(baseline, FIRST + REFERENCE, Reading.missing(M), NO_TOLERANCE, NOBODY)
    told, _ = update(told, FIRST + REFERENCE + 1, WHOLE.at(REFERENCE + 1), NO_TOLERANCE, NOBODY)
    left, _ = update(baseline, FIRST + REFERENCE + 1, WHOLE.at(REFERENCE + 1), NO_TOLERANCE, NOBODY)
    assert same(told, left)


def test_a_missing_window_keeps_the_evidence(baseline: State) -> None:
    state, _ = update(baseline, FIRST + REFERENCE, WHOLE.at(REFERENCE), NO_TOLERANCE, NOBODY)
    after, evidence = update(state, FIRST + REFERENCE + 1, Reading.missing(M), NO_TOLERANCE, NOBODY)
    assert np.array_equal(state.log_r, after.log_r)
    assert (evidence.score == 0).all()


def test_a_window_is_taken_in_once(baseline: State) -> None:
    with pytest.raises(ValueError, match="each is taken in once"):
        update(baseline, baseline.number, WHOLE.at(0), NO_TOLERANCE, NOBODY)
    with pytest.raises(ValueError, match="2 signals read, 6 known"):
        update(baseline, baseline.number + 1, Reading.missing(2), NO_TOLERANCE, NOBODY)


def test_the_binary_form_is_small_and_exact(baseline: State) -> None:
    blob = baseline.to_bytes()
    assert same(State.from_bytes(blob), baseline)
    assert len(blob) / M < 8_000
    full = replace(baseline, used=np.full(M, baseline.mean.shape[1], np.int16))
    assert len(full.to_bytes()) / M < 8_000


@pytest.mark.parametrize("cut", [0, 5, 20, 200, -1])
def test_a_damaged_blob_is_refused(baseline: State, cut: int) -> None:
    with pytest.raises(StateError):
        State.from_bytes(baseline.to_bytes()[:cut])
    with pytest.raises(StateError):
        State.from_bytes(baseline.to_bytes() + b"x")
    other = bytearray(baseline.to_bytes())
    other[12] = 99
    with pytest.raises(StateError, match="version 99"):
        State.from_bytes(bytes(other))


def test_nothing_pages_while_nothing_changes(baseline: State) -> None:
    _, calls = run(baseline, REFERENCE, 400)
    assert not any(call.is_page for call in calls)
    assert all(math.isfinite(call.log_evidence) for call in calls)


@pytest.mark.parametrize("signal", range(M))
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_lasting_change_of_any_signal_is_paged_and_named(
    baseline: State, signal: int, sign: int
) -> None:
    by = [0.25, 0.25, 0.25, 0.03, 0.02, 1.0][signal] * sign
    if signal == 4 and sign < 0:
        return  # a share of 0.002 cannot fall by much
    _, calls = run(baseline, REFERENCE, 60, lambda t, r: shifted(r, signal, by))
    first = next(call for call in calls if call.is_page)
    lead = first.leads[0]
    assert lead.signal == signal
    assert lead.is_rise == (sign > 0)
    assert abs(lead.since - (FIRST + REFERENCE)) <= 3
    assert abs(lead.effect - by) < lead.half_width
    assert calls.index(first) < 25


def test_larger_changes_are_paged_no_later(baseline: State) -> None:
    def delay(by: float) -> int:
        _, calls = run(baseline, REFERENCE, 120, lambda t, r: shifted(r, 0, by))
        return next((i for i, call in enumerate(calls) if call.is_page), 999)

    found = [delay(by) for by in (0.1, 0.2, 0.4, 0.8)]
    assert found == sorted(found, reverse=True)
    assert found[-1] <= 2


def test_a_tolerated_change_earns_less(baseline: State) -> None:
    def evidence(tolerance: float) -> float:
        _, calls = run(
            baseline,
            REFERENCE,
            12,
            lambda t, r: shifted(r, 0, 0.15),
            tolerance=np.full(M, tolerance),
            limit=math.inf,
        )
        return calls[-1].log_evidence

    assert evidence(0.0) > evidence(0.05) > evidence(0.15)


def test_one_cause_that_moves_five_signals_is_one_incident_without_repeats(baseline: State) -> None:
    def moved(_: int, r: Reading) -> Reading:
        for signal, by in ((0, 0.3), (1, 0.3), (2, -0.3), (3, 0.04), (5, 0.8)):
            r = shifted(r, signal, by)
        return r

    watch, calls = run(baseline, REFERENCE, 300, moved)
    assert sum(call.is_page for call in calls) == 1
    assert len(watch.open) == 1


def test_one_accepted_shift_is_exactly_one_page(baseline: State) -> None:
    def moved(_: int, r: Reading) -> Reading:
        return shifted(r, 0, 0.4)

    watch, calls = run(baseline, REFERENCE, 6, moved)
    lead = next(call for call in calls if call.is_page).leads[0]
    watch = pager.accepted(watch, np.array([lead.signal]), np.array([lead.effect]))
    watch, calls = run(watch, REFERENCE + 6, 390, moved)
    assert not any(call.is_page for call in calls)
    back, calls = run(watch, REFERENCE + 396, 4, moved)
    assert back.open == []


def test_a_watch_is_stored_with_its_incidents(baseline: State) -> None:
    watch, _ = run(baseline, REFERENCE, 10, lambda t, r: shifted(r, 0, 0.8))
    again = pager.Watch.from_bytes(watch.to_bytes())
    assert again.to_bytes() == watch.to_bytes()
    assert (again.open, again.joined) == (watch.open, watch.joined)
    assert len(again.open) == 1
    for cut in (0, 5, 14, 40, -1):
        with pytest.raises(StateError):
            pager.Watch.from_bytes(watch.to_bytes()[:cut])


def test_a_closed_incident_reopens_on_new_evidence_only(baseline: State) -> None:
    watch, calls = run(
        baseline, REFERENCE, 5, lambda t, r: shifted(r, 0, 0.8 * (t < REFERENCE + 3))
    )
    incident = next(call.incident for call in calls if call.is_page)
    assert incident is not None
    watch = pager.closed(watch, incident)
    assert watch.open == []
    _, calls = run(watch, REFERENCE + 5, 200)
    assert not any(call.is_page for call in calls)


def test_bets_that_win_nothing_gather_no_evidence(baseline: State) -> None:
    state = replace(baseline, phi=np.full(M, 0.999), tau2=baseline.typical * 5)
    after, _ = run(state, REFERENCE, 1)
    state, highest = after.state, -math.inf
    for t in range(REFERENCE + 1, REFERENCE + 400):
        reading = WHOLE.at(t)
        nothing = Reading(np.zeros(M), np.zeros(M), np.ones(M))
        _, ahead = update(state, FIRST + t, replace(nothing, rows=reading.rows), *QUIETLY)
        expected = replace(reading, value=ahead.expected)
        state, found = update(state, FIRST + t, expected, *QUIETLY)
        highest = max(highest, float(found.log_r.max()))
    assert highest < math.log(3)


def test_muted_and_unarmed_signals_say_nothing(baseline: State) -> None:
    muted = np.zeros(M, np.bool_)
    muted[0] = True
    _, calls = run(baseline, REFERENCE, 50, lambda t, r: shifted(r, 0, 1.0), muted=muted)
    assert not any(call.is_page or call.is_ticket for call in calls)
    young = learned(WHOLE.span(REFERENCE - 29, REFERENCE), KINDS)
    _, calls = run(young, REFERENCE, 20, lambda t, r: shifted(r, 0, 5.0))
    assert not any(call.is_page or call.is_ticket for call in calls)
    assert calls[-1].log_evidence == -math.inf


def test_words_tell_what_is_missing(baseline: State) -> None:
    few = learned(WHOLE.span(0, 14), KINDS)
    weeks = learned(WHOLE.span(0, 100), KINDS)
    assert standing(few, 0) == "learning 14/30 windows"
    assert standing(weeks, 0) == "learning 0/4 weeks"
    assert standing(baseline, 0) == "season not yet seen"
    later = replace(baseline, number=baseline.number + 366 * 24)
    assert standing(later, 0) == "watching"
    assert armed(baseline).all()
    assert not armed(weeks).any()


def test_a_new_version_keeps_the_shape_and_learns_the_level(baseline: State) -> None:
    fresh = pager.of_new_version(baseline)
    assert np.array_equal(fresh.mean, baseline.mean)
    assert (fresh.cov[:, 2] > baseline.cov[:, 2]).all()
    assert np.isneginf(fresh.log_r).all()
    _, calls = run(fresh, REFERENCE, 300, lambda t, r: shifted(r, 0, 0.5))
    assert not any(call.is_page for call in calls)


def test_a_ticket_comes_before_the_page_and_once(baseline: State) -> None:
    _, calls = run(baseline, REFERENCE, 60, lambda t, r: shifted(r, 0, 0.06))
    tickets = [i for i, call in enumerate(calls) if call.is_ticket]
    pages = [i for i, call in enumerate(calls) if call.is_page]
    assert len(tickets) == 1
    assert all(tickets[0] < page for page in pages)


def degenerate() -> dict[str, tuple[Floats, Floats, Floats]]:
    t = REFERENCE
    rng = np.random.default_rng(SEED)
    return {
        "constant": (np.full(t, 3.0), np.full(t, 1_000.0), np.zeros(t)),
        "nothing": (np.zeros(t), np.zeros(t), np.ones(t)),
        "one window": (np.eye(1, t)[0], np.eye(1, t)[0], np.ones(t)),
        "one row": (rng.normal(size=t), np.ones(t), np.ones(t)),
        "never": (np.zeros(t), np.full(t, 50.0), np.ones(t)),
        "always": (np.ones(t), np.full(t, 50.0), np.ones(t)),
        "not a number": (np.where(np.arange(t) % 5, 1.0, np.nan), np.full(t, 9.0), np.ones(t)),
        "infinite": (np.where(np.arange(t) % 7, 0.0, np.inf), np.full(t, 9.0), np.ones(t)),
        "huge": (rng.normal(size=t) * 1e150, np.full(t, 9.0), np.full(t, 1e299)),
        "gaps": (rng.normal(size=t), (rng.random(t) < 0.2) * 10.0, np.full(t, 0.1)),
        "huge counts": (np.full(t, 40.0), np.full(t, 1e17), np.ones(t)),
        "no count": (np.zeros(t), np.ones(t), np.ones(t)),
    }


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", list(degenerate()))
def test_degenerate_signals_give_numbers_and_no_warning(name: str, kind: Kind) -> None:
    value, rows, variance = degenerate()[name]
    if kind == Kind.SHARE:
        value = np.clip(value, 0, 1)
    kinds = np.array([kind, Kind.NORMAL], np.int8)
    rng = np.random.default_rng(SEED)
    beside = rng.normal(size=REFERENCE) / 30
    history = History(
        HOUR,
        FIRST,
        np.stack([value, beside]),
        np.stack([rows, np.full(REFERENCE, 900.0)]),
        np.stack([variance, np.full(REFERENCE, 1 / 900)]),
    )
    state = learned(history, kinds)
    watch = pager.started(state)
    for t in range(50):
        reading = history.at(t) if t % 3 else Reading.missing(2)
        watch, call, evidence = pager.step(
            watch,
            FIRST + REFERENCE + t,
            reading,
            weights=np.full(2, 0.5),
            tolerance=np.zeros(2),
            limit=1e300,
        )
        for found in (evidence.expected, evidence.variance, evidence.score):
            assert np.isfinite(found).all()
        assert not np.isnan(evidence.log_r).any()
        assert not math.isnan(call.log_evidence)
    for array in ARRAYS:
        assert not np.isnan(getattr(watch.state, array).astype(float)).any()


def test_states_join_and_part(baseline: State) -> None:
    parts = [baseline.take(np.array(which)) for which in ([0, 1], [2, 3, 4, 5])]
    assert same(parts[0].join(parts[1]), baseline)
    with pytest.raises(ValueError, match="different windows"):
        parts[0].join(replace(parts[1], number=1))


def test_thresholds_follow_the_budget() -> None:
    assert pager.threshold(HOUR, 1.0) == 720
    assert pager.threshold(HOUR, 2.0) == 360
    assert pager.threshold(86_400, 1.0) == 30


def test_bets_are_as_many_as_the_state_keeps(baseline: State) -> None:
    assert baseline.log_r.shape == (M, BETS)


def test_an_incident_in_the_reference_widens_nothing(baseline: State) -> None:
    value = WHOLE.value[:, :REFERENCE].copy()
    value[0, 300:303] += 0.6
    state = learned(replace(WHOLE.span(0, REFERENCE), value=value), KINDS)
    assert state.typical[0] == pytest.approx(baseline.typical[0], rel=0.1)
    assert state.typical[1:] == pytest.approx(baseline.typical[1:], rel=0.1)


def test_a_signal_that_is_often_wild_stays_wide(baseline: State) -> None:
    value = WHOLE.value[:, :REFERENCE].copy()
    for after in range(3):
        value[0, 50 + after :: 60] += 0.6
    state = learned(replace(WHOLE.span(0, REFERENCE), value=value), KINDS)
    assert state.typical[0] > 2 * baseline.typical[0]
