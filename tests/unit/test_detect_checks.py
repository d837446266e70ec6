"""What the checks of a detector say to people."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from monitor.detection import signals
from monitor.detection.ground import Ground
from monitor.detection.made import Made, thing, volume
from monitor.detection.named import Group, Signal
from monitor.detection.watching import COMMON, Batch, Rules, learned_from, stepped
from monitor.jobs.checks import checks
from monitor.profiles.windows import DAY
from monitor.state.detectors import Check, CheckState

ROWS = np.random.default_rng(5).poisson(1_000.0, 61).astype(np.int64)


def told(**weights: float) -> list[Check]:
    """What is said after a window of a model of which only the volume is known."""
    every = volume(ROWS)
    own = Made(tuple(replace(signal, version="1") for signal in every.signals), every.streams)
    batch = Batch(DAY, 20_000, {"1": ROWS}, {COMMON: every, "1": own})
    rules = Rules({group.value: 0.0 for group in Group} | weights, 0.02, 0.02, 1.0)
    detector = learned_from(batch, Ground(np.zeros(1, np.int64), 1_000.0, {}), rules)
    later = Batch(DAY, 20_061, {"1": ROWS}, {COMMON: every, "1": own})
    step = stepped(detector, later, 0, rules)
    assert step is not None
    return checks("lending", step, 30.0)


@pytest.mark.parametrize("family", ["people", "features"])
def test_a_model_of_which_nothing_is_watched_says_so(family: str) -> None:
    (whole,) = told(**{family: 1.0})
    assert (whole.check, whole.state, whole.evidence) == ("all", CheckState.UNKNOWN, None)
    assert "nothing is watched" in whole.words


def test_a_family_with_a_weight_and_the_whole_are_told() -> None:
    found = [(check.version, check.check, check.state) for check in told(volume=1.0)]
    names = [("", "all"), ("", "volume"), ("1", "volume")]
    assert found == [(*name, CheckState.OK) for name in names]


REFERENCE, LATER, PER_DAY = 60, 12, 1_000
Make = Callable[[float, int], Made]


def share(metric: str, group: Group) -> Make:
    """Days in which a share of the rows is counted."""

    def make(usual: float, days: int) -> Made:
        events = np.random.default_rng(days).binomial(PER_DAY, usual, days)
        streams = signals.share(events, np.full(days, PER_DAY))
        return named(group, *thing(streams, metric, ""))

    return make


def bias(usual: float, days: int) -> Made:
    """Days whose outcomes come more often than said by this part."""
    total = np.random.default_rng(days).normal(usual * PER_DAY, np.sqrt(PER_DAY * 0.2), days)
    streams = signals.mean(total, np.full(days, PER_DAY), 0.2, "bias")
    return named(Group.CALIBRATION, *thing(streams, "calibration_error", ""))


def named(group: Group, found: list[Signal], streams: signals.Streams) -> Made:
    return Made(tuple(replace(one, group=group, version="1") for one in found), streams)


def batch(first: int, made: Made) -> Batch:
    rows = np.full(made.streams.value.shape[1], PER_DAY)
    return Batch(DAY, first, {"1": rows}, {"1": made})


def moved(make: Make, usual: float, then: float) -> list[Check]:
    """How the only family of a model stands in the days after its number has changed."""
    before, after = make(usual, REFERENCE), make(then, LATER)
    group = before.signals[0].group
    rules = Rules({one.value: float(one is group) for one in Group}, 0.0, 0.0, 1.0)
    ground = Ground(np.zeros(1, np.int64), float(PER_DAY), {})
    detector = learned_from(batch(20_000, before), ground, rules)
    found = []
    for place in range(LATER):
        step = stepped(detector, batch(20_000 + REFERENCE, after), place, rules)
        assert step is not None
        detector = step.detector
        found += [one for one in checks("m", step, 30.0) if one.check == group.value]
    return found


ACCURACY = share("accuracy", Group.TRUTH)
FOLLOWED = share("automation_bias", Group.RELIANCE)
MISSING = share("feature_missing", Group.MISSING)


@pytest.mark.parametrize(
    ("make", "usual", "then", "is_worse"),
    [
        (ACCURACY, 0.9, 0.85, True),
        (ACCURACY, 0.9, 0.95, False),
        (FOLLOWED, 0.4, 0.5, True),
        (FOLLOWED, 0.4, 0.3, False),
        (MISSING, 0.2, 0.3, True),
        (MISSING, 0.2, 0.1, False),
        (bias, 0.0, 0.1, True),
        (bias, 0.0, -0.1, True),
        (bias, 0.1, 0.01, False),
        (bias, 0.05, -0.1, True),
    ],
)
def test_what_moves_to_the_good_is_told_from_harm(
    make: Make, usual: float, then: float, is_worse: bool
) -> None:
    found = moved(make, usual, then)
    told = [one for one in found if one.state in (CheckState.WARNING, CheckState.CRITICAL)]
    assert CheckState.CRITICAL in [one.state for one in told]
    assert [one.is_worse for one in told] == [is_worse] * len(told)


def test_a_family_that_does_not_know_harm_says_nothing_of_it() -> None:
    found = moved(share("override", Group.PEOPLE), 0.1, 0.2)
    assert {one.is_worse for one in found} == {None}
