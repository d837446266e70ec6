"""What the checks of a detector say to people."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.detection.ground import Ground
from monitor.detection.made import Made, volume
from monitor.detection.named import Group
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
