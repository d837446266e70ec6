"""A change in mix and behaviour: by hand, simulated, and from degenerate windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.control.attribution import OTHERS, Attribution, Part, attribution, tellable, with_rest
from monitor.control.moved import moved
from monitor.metrics.base import Undefined
from monitor.profiles import columns
from monitor.profiles.reference import bins_of
from tests.parity.raw_profiles import numbers, profile

Groups = dict[str, Part]


def split(before: Groups, after: Groups) -> Attribution:
    found = attribution(before, after)
    assert isinstance(found, Attribution)
    return found


def test_a_case_worked_by_hand() -> None:
    # From 0.5 * 0.1 + 0.5 * 0.3 = 0.2 to 0.8 * 0.1 + 0.2 * 0.5 = 0.18.
    before = {"a": Part(50, 0.1), "b": Part(50, 0.3)}
    found = split(before, {"a": Part(80, 0.1), "b": Part(20, 0.5)})
    assert found.change == pytest.approx(-0.02)
    # Mix: 0.3 * 0.1 - 0.3 * 0.4; behaviour: 0.35 * 0.2.
    assert found.mix == pytest.approx(-0.09)
    assert found.behaviour == pytest.approx(0.07)
    # About the mean 0.65 * 0.1 + 0.35 * 0.4 = 0.205.
    shares = {share.name: (share.mix, share.behaviour) for share in found.shares}
    assert shares["a"] == pytest.approx((0.3 * (0.1 - 0.205), 0))
    assert shares["b"] == pytest.approx((-0.3 * (0.4 - 0.205), 0.07))


parts = st.builds(Part, st.integers(0, 1_000), st.floats(-5, 5), st.floats(0, 1))
windows = st.dictionaries(st.sampled_from("abcd"), parts)


@given(windows, windows)
def test_both_parts_sum_to_the_change_and_back_again_is_the_opposite(
    before: Groups, after: Groups
) -> None:
    there, back = attribution(before, after), attribution(after, before)
    if isinstance(there, Undefined) or isinstance(back, Undefined):
        assert 0 in (sum(p.rows for p in w.values()) for w in (before, after))
        return
    assert there.mix + there.behaviour == pytest.approx(there.change, abs=1e-9)
    assert sum(s.mix for s in there.shares) == pytest.approx(there.mix, abs=1e-9)
    assert sum(s.behaviour for s in there.shares) == pytest.approx(there.behaviour, abs=1e-9)
    assert (back.mix, back.behaviour) == pytest.approx((-there.mix, -there.behaviour), abs=1e-9)
    assert np.isfinite([there.mix_error, there.behaviour_error]).all()


def test_a_group_of_one_window_alone_is_mix() -> None:
    found = split({"a": Part(100, 0.2)}, {"a": Part(50, 0.2), "new": Part(50, 0.8)})
    assert found.mix == pytest.approx(0.3)
    assert found.behaviour == 0


def test_a_window_without_rows_says_so() -> None:
    found = attribution({}, {"a": Part(9, 0.1)})
    assert isinstance(found, Undefined)
    assert "earlier" in found.why


def test_small_groups_and_the_rest_are_one() -> None:
    whole = Part(100, 0.5, 0.05)
    groups = {"a": Part(60, 0.25, 0.06), "tiny": Part(3, 1.0, 0.1)}
    assert tellable([(whole, groups)], 30) == {"a"}
    found = with_rest(whole, groups, {"a"})
    assert isinstance(found, dict)
    assert found.keys() == {"a", OTHERS}
    assert found[OTHERS].rows == 40
    assert found[OTHERS].value == pytest.approx((50 - 15) / 40)


def test_a_group_that_is_small_in_one_window_stands_alone_in_none() -> None:
    before = Part(400, 0.5), {"a": Part(200, 0.4), "b": Part(100, 0.6), "c": Part(100, 0.6)}
    after = Part(401, 0.5), {"a": Part(250, 0.4), "b": Part(3, 1.0), "c": Part(148, 0.7)}
    # The rest would be the three rows of b: c goes with them.
    assert tellable([before, after], 30) == {"a"}
    new = Part(400, 0.5), {"a": Part(200, 0.4), "d": Part(200, 0.6)}
    assert tellable([before, new], 30) == {"a", "b", "c", "d"}
    tiny = Part(1, 1.0), {"a": Part(1, 1.0)}
    assert tellable([before, tiny], 30) == frozenset()


def test_what_is_no_mean_over_groups_is_not_parted() -> None:
    halves = {"a": Part(50, 0.7), "b": Part(50, 0.7)}
    assert isinstance(with_rest(Part(100, 0.9), halves, halves), Undefined)
    assert isinstance(with_rest(Part(80, 0.7), halves, halves), Undefined)


SAMPLES = 300
RATES = np.array([0.1, 0.25, 0.4, 0.6])
USUAL = np.array([0.4, 0.3, 0.2, 0.1])


def window(rng: np.random.Generator, mix: np.ndarray, rates: np.ndarray) -> Groups:
    rows = rng.multinomial(20_000, mix)
    p = rng.binomial(rows, rates) / rows
    error = np.sqrt(p * (1 - p) / rows)
    return {str(i): Part(int(n), float(p[i]), float(error[i])) for i, n in enumerate(rows)}


@pytest.mark.parametrize("what", ["mix", "behaviour"])
def test_a_pure_change_is_found_to_be_what_it_is(what: str) -> None:
    rng = np.random.default_rng(21)
    other_mix, other_rates = np.array([0.2, 0.2, 0.3, 0.3]), RATES + 0.12
    shares, covered = [], 0
    for _ in range(SAMPLES):
        mix, rates = (other_mix, RATES) if what == "mix" else (USUAL, other_rates)
        found = split(window(rng, USUAL, RATES), window(rng, mix, rates))
        shares.append((found.mix if what == "mix" else found.behaviour) / found.change)
        true_mix, true_behaviour = float((mix - USUAL) @ RATES), float(USUAL @ (rates - RATES))
        ends = (found.mix_ends, true_mix), (found.behaviour_ends, true_behaviour)
        covered += sum(low <= true <= high for (low, high), true in ends)
    assert np.mean(shares) >= 0.95
    assert 0.93 <= covered / SAMPLES / 2 <= 0.97


def test_three_moved_features_among_fifty_lead() -> None:
    rng = np.random.default_rng(22)
    names = [f"f{i:02}" for i in range(50)]
    reference = rng.normal(size=(2_000, 50))
    bins = [bins_of(column) for column in reference.T]
    right, samples = 0, 25
    for _ in range(samples):
        planted = set(rng.choice(names, 3, replace=False).tolist())
        made = []
        for is_later in (False, True):
            x = rng.normal(size=(2_000, 50))
            if is_later:
                x[:, [names.index(n) for n in planted]] += 0.3
            some = zip(names, x.T, bins, strict=True)
            made.append(profile(*(numbers(columns.feature(n), v, b) for n, v, b in some if b)))
        right += {one.name for one in moved(*made)[:3]} == planted
    assert right / samples >= 0.95
