"""Location, spread, skew and tails: worked by hand, simulated, and on degenerate columns."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Measured, Subject, Undefined, Value
from monitor.metrics.components import basis
from monitor.metrics.neyman import NAMES, merged, polynomials
from monitor.profiles.columns import feature
from monitor.profiles.layout import Floats, Ints, Profile
from tests.parity.raw_profiles import feature_pair

METRICS = {metric.name.removeprefix("feature_"): metric for metric in CATALOGUE}

Counts = st.lists(st.integers(0, 1_000), min_size=2, max_size=40).filter(any)


def measured(name: str, before: Floats, after: Floats) -> Measured:
    reference, current = feature_pair(before, after)
    return METRICS[name].measure(Subject(feature("x"), current, reference))


def value(name: str, before: Floats, after: Floats) -> Value:
    return values(before, after, name)[name]


def values(before: Floats, after: Floats, *names: str) -> dict[str, Value]:
    """The components of these names, or all."""
    reference, current = feature_pair(before, after)
    subject = Subject(feature("x"), current, reference)
    found = {name: METRICS[name].measure(subject) for name in names or NAMES}
    return {name: one for name, one in found.items() if isinstance(one, Value)}


def test_three_bins_by_hand() -> None:
    # Mid-ranks -3/4, 0, 3/4: the line scaled to variance 1, then what is orthogonal to it.
    found = polynomials(np.array([0.25, 0.5, 0.25]), 2)
    root = math.sqrt(2)
    assert found == pytest.approx(np.array([[-root, 1], [0, -1], [root, 1]]), abs=1e-12)


def test_the_location_of_a_flag_is_its_change_over_its_standard_deviation() -> None:
    before = np.repeat([0.0, 1.0], [600, 400])
    after = np.repeat([0.0, 1.0], [100, 150])
    found = value("location", before, after)
    assert found.value == pytest.approx((0.6 - 0.4) / math.sqrt(0.4 * 0.6))
    # Its derivatives by both shares: 1 / s, and 1 / s + (q - p)(1 - 2p) / (2 s^3), s^2 = p (1 - p).
    of_reference = 1 + (0.6 - 0.4) * (1 - 2 * 0.4) / (2 * 0.24)
    half = 1.959964 * math.sqrt(0.24 / 0.24 / 250 + of_reference**2 / 1_000)
    assert (found.lower, found.upper) == pytest.approx((found.value - half, found.value + half))


def drawn(rng: np.random.Generator, degree: int, part: float, n: int) -> Floats:
    """Normal numbers whose ranks have the density 1 + part x polynomial of this degree."""
    legendre = np.polynomial.Legendre.basis(degree)
    rank = rng.random(8 * n)
    density = 1 + part * math.sqrt(2 * degree + 1) * legendre(2 * rank - 1)
    assert density.min() >= 0
    kept = rank[rng.random(8 * n) * 4 < density][:n]
    assert len(kept) == n
    return np.asarray(stats.norm.ppf(kept), np.float64)


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_each_component_answers_to_its_own_change_alone(degree: int) -> None:
    rng = np.random.default_rng(11)
    before, after = rng.normal(size=40_000), drawn(rng, degree, 0.3, 40_000)
    for other, found in enumerate(values(before, after).values(), 1):
        expected = 0.3 if other == degree else 0.0
        assert found.value == pytest.approx(expected, abs=0.02), other


def test_turning_a_number_round_turns_the_odd_components_round() -> None:
    rng = np.random.default_rng(12)
    before, after = rng.normal(size=20_001), rng.gamma(3, size=5_000) - 3
    upright, turned = values(before, after), values(-before, -after)
    for name, sign in zip(NAMES, (-1, 1, -1, 1), strict=True):
        # An edge belongs to the bin above it, so that turning round moves a few rows.
        assert turned[name].value == pytest.approx(sign * upright[name].value, abs=0.02), name


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_intervals_hold_the_component_in_95_of_100(shift: float) -> None:
    rng = np.random.default_rng(13)
    m, n, trials = 1_000, 400, 300
    huge = np.random.default_rng(14)
    true = values(huge.normal(size=200_000), huge.normal(shift, 1, 200_000))
    held = dict.fromkeys(NAMES, 0)
    for _ in range(trials):
        for name, found in values(rng.normal(size=m), rng.normal(shift, 1, n)).items():
            assert found.lower is not None
            assert found.upper is not None
            held[name] += found.lower <= true[name].value <= found.upper
    for name, count in held.items():
        # 3.3 standard errors of 300 trials are 0.042.
        assert 0.908 <= count / trials <= 0.992, (name, count / trials)


@given(Counts, st.integers(1, 30), st.integers(2, 20))
def test_merged_bins_are_neighbours_and_hold_what_they_must(
    counts: list[int], need: int, most: int
) -> None:
    rows: Ints = np.array(counts, np.int64)
    group = merged(rows, need, most)
    assert group[0] == 0
    assert all(b - a in (0, 1) for a, b in pairwise(group.tolist()))
    held = np.bincount(group, rows)
    assert held.sum() == rows.sum()
    assert len(held) <= max(most, 2)
    assert (held > 0).all()
    assert len(held) <= 2 or held.min() >= need


@given(Counts)
def test_the_polynomials_are_orthonormal_under_the_reference(counts: list[int]) -> None:
    rows: Ints = np.array(counts, np.int64)
    group, found = basis(rows.tobytes())
    share = np.bincount(group, rows) / rows.sum()
    assert share @ found == pytest.approx(np.zeros(found.shape[1]), abs=1e-9)
    gram = found.T @ (share[:, None] * found)
    assert gram == pytest.approx(np.eye(found.shape[1]), abs=1e-8)
    assert (np.diff(found[:, :1], axis=0) >= 0).all()


def test_a_column_of_few_bins_says_which_components_it_lacks() -> None:
    before, after = np.repeat([0.0, 1.0], 500), np.repeat([0.0, 1.0], 200)
    assert isinstance(measured("location", before, after), Value)
    for name, needed in (("spread", 3), ("skew", 4), ("tails", 5)):
        why = f"the reference fills 2 bins, {needed} are needed"
        assert measured(name, before, after) == Undefined(why)


def test_a_reference_of_one_value_has_no_components() -> None:
    found = measured("location", np.full(500, 3.0), np.arange(500.0))
    assert isinstance(found, Undefined)
    assert "one value" in found.why


def test_the_reason_says_what_is_missing_of_a_comparison() -> None:
    _, current = feature_pair(np.arange(300.0), np.arange(300.0))
    whole = Subject(feature("x"), current, Profile.empty(current.layout))
    measure = METRICS["location"].measure
    assert measure(whole) == Undefined("no row of the reference has a value")
    assert measure(replace(whole, reference=None)) == Undefined(
        "no reference; run: mbm reference set"
    )
    # A reference that is set would not help a segment.
    assert measure(replace(whole, reference=None, is_part=True)) == Undefined(
        "a segment is not compared: the reference was profiled as a whole"
    )
