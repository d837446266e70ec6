"""Quantiles, doubt, latency and age of the newest prediction, by hand and simulated."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.quantiles import least_rows, quantile
from monitor.profiles import columns
from monitor.profiles.distribution import Distribution
from monitor.profiles.doubt import doubts
from monitor.profiles.inputs_layout import LATENCIES
from monitor.profiles.layout import Floats
from monitor.profiles.reference import Bins
from tests.parity.raw_profiles import CONFIDENCE, counts, numbers, profile, span

METRICS = {metric.name: metric for metric in CATALOGUE}


def binned(values: Floats, bins: Bins = CONFIDENCE) -> Distribution:
    return profile(numbers("x", values, bins)).get(Distribution, "x")


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.sampled_from([0.1, 0.5, 0.9, 0.95, 0.99]),
)
def test_a_quantile_lies_in_the_bin_of_that_of_the_raw_rows(
    values: list[float], share: float
) -> None:
    raw = np.array(values)
    value, lower, upper = quantile(binned(raw), share)
    wanted = float(np.quantile(raw, share, method="inverted_cdf"))
    assert lower <= value <= upper
    assert lower <= wanted <= upper
    edges = np.array([0.0, *CONFIDENCE.edges, 1.0])
    place = min(int(np.searchsorted(edges, wanted, "right")) - 1, 49)
    assert edges[place] - 1e-12 <= value <= edges[place + 1] + 1e-12


def test_a_constant_has_itself_as_every_quantile() -> None:
    assert quantile(binned(np.full(50, 0.37)), 0.9) == (0.37, 0.37, 0.37)


@pytest.mark.parametrize(("share", "rows"), [(0.1, 60), (0.5, 60), (0.9, 60), (0.99, 368)])
def test_the_ends_hold_the_quantile_in_more_than_93_of_100_samples(share: float, rows: int) -> None:
    rng = np.random.default_rng(17)
    fine = Bins(tuple(k / 240 for k in range(1, 240)), 0.0, 1.0)
    held = 0
    for _ in range(400):
        _, lower, upper = quantile(binned(rng.random(rows), fine), share)
        held += lower <= share <= upper
    assert held / 400 >= 0.93


def test_so_few_rows_that_none_may_lie_beyond_the_quantile_are_too_few() -> None:
    for share in (0.1, 0.5, 0.9, 0.95, 0.99):
        rows = least_rows(share)
        beyond = max(share, 1 - share)
        assert beyond**rows <= 0.025 < beyond ** (rows - 1)


def given_(*lists: list[float | None] | None) -> pa.Array:
    return pa.array(list(lists), pa.list_(pa.float64()))


def test_entropy_and_margin_of_three_classes_by_hand() -> None:
    found = doubts(
        given_([0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [1 / 3] * 3, None, [0.5, 0.5]),
        *(3, None, 0.5, 0.05),
    )
    entropy = 1.5 * math.log(2) / math.log(3)
    expected = [[entropy, 0.25], [0, 1], [1, 0], [np.nan] * 2, [np.nan] * 2]
    assert found.values == pytest.approx(np.array(expected), abs=1e-12, nan_ok=True)
    assert found.near.tolist() == [False, False, True, False, False]


def test_what_is_near_depends_on_the_threshold_of_the_positive_class() -> None:
    some = given_([0.75, 0.25], [0.69, 0.31], [0.5, 0.5], [0.65, 0.35], [0.64, 0.36])
    # The second class is the positive one, and 0.3 its threshold.
    assert doubts(some, 2, 1, 0.3, 0.05).near.tolist() == [True, True, False, True, False]


def test_a_slice_of_a_batch_has_the_doubt_of_its_own_rows() -> None:
    whole = given_([0.9, 0.1], None, [0.5, 0.5], [], [0.2, 0.8])
    every = doubts(whole, 2, 1, 0.5, 0.05).values
    part = doubts(whole.slice(2, 3), 2, 1, 0.5, 0.05).values
    assert part == pytest.approx(every[2:], nan_ok=True)


def test_latency_is_told_in_seconds_and_known_to_a_seventh() -> None:
    rng = np.random.default_rng(5)
    raw = rng.lognormal(math.log(40), 0.8, 2_000)
    current = profile(numbers(columns.LATENCY, raw, LATENCIES))
    for name, share in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
        found = METRICS[name].measure(Subject(columns.LATENCY, current))
        assert isinstance(found, Value)
        wanted = float(np.quantile(raw, share, method="inverted_cdf")) / 1_000
        assert found.value == pytest.approx(wanted, rel=0.15)
        assert found.lower is not None
        assert found.upper is not None
        assert found.lower <= wanted <= found.upper


def test_a_model_that_sends_no_latency_has_none() -> None:
    current = profile(numbers(columns.LATENCY, np.full(500, np.nan), LATENCIES))
    found = METRICS["latency_p50"].measure(Subject(columns.LATENCY, current))
    assert found == Undefined("no prediction has a latency (latency_ms)")


def test_the_newest_prediction_is_as_old_as_the_window_is_quiet() -> None:
    rows = counts({"rows": 2, "low_confidence": 0})
    current = profile(rows, span(columns.EVENT_TIME, [1_000.0, 1_250.5]))
    found = METRICS["newest_event_age"].measure(Subject(columns.EVENT_TIME, current, end=1_300))
    assert found == Value(49.5, 2)
