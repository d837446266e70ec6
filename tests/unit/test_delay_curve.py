"""The share of outcomes that are there by an age, from spans of which most are still young."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Subject, Undefined, Value
from monitor.metrics.delay_curve import Ageing, DelayCurve, Seen, age_at, ages_of, delay_curve
from tests.parity.raw_profiles import counts, durations, profile

METRICS = {metric.name: metric for metric in CATALOGUE}
EDGES = np.array([1.0, 2.0, 4.0, 8.0])
DAY = 86_400.0


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def test_the_curve_by_hand() -> None:
    # All three spans have outlived the first cell, two the second, one the third and fourth.
    spans = [
        Seen(9.0, 100, ints(10, 20, 14, 0, 0)),
        Seen(3.0, 100, ints(30, 14, 1, 0, 0)),
        Seen(1.0, 50, ints(10, 3, 0, 0, 0)),
    ]
    found = delay_curve(spans, EDGES, 8.0)
    first = 50 / 250
    second = 34 / 160
    third = 14 / 70
    waiting = np.cumprod([1 - first, 1 - second, 1 - third, 1.0])
    assert found.share == pytest.approx(1 - waiting)
    assert (found.labels, found.end, found.reach, found.is_whole) == (98, 8.0, 8.0, True)


def test_a_young_model_knows_its_curve_as_far_as_it_is_old() -> None:
    found = delay_curve([Seen(2.5, 100, ints(10, 20, 5, 0, 0))], EDGES, 8.0)
    assert (len(found.share), found.reach, found.end, found.is_whole) == (2, 2.0, 8.0, False)


@pytest.mark.parametrize("spans", [[], [Seen(9.0, 0, ints(0, 0, 0, 0, 0))]])
def test_without_predictions_there_is_no_curve(spans: list[Seen]) -> None:
    found = delay_curve(spans, EDGES, 8.0)
    assert (len(found.share), found.reach, found.is_whole) == (0, 0.0, False)


def test_without_outcomes_the_curve_lies_at_zero_and_is_not_whole() -> None:
    found = delay_curve([Seen(9.0, 10, ints(0, 0, 0, 0, 0))], EDGES, 8.0)
    assert found.share.tolist() == [0, 0, 0, 0]
    assert not found.is_whole


def test_young_spans_do_not_bend_the_curve() -> None:
    rng = np.random.default_rng(1)
    edges = np.round(10.0 ** (np.arange(81) / 10), 6)
    errors = []
    for _ in range(40):
        spans = []
        for age in range(60):
            n = int(rng.integers(100, 400))
            # Seven in ten get an outcome, after a lognormal time; what is younger is not known.
            made = age * DAY + rng.random(n) * DAY
            delay = np.where(rng.random(n) < 0.7, rng.lognormal(math.log(5 * DAY), 1, n), np.inf)
            known = delay[delay <= made]
            labelled = np.bincount(np.searchsorted(edges, known, "right"), minlength=82)
            spans.append(Seen(age * DAY, n, labelled))
        curve = delay_curve(spans, edges, 30 * DAY)
        at = edges[50 : len(curve.edges)]
        truth = [0.35 * (1 + math.erf(math.log(x / 5 / DAY) / math.sqrt(2))) for x in at]
        errors.append(curve.share[50:] - truth)
    # 0.01 is some standard errors of one curve's end; the mean over 40 shows no bend.
    assert np.abs(np.mean(errors, axis=0)).max() < 0.004


def test_outcomes_that_come_later_do_not_change_what_was_known() -> None:
    early = delay_curve([Seen(2.0, 100, ints(10, 20, 0, 0, 0))], EDGES, 8.0)
    late = delay_curve([Seen(2.0, 100, ints(10, 20, 33, 7, 2))], EDGES, 8.0)
    assert late.hash == early.hash


def test_a_window_is_looked_at_again_a_few_times_only() -> None:
    ages = ages_of(3_600, 90 * DAY)
    assert len(ages) == 24
    assert ages == sorted(ages)
    assert ages[-1] == 90 * DAY
    assert age_at(0, 3_600, 90 * DAY) == 0
    assert age_at(4_000, 3_600, 90 * DAY) == 3_600
    assert age_at(1e9, 3_600, 90 * DAY) == 90 * DAY
    # A window longer than the horizon has one more look, when it is over.
    assert ages_of(10 * DAY, DAY) == [DAY]


CURVE = DelayCurve(np.array([DAY, 2 * DAY, 4 * DAY]), np.array([0.2, 0.3, 0.4]), 500)


def told(
    name: str,
    age: float,
    curve: DelayCurve = CURVE,
    spans: tuple[tuple[float, float, int], ...] = ((0.0, 0.01, 80),),
) -> object:
    current = profile(
        counts({"predictions": 80, "labelled": 20}), durations("delay", np.full(20, DAY))
    )
    subject = Subject("", current, ageing=Ageing(age, curve, spans))
    return METRICS[name].measure(subject)


def near(found: object, *wanted: float) -> None:
    """Value and rows, then the ends where there are some."""
    assert isinstance(found, Value)
    numbers = (found.value, found.rows, found.lower, found.upper)[: len(wanted)]
    assert numbers == pytest.approx(wanted)


def test_maturity_and_what_is_expected_by_hand() -> None:
    # The predictions of a hundredth of a second are as good as of one age.
    near(told("label_maturity", 0, spans=((0.0, 1e-7, 80),)), 0.0, 80)
    near(told("label_maturity", 2 * DAY), 0.75, 80)
    near(told("label_expected", 3 * DAY), 0.35, 80)
    assert told("label_maturity", 4 * DAY) == Value(1.0, 80)
    assert isinstance(told("label_expected", 4 * DAY), Undefined)
    # The predictions of a day are between no and one day old: half of what a day brings.
    near(told("label_expected", 0, spans=((0.0, DAY, 80),)), 0.1, 80)
    # Over three days the curve bends twice: means of 0.1, 0.25 and 0.325.
    near(told("label_expected", 0, spans=((0.0, 3 * DAY, 80),)), 0.225, 80)


def test_each_prediction_counts_at_its_own_age() -> None:
    # Sixty of the third day before the window's end, twenty of the last.
    spans = ((2 * DAY, DAY, 60), (0.0, DAY, 20))
    expected = (60 * 0.325 + 20 * 0.1) / 80
    near(told("label_expected", 0, spans=spans), expected, 80)
    near(told("label_maturity", 0, spans=spans), expected / 0.4, 80)


def test_of_predictions_that_all_are_old_every_outcome_is_expected() -> None:
    # Nobody predicted in the window's last half year, so that it ages no more.
    spans = ((180 * DAY, 180 * DAY, 80),)
    near(told("label_maturity", 0, spans=spans), 1.0, 80)
    near(told("label_expected", 0, spans=spans), 0.4, 80)


def test_delays_by_hand() -> None:
    # Half of 0.4 is reached at the end of the first day, nine tenths between the second and fourth.
    near(told("label_delay_p50", 0), DAY, 500, 0.0, DAY)
    near(told("label_delay_p90", 0), 3.2 * DAY, 500, 2 * DAY, 4 * DAY)


def test_a_young_model_says_what_it_waits_for() -> None:
    young = DelayCurve(CURVE.edges, CURVE.share[:2], 300)
    found = told("label_maturity", DAY, young)
    assert found == Undefined("outcomes may take 4 days, and the oldest predictions are 2 days old")
    near(told("label_expected", DAY, young), 0.2, 80)
    delay = told("label_delay_p50", DAY, young)
    assert isinstance(delay, Undefined)
    assert delay.why.endswith("this delay is at least 0 s")


def test_once_it_is_over_nothing_depends_on_the_curve() -> None:
    other = DelayCurve(CURVE.edges, CURVE.share / 2, 250)
    assert Ageing(4 * DAY, CURVE, ()).grounds == Ageing(4 * DAY, other, ()).grounds
    assert Ageing(2 * DAY, CURVE, ()).grounds != Ageing(2 * DAY, other, ()).grounds
