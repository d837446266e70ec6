"""Outcomes join a detector when there are enough of them, and other versions follow the first."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.detection.ground import Ground
from monitor.detection.made import Made, thing, volume
from monitor.detection.named import Group
from monitor.detection.signals import share
from monitor.detection.truths import PREFIX, truths, usual_of
from monitor.detection.watching import (
    COMMON,
    Batch,
    Detector,
    Rules,
    learned_from,
    stepped,
    with_truth,
)
from monitor.profiles.layout import Ints
from monitor.profiles.segments import ALL
from tests.unit.test_detection_truths import TWO, simulated

HOUR = 3_600
FIRST = 493_176
LAG = 24
LEARNED = 30 * 24
WEIGHTS = {"volume": 0.5, "predictions": 0.3, "truth": 0.1, "calibration": 0.1, "reliance": 0.0}
RULES = Rules(WEIGHTS, 0.0, 0.0, 1.0)
SUMS = simulated(LEARNED + 48, 3, 60)


def positives(version: str, rows: Ints, seed: int) -> Made:
    events = np.random.default_rng(seed).binomial(rows, 0.3)
    some, streams = thing(share(events, rows), "prediction", "prediction")
    mine = [replace(one, group=Group.PREDICTIONS, version=version) for one in some]
    return Made(tuple(mine), streams)


def batch(start: int, end: int, usual: Ground | None = None, second_from: int = 10**9) -> Batch:
    """Windows of a version, and of another from some window on."""
    t = np.arange(start, end)
    first = np.random.default_rng(4).poisson(60, 10**4)[t]
    rows = {"1": first, "2": np.where(t >= second_from, 50, 0)}
    graded = {
        "1": np.where(t >= LAG, SUMS[t, 0], 0),
        "2": np.where(t >= second_from + LAG, SUMS[t, 0], 0),
    }
    blocks = {name: positives(name, some, 5 + i) for i, (name, some) in enumerate(rows.items())}
    if usual is not None and usual.usual is not None:
        for name in rows:
            sums = np.where(graded[name][:, None] > 0, SUMS[t], 0)
            blocks[PREFIX + name] = truths(TWO, 1.0, usual.usual, name, {(name, ALL): sums})
    common = {COMMON: volume(first)}
    return Batch(HOUR, FIRST + start, rows, {**common, **blocks}, graded)


GROUND = Ground(np.zeros(1, np.int64), 60.0, {}, lag=LAG)


@pytest.fixture(scope="module")
def detector() -> Detector:
    history = batch(0, LEARNED)
    only = replace(
        history,
        rows={"1": history.rows["1"]},
        blocks={name: history.blocks[name] for name in (COMMON, "1")},
    )
    found = learned_from(only, GROUND, RULES)
    assert found.graded["1"] == (FIRST + LAG, LEARNED - LAG)
    assert found.ripe == "1"
    sums = SUMS[LAG:LEARNED]
    ground = replace(GROUND, usual=usual_of(TWO, 1.0, {ALL: sums}))
    assert ground.usual is not None
    return with_truth(found, "1", truths(TWO, 1.0, ground.usual, "1", {("1", ALL): sums}), ground)


def test_outcomes_join_once(detector: Detector) -> None:
    assert detector.ripe is None
    assert list(detector.blocks) == [COMMON, "1", PREFIX + "1"]
    names = [detector.signals[i].name for i in detector.places(PREFIX + "1")]
    assert names[:2] == ["truth/accuracy@1", "calibration/bias@1"]
    assert detector.weights(RULES, detector.number).sum() == pytest.approx(1)


def test_too_few_outcomes_wait(detector: Detector) -> None:
    without = replace(detector, blocks={COMMON: 1, "1": 1}, signals=detector.signals[:2])
    few = {"1": (detector.number - 40, 29)}
    assert replace(without, graded=few).ripe is None
    short = {"1": (detector.number - 20 * 24, 400)}
    assert replace(without, graded=short).ripe is None
    long = {"1": (detector.number - 27 * 24, 400)}
    assert replace(without, graded=long).ripe == "1"


def test_another_version_has_the_shape_of_the_first(detector: Detector) -> None:
    some = batch(LEARNED, LEARNED + 40, detector.ground, second_from=LEARNED + 4)
    now = detector
    for place in range(40):
        step = stepped(now, some, place, RULES)
        assert step is not None
        assert not step.call.is_page
        now = step.detector
        has_rows, has_outcomes = place >= 4, place >= 4 + LAG
        expected = [COMMON, "1", PREFIX + "1"]
        expected += ["2"] * has_rows + [PREFIX + "2"] * has_outcomes
        assert list(now.blocks) == expected
    both = [now.signals[i] for name in ("1", "2") for i in now.places(PREFIX + name)]
    assert {one.version for one in both} == {"1", "2"}
    weights = now.weights(RULES, now.number)
    assert weights.sum() == pytest.approx(1)
    by_version = [weights[now.places(PREFIX + name)].sum() for name in ("1", "2")]
    assert by_version == pytest.approx([0.1, 0.1])
    again = Detector.read(now.watch.to_bytes(), now.to_json(), now.signals)
    assert again.to_json() == now.to_json()
    assert again.ground.usual == now.ground.usual


def test_an_old_version_is_graded_as_long_as_its_outcomes_come(detector: Detector) -> None:
    month = 28 * 24
    later = detector.number + month + LAG // 2
    assert detector.alive(later) == frozenset()
    gone = detector.weights(RULES, later)
    assert gone[detector.places("1")].sum() == 0
    assert gone[detector.places(PREFIX + "1")].sum() > 0


def test_a_detector_from_before_outcomes_is_read(detector: Detector) -> None:
    said = detector.to_json()
    old = {name: value for name, value in said.items() if name != "graded"}
    old["ground"] = {k: v for k, v in said["ground"].items() if k not in ("usual", "lag")}
    found = Detector.read(detector.watch.to_bytes(), old, detector.signals)
    assert (found.graded, found.ground.usual, found.ground.lag) == ({}, None, 0)
