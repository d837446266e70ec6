"""Signals of outcomes: which there are, and that a simulated fall is found and nothing else is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from monitor.cards.contract import Contract
from monitor.detection.ground import Usual
from monitor.detection.made import Made
from monitor.detection.named import Group
from monitor.detection.truths import rows_of, truths, usual_of
from monitor.detection.weights import weights
from monitor.profiles.early import units
from monitor.profiles.layout import Ints
from monitor.profiles.segments import ALL
from tests.paged import paged

SEED = 20_261_129
REFERENCE = 28 * 24
MONITORED = 30 * 24
TWO = Contract("m", (), ("no", "yes"), "yes")
NUMBER = Contract("m", ())


def ints(contract: Contract, of: Mapping[str, Sequence[float]]) -> Ints:
    kept = units(contract)
    return np.array([np.rint(np.array(of[name]) / kept[name]) for name in kept], np.int64).T


def simulated(windows: int, seed: int, rows: int, fall: float = 0.0, begin: int = 0) -> Ints:
    """Sums of hours in which labels come as often as said, until a part of them turns."""
    rng = np.random.default_rng(seed)
    day = np.cos(2 * np.pi * np.arange(windows) / 24)
    count = rng.poisson(rows * np.exp(0.3 * day))
    of: dict[str, list[float]] = {name: [] for name in units(TWO)}
    for t, n in enumerate(count.tolist()):
        p = rng.beta(4, 4, n)
        y = rng.random(n) < p
        y ^= (t >= begin) & (rng.random(n) < fall)
        right = (p >= 0.5) == y
        shown = ~right & (rng.random(n) < 0.2)
        q, e = p * (1 - p), y - p
        said = (n, right.sum(), shown.sum(), (shown & (rng.random(n) < 0.8)).sum(), n)
        sums = (e, e * p, q, q * p, q * p * p, p, p * p)
        for name, value in zip(of, (*said, *(x.sum() for x in sums)), strict=True):
            of[name].append(float(value))
    return ints(TWO, of)


def added(parts: Mapping[str, Ints]) -> Ints:
    whole: Ints = np.sum(list(parts.values()), axis=0)
    return whole


def pages(
    sums: Ints, start: int = REFERENCE, parts: Mapping[str, Ints] | None = None
) -> list[tuple[int, str]]:
    """Windows after the reference with a page, and the signal that led it."""
    every = {ALL: sums, **(parts or {})}
    usual = usual_of(TWO, 1.0, {name: some[:start] for name, some in every.items()}, parts or ())
    made = truths(TWO, 1.0, usual, "3", {("3", name): some for name, some in every.items()})
    wanted = {"truth": 0.03, "calibration": 0.02, "reliance": 0.02}
    each = weights(made.signals, wanted, [], ["3"])
    found = paged(made, each, start)
    return [(after, made.signals[call.leads[0].signal].path) for after, call in found]


def test_the_signals_of_classes_and_their_parts() -> None:
    sums = simulated(3, SEED, 50)
    usual = usual_of(TWO, 1.0, {ALL: sums})
    made = truths(TWO, 1.0, usual, "3", {("3", ALL): sums})
    assert [signal.name for signal in made.signals] == [
        "truth/accuracy@3",
        "calibration/bias@3",
        "calibration/slope@3",
        "reliance/followed@3",
    ]
    parts = dict.fromkeys((Group.TRUTH, Group.CALIBRATION, Group.RELIANCE), 0.0)
    for signal in made.signals:
        parts[signal.group] += signal.part
    assert list(parts.values()) == pytest.approx([1, 1, 1])
    assert usual.p == pytest.approx(0.5, abs=0.05)
    assert usual.spread == pytest.approx(1 / 36, rel=0.2)
    accuracy = sums[:, 1] / sums[:, 0]
    assert made.streams.value[0] == pytest.approx(accuracy)
    assert (rows_of(TWO, sums) == sums[:, 0]).all()


def test_what_was_never_there_is_not_watched() -> None:
    sums = simulated(3, SEED, 50)
    none = replace(usual_of(TWO, 1.0, {ALL: sums}), has_forecast=False, has_misled=False)
    assert [s.kind for s in truths(TWO, 1.0, none, "3", {("3", ALL): sums}).signals] == ["accuracy"]


def test_errors_of_numbers_are_told_in_their_unit() -> None:
    of = {"rows": [4.0, 2.0], "error": [2.0, -1.0], "absolute": [3.0, 1.0], "square": [4.0, 1.0]}
    sums, scale = ints(NUMBER, of), 8.0
    usual = usual_of(NUMBER, scale, {ALL: sums})
    nothing = Usual(has_forecast=False, has_misled=False, p=0, spread=0, error=0, absolute=0)
    assert replace(usual, error=0, absolute=0) == nothing
    assert usual.error == pytest.approx((5 / 6 - 1 / 36) * 64)
    assert usual.absolute == pytest.approx((5 / 6 - 4 / 9) * 64)
    made: Made = truths(NUMBER, scale, usual, "3", {("3", ALL): sums})
    assert [(s.name, s.metric, s.part) for s in made.signals] == [
        ("truth/error@3", "mean_error", 0.5),
        ("truth/absolute@3", "mae", 0.5),
    ]
    assert made.streams.value.tolist() == [[4.0, -4.0], [6.0, 4.0]]
    assert made.streams.variance[0] == pytest.approx(usual.error / np.array([4, 2]))


def test_no_page_while_labels_come_as_they_did() -> None:
    for seed in range(3):
        assert pages(simulated(REFERENCE + MONITORED, SEED + seed, 40)) == []


@pytest.mark.parametrize(("rows", "fall", "within"), [(40, 0.2, 120), (400, 0.1, 24)])
def test_a_fall_of_accuracy_is_found(rows: int, fall: float, within: int) -> None:
    sums = simulated(REFERENCE + 240, SEED, rows, fall, REFERENCE)
    ((first, kind), *_) = pages(sums)
    assert first <= within
    assert kind in ("truth/accuracy", "calibration/slope")


def test_segments_with_enough_outcomes_share_a_half() -> None:
    parts = {"a=x": simulated(40, SEED, 20), "a=y": simulated(40, SEED, 20)}
    sums = {ALL: added(parts), "a=z": simulated(40, SEED, 2), **parts}
    usual = usual_of(TWO, 1.0, sums, ("a=x", "a=y", "a=z"))
    assert usual.segments == ("a=x", "a=y")
    made = truths(TWO, 1.0, usual, "3", {("3", name): some for name, some in sums.items()})
    assert [(signal.path, signal.part) for signal in made.signals] == [
        ("truth/accuracy", 0.5),
        ("truth/a=x/accuracy", 0.25),
        ("truth/a=y/accuracy", 0.25),
        ("calibration/bias", pytest.approx(0.3)),
        ("calibration/slope", pytest.approx(0.2)),
        ("calibration/a=x/bias", 0.25),
        ("calibration/a=y/bias", 0.25),
        ("reliance/followed", 1.0),
    ]
    assert made.streams.value[1] == pytest.approx(parts["a=x"][:, 1] / parts["a=x"][:, 0])
    # A segment whose rows had no outcome is missing, and not 0.
    without = truths(TWO, 1.0, usual, "3", {("3", ALL): sums[ALL], ("3", "a=x"): sums["a=x"]})
    assert not without.streams.rows[2].any()


def test_a_fall_in_one_segment_is_found_and_named() -> None:
    windows = REFERENCE + 240
    parts = {"region=south": simulated(windows, SEED, 40, 0.45, REFERENCE)}
    parts |= {
        f"region={name}": simulated(windows, SEED + i, 40) for i, name in enumerate("abcd", 1)
    }
    ((first, path), *_) = pages(added(parts), parts=parts)
    assert first <= 24
    assert path == "truth/region=south/accuracy"


def test_no_page_while_segments_are_as_they_were() -> None:
    parts = {name: simulated(REFERENCE + MONITORED, SEED + i, 40) for i, name in enumerate("abcde")}
    assert pages(added(parts), parts=parts) == []
