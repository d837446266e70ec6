import math
from dataclasses import replace

import numpy as np
import pytest

from bench.detection.slow_worlds import KINDS, SLOW_WORLDS, SlowWorld, days
from monitor.detection.readings import History, Kind
from monitor.detection.slow import Drift, Tickets, checked, drift, threshold
from monitor.detection.slow_blocks import LONG, SHORT, Blocks, block_length, blocked
from monitor.detection.slow_family import family, harmless, members
from monitor.detection.slow_words import moved, visible
from monitor.profiles.layout import Floats
from monitor.profiles.windows import DAY

SEED = 20_261_128
YEAR = 364


def simulated(blocks: int, signals: int = 12, seed: int = SEED) -> Blocks:
    rng = np.random.default_rng(seed)
    shape = (signals, blocks)
    usable = np.ones(signals, np.bool_)
    return Blocks(
        LONG, 13, rng.normal(0, 0.01, shape), np.full(shape, 1e-4), usable, np.ones(shape, np.bool_)
    )


def weights(blocks: Blocks) -> Floats:
    return np.full(len(blocks.value), 1 / len(blocks.value))


def test_blocks_are_weighted_means_and_shares_become_angles() -> None:
    rows = np.tile([100.0, 300.0], 28)
    value = np.stack([np.tile([1.0, 2.0], 28), np.tile([0.2, 0.6], 28)])
    history = History(DAY, 0, value, np.stack([rows, rows]), 1 / np.stack([rows, rows]))
    kinds = np.array([Kind.NORMAL, Kind.SHARE], np.int8)
    found = blocked(history, kinds, 28, LONG)
    assert found.reference == 1
    assert found.value.shape == (2, 2)
    assert found.value[0] == pytest.approx([1.75, 1.75])
    assert found.variance[0] == pytest.approx([1 / 5_600] * 2)
    assert found.value[1] == pytest.approx([2 * math.asin(math.sqrt(0.5))] * 2, abs=1e-3)
    assert found.usable.all()


def test_blocks_are_anchored_at_the_end_of_the_reference() -> None:
    value = np.arange(100.0)[None]
    history = History(DAY, 7, value, np.ones((1, 100)), np.ones((1, 100)))
    found = blocked(history, np.array([Kind.NORMAL], np.int8), 7 + 40, LONG)
    assert found.reference == 1
    assert found.value[0] == pytest.approx([12 + 13.5, 40 + 13.5, 68 + 13.5])


def test_an_empty_block_repeats_the_one_before() -> None:
    rows = np.ones((1, 84))
    rows[0, 28:56] = 0
    value = np.where(np.arange(84) < 28, 1.0, 9.0)[None]
    history = History(DAY, 0, value, rows, np.ones((1, 84)))
    found = blocked(history, np.array([Kind.NORMAL], np.int8), 28, LONG)
    assert found.value[0].tolist() == [1.0, 1.0, 9.0]


def test_a_block_of_few_rows_takes_what_it_lacks_from_the_one_before() -> None:
    rows = np.ones((1, 84))
    rows[0, 31:56] = 0
    value = np.where((np.arange(84) >= 28) & (np.arange(84) < 56), 8.0, 1.0)[None]
    history = History(DAY, 0, value, rows, np.ones((1, 84)))
    found = blocked(history, np.array([Kind.NORMAL], np.int8), 28, LONG)
    assert found.value[0] == pytest.approx([1.0, 1.0 + 7 * 3 / 14, 1.0])


def test_shares_of_hardly_any_events_are_not_followed() -> None:
    rows = np.full((1, 56), 20.0)
    value = np.zeros((1, 56))
    value[0, 3] = 0.05
    history = History(DAY, 0, value, rows, np.ones((1, 56)))
    assert not blocked(history, np.array([Kind.SHARE], np.int8), 28, LONG).usable.any()


def test_the_length_of_blocks_follows_the_reference() -> None:
    assert block_length(90 * DAY) is None
    assert block_length(120 * DAY) == SHORT
    assert block_length(YEAR * DAY) == LONG


@pytest.mark.parametrize("length", [LONG, SHORT])
def test_members_whiten_what_they_describe(length: int) -> None:
    n = 30
    for (phi, part, season), member in zip(family(length), members(length, n), strict=True):
        lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        wave = 2 * np.pi * lag * length / (YEAR * DAY)
        omega = season * (np.cos(wave) + 0.3 * np.cos(2 * wave)) + np.where(
            lag == 0, 1.0, part * phi**lag
        )
        white = member.whiten @ omega @ member.whiten.T
        # A projection of rank n - 1: the level is taken out.
        assert white @ white == pytest.approx(white, abs=1e-6)
        assert np.trace(white) == pytest.approx(n - 1, abs=1e-5)
        assert member.whiten @ np.ones(n) == pytest.approx(np.zeros(n), abs=1e-8)


def test_no_drift_is_no_ticket_and_a_drift_names_its_signal() -> None:
    blocks = simulated(26)
    quiet = harmless(blocks)
    still = drift(blocks, quiet)
    _, told = checked(
        Tickets(np.zeros(12, np.int64)), still, blocks, weights=weights(blocks), limit=3.25
    )
    assert told is None
    value = blocks.value.copy()
    value[5, 20:] += 0.4
    away = replace(blocks, value=value)
    found = drift(away, quiet)
    open_ones, told = checked(
        Tickets(np.zeros(12, np.int64)), found, away, weights=weights(blocks), limit=3.25
    )
    assert told is not None
    assert told.is_new
    assert told.signals[0] == 5
    assert abs(int(found.since[5]) - 6) <= 1
    assert found.difference[5] == pytest.approx(0.4, abs=0.05)
    again, told = checked(open_ones, found, away, weights=weights(blocks), limit=3.25)
    assert told is None
    assert again is open_ones


def test_larger_drifts_have_more_evidence() -> None:
    blocks = simulated(20)
    quiet = harmless(blocks)

    def evidence(size: float) -> float:
        value = blocks.value.copy()
        value[0, 16:] += size
        return float(drift(replace(blocks, value=value), quiet).log_e[0])

    found = [evidence(size) for size in (0.05, 0.1, 0.2, 0.4)]
    assert found == sorted(found)


def test_what_moves_within_a_month_of_a_ticket_joins_it() -> None:
    blocks = simulated(15)
    before = Tickets(np.array([15, *([0] * 11)]), 15)
    log_e = np.full(12, -5.0)
    log_e[3] = 20.0
    found = Drift(log_e, np.full(12, 0.5), np.ones(12, np.int64))
    _, told = checked(before, found, blocks, weights=weights(blocks), limit=3.25)
    assert told is not None
    assert (told.ticket, told.is_new, told.signals) == (15, False, (3,))


def test_a_difference_that_does_not_matter_is_no_ticket() -> None:
    blocks = simulated(15)
    found = Drift(np.full(12, 50.0), np.full(12, 0.09), np.ones(12, np.int64))
    _, told = checked(
        Tickets(np.zeros(12, np.int64)), found, blocks, weights=weights(blocks), limit=3.25
    )
    assert told is None


@pytest.mark.parametrize("fill", [0.0, 3.0])
def test_degenerate_blocks_give_numbers(fill: float) -> None:
    for signals in (0, 1, 2):
        blocks = Blocks(
            LONG,
            13,
            np.full((signals, 15), fill),
            np.full((signals, 15), 1e-4),
            np.ones(signals, np.bool_),
            np.ones((signals, 15), np.bool_),
        )
        quiet = harmless(blocks)
        found = drift(blocks, quiet)
        assert not np.isnan(found.log_e).any()
        assert not np.isnan(visible(blocks, quiet, np.full(signals, 0.5), 3.25)).any()
        assert not moved(blocks, found).any()


def test_blocks_without_rows_call_nobody() -> None:
    blocks = simulated(16)
    found = Drift(np.full(12, 50.0), np.full(12, 0.5), np.ones(12, np.int64))
    nobody = Tickets(np.zeros(12, np.int64))
    silent = replace(blocks, told=np.arange(16) < np.full((12, 1), 15))
    _, told = checked(nobody, found, silent, weights=weights(blocks), limit=3.25)
    assert told is None
    _, told = checked(nobody, found, silent.until(15), weights=weights(blocks), limit=3.25)
    assert told is not None
    assert told.is_new


def test_signals_that_cannot_be_followed_say_nothing() -> None:
    blocks = replace(simulated(15), usable=np.arange(12) < 8)
    quiet = harmless(blocks)
    found = drift(blocks, quiet)
    assert np.isneginf(found.log_e[8:]).all()
    assert np.isinf(visible(blocks, quiet, weights(blocks), 3.25)[8:]).all()


def test_without_a_block_after_the_reference_there_is_nothing_to_compare() -> None:
    blocks = simulated(13)
    with pytest.raises(ValueError, match="no block after the reference"):
        drift(blocks, harmless(blocks))


def test_thresholds_count_the_checks_of_a_quarter() -> None:
    assert threshold(LONG, 1.0) == 3.25
    assert threshold(LONG, 0.5) == 6.5


@pytest.mark.parametrize("world", [SLOW_WORLDS[2], SLOW_WORLDS[5]], ids=lambda w: w.name)
def test_a_simulated_drift_has_its_ticket_within_a_hundred_days(world: SlowWorld) -> None:
    quiet = days(world, 2 * YEAR, 3)
    value = quiet.value.copy()
    value[4] += 0.25 * np.clip((np.arange(2 * YEAR) - YEAR) / 60, 0, 1)
    first: dict[str, tuple[int, tuple[int, ...]]] = {}
    for name, history in (("still", quiet), ("away", replace(quiet, value=value))):
        blocks = blocked(history, KINDS, history.first + YEAR, LONG)
        family_of = harmless(blocks)
        state = Tickets(np.zeros(len(KINDS), np.int64))
        for n in range(blocks.reference + 1, blocks.value.shape[1] + 1):
            until = blocks.until(n)
            found = drift(until, family_of)
            state, told = checked(
                state, found, until, weights=np.full(len(KINDS), 1 / len(KINDS)), limit=3.25
            )
            if told is not None:
                first.setdefault(name, ((n - blocks.reference) * 28, told.signals))
    assert "still" not in first
    assert first["away"][0] <= 100
    assert first["away"][1][0] == 4
