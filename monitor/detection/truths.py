"""The signals of outcomes against predictions of one version, read once at a fixed age."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from monitor.cards.contract import Contract
from monitor.detection import signals
from monitor.detection.ground import Usual
from monitor.detection.made import Made, Thing, thing
from monitor.detection.named import NUMBER, PROBABILITY, SHARE, Group
from monitor.detection.signals import Graded
from monitor.profiles.early import units
from monitor.profiles.layout import Floats, Ints

PREFIX: Final = "@truth/"
"""Before a version, the name of the block of these signals."""


def usual_of(contract: Contract, scale: float, sums: Ints) -> Usual:
    """What was usual, from the sums of all that is learned from, shape (t, k)."""
    of = {name: float(sum_[0]) for name, sum_ in _named(contract, sums.sum(axis=0)[None]).items()}
    rows, forecast = (max(of.get(name, 0.0), 1.0) for name in ("rows", "forecast"))
    p, p2 = (of.get(name, 0.0) / forecast for name in ("p", "p2"))
    error, absolute, square = (of.get(name, 0.0) / rows for name in ("error", "absolute", "square"))
    return Usual(
        has_forecast=of.get("forecast", 0.0) > 0,
        has_misled=of.get("misled", 0.0) > 0,
        p=p,
        spread=max(p2 - p * p, 0.0),
        error=max(square - error * error, 0.0) * scale * scale,
        absolute=max(square - absolute * absolute, 0.0) * scale * scale,
    )


def truths(contract: Contract, scale: float, usual: Usual, version: str, sums: Ints) -> Made:
    """The signals of a version in t windows.

    Args:
        contract: of the model.
        scale: of its numbers, in which errors are counted.
        usual: fixed with the baseline.
        version: of the model.
        sums: per window, as `profiles.early` names them, shape (t, k).
    """
    of = _named(contract, sums)
    by_group: dict[Group, list[tuple[float, Thing]]] = {}
    if contract.classes:
        right = signals.share(_whole(of["right"]), _whole(of["rows"]), "accuracy")
        by_group[Group.TRUTH] = [(1.0, thing(right, "accuracy", "", SHARE))]
        if usual.has_forecast:
            by_group[Group.CALIBRATION] = [(1.0, _calibration(of, usual))]
        if usual.has_misled:
            followed, misled = _whole(of["followed"]), _whole(of["misled"])
            some = signals.share(followed, misled, "followed")
            by_group[Group.RELIANCE] = [(1.0, thing(some, "automation_bias", "", SHARE))]
    else:
        by_group[Group.TRUTH] = [
            (0.5, _mean(of, "error", "mean_error", usual.error, scale)),
            (0.5, _mean(of, "absolute", "mae", usual.absolute, scale)),
        ]
    return _joined(by_group, version)


def rows_of(contract: Contract, sums: Ints) -> Ints:
    """Predictions with an outcome in time, per window, shape (t,) [rows]."""
    return _whole(_named(contract, sums)["rows"])


def _named(contract: Contract, sums: Ints) -> Mapping[str, Floats]:
    return {
        name: np.asarray(sums[:, i] * unit, np.float64)
        for i, (name, unit) in enumerate(units(contract).items())
    }


def _whole(counts: Floats) -> Ints:
    return counts.astype(np.int64)


def _calibration(of: Mapping[str, Floats], usual: Usual) -> Thing:
    graded = Graded(
        rows=_whole(of["forecast"]),
        error=of["error"],
        doubt=of["doubt"],
        slope=of["error_p"] - usual.p * of["error"],
        slope_doubt=of["doubt_p2"] - 2 * usual.p * of["doubt_p"] + usual.p**2 * of["doubt"],
    )
    some, streams = thing(signals.calibration(graded, usual.spread), "calibration_error", "")
    bias = [replace(signal, unit=PROBABILITY) for signal in some[:1]]
    return [*bias, *(replace(signal, unit=NUMBER) for signal in some[1:])], streams


def _mean(of: Mapping[str, Floats], name: str, metric: str, variance: float, scale: float) -> Thing:
    streams = signals.mean(of[name] * scale, _whole(of["rows"]), variance, name)
    some, streams = thing(streams, metric, "")
    return [replace(signal, unit=NUMBER) for signal in some], streams


def _joined(by_group: Mapping[Group, Sequence[tuple[float, Thing]]], version: str) -> Made:
    found = [
        replace(signal, group=group, version=version, part=signal.part * part)
        for group, things in by_group.items()
        for part, (some, _) in things
        for signal in some
    ]
    every = [(part, streams) for things in by_group.values() for part, (_, streams) in things]
    return Made(tuple(found), signals.together(every))
