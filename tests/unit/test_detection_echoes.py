"""What neighbouring windows have in common: by hand, and where it is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from bench.detection.worlds import KINDS, WEIGHTS, C, history, model
from monitor.detection.baseline import learned
from monitor.detection.echoes import DOUBT, KNOWN, SPANS, echoes

RNG = np.random.default_rng(20_261_128)


def test_echoes_by_hand() -> None:
    # Of spells of four windows, up and down in turn, sums of three are 3, 3, 1, -1 and so on: a
    # mean square of 5, or 5 / 3 a window; over 533 spans, and what is known beside them.
    spells = np.repeat([1.0, -1.0] * 200, 4)
    together = (533 * 5 / 3 + KNOWN) / (533 + KNOWN)
    alone = (533 * 5 / 3 + KNOWN * together) / (533 + KNOWN)
    doubted = alone * (1 - DOUBT * np.sqrt(2 / (533 + KNOWN)))
    assert echoes([spells]) == pytest.approx([doubted], rel=2e-3)
    assert echoes([np.zeros(50), np.zeros(0)]).tolist() == [1.0, 1.0]


def test_independent_windows_have_hardly_anything_in_common() -> None:
    assert np.median(echoes(list(RNG.standard_normal((100, 600))))) < 1.1


def test_windows_that_follow_each_other_have_their_long_run_variance() -> None:
    # An autoregression of 0.5 has a long-run variance of (1 + 0.5) / (1 - 0.5) = 3 times its own.
    noise = RNG.standard_normal((50, 3_000))
    found = echoes(list(lfilter([1.0], [1.0, -0.5], noise, axis=1)))
    assert 2.5 < np.median(found) < 3.3


@given(
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=60), max_size=4)
)
def test_echoes_are_finite_and_never_below_one(scores: list[list[float]]) -> None:
    found = echoes([np.array(each, np.float64) for each in scores])
    assert found.shape == (len(scores),)
    assert ((found >= 1) & (found <= max(SPANS))).all()


def test_a_baseline_finds_none_where_its_filter_knows_the_memory() -> None:
    plain, _ = history(model(C, 5, 672, 0), 5)
    assert np.median(learned(plain, KINDS, WEIGHTS).echo) < 1.15
