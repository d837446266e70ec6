"""How wild the windows of a reference are decides what a single window may say."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.detection.worlds import KINDS, OWN, WEIGHTS, C, history, model
from monitor.detection.baseline import learned
from monitor.detection.evidence import CLIP
from monitor.detection.state import State
from monitor.detection.tails import MOST, RARE, ceilings, evened

RNG = np.random.default_rng(5)


def test_a_ceiling_by_hand() -> None:
    # 9 of 2,000 windows lie beyond 4 deviations: 10 of 17,788 with what was known before.
    wild = np.concatenate([np.full(9, 5.0), np.zeros(991)])
    together = 10 / (2_000 + 1 / stats.norm.sf(4) / 2)
    each = np.array([10 / (1_000 + 1 / together), 1 / (1_000 + 1 / together)])
    found = ceilings([wild, np.zeros(1_000)])
    assert found == pytest.approx(stats.norm.isf(each / 2))
    assert found[0] < found[1] < CLIP


def test_without_a_reference_the_ceiling_is_the_usual_one() -> None:
    assert ceilings([]).tolist() == []
    assert ceilings([np.zeros(0), np.zeros(0)]) == pytest.approx([CLIP, CLIP])
    assert pytest.approx(6.334e-5, rel=1e-3) == RARE


def test_normal_windows_keep_the_usual_ceiling_and_heavy_tails_lower_it() -> None:
    normal = ceilings(list(RNG.standard_normal((100, 700))))
    assert np.median(normal) > 3.8
    heavy = ceilings(list(stats.t(3).rvs((100, 700), random_state=RNG) / np.sqrt(3)))
    rate = 2 * stats.t(3).sf(CLIP * np.sqrt(3))
    assert np.median(heavy) == pytest.approx(stats.norm.isf(rate / 2), abs=0.15)


@given(st.lists(st.lists(st.floats(-1e9, 1e9), max_size=30), max_size=8))
def test_a_ceiling_is_never_above_the_usual_one_nor_below_the_least(
    scores: list[list[float]],
) -> None:
    found = ceilings([np.array(each) for each in scores])
    assert (found <= CLIP).all()
    assert (found >= stats.norm.isf(MOST / 2) - 1e-12).all()


def test_evened_shares_have_hardly_more_beyond_the_clip_than_normal_scores() -> None:
    rows, p = 50, 0.05
    k = np.arange(rows + 1)
    part = stats.binom.pmf(k, rows, p)
    plain = (k / rows - p) / np.sqrt(p * (1 - p) / rows)
    even = evened(k / rows, np.full(rows + 1, p), np.full(rows + 1, float(rows)))
    assert part[np.abs(plain) > CLIP].sum() > 8 * RARE
    assert part[np.abs(even) > CLIP].sum() < 2 * RARE
    assert (part * even**2).sum() == pytest.approx(1, abs=0.1)


def test_a_reference_with_heavy_tails_lowers_what_a_window_may_say() -> None:
    plain = learned(history(model(C, 3, 672, 0), 3)[0], KINDS, WEIGHTS)
    heavy = learned(history(model(OWN[0], 3, 672, 0), 3)[0], KINDS, WEIGHTS)
    assert np.median(plain.ceiling) > 3.8
    assert np.median(heavy.ceiling) < 3.6


def test_a_state_of_the_form_before_has_the_usual_ceilings_and_no_echoes() -> None:
    state = learned(history(model(C, 3, 200, 0), 3)[0], KINDS, WEIGHTS)
    blob = state.to_bytes()
    magic = blob.index(struct.pack("<H", 2), len(b"mbm-detector"))
    ceiling = state.ceiling.astype("<f8").tobytes()
    running = state.running.astype("<f8").tobytes()
    at = blob.rindex(running)
    late = ceiling + state.echo.astype("<f8").tobytes()
    before = (blob[:at] + bytes(len(running)) + blob[at:]).replace(late, b"", 1)
    before = before[:magic] + struct.pack("<H", 1) + before[magic + 2 :]
    read = State.from_bytes(before)
    assert (read.ceiling == CLIP).all()
    assert (read.echo == 1).all()
    assert np.array_equal(read.cov, state.cov)
