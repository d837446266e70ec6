"""The signals of outcomes against predictions of one version, read once at a fixed age."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from monitor.cards.contract import Contract
from monitor.detection import signals
from monitor.detection.ground import LEAST_ROWS, Sums, Usual
from monitor.detection.made import Made, Thing, halved, joined, thing, within
from monitor.detection.named import NUMBER, PROBABILITY, SHARE, Group
from monitor.detection.signals import Graded, Streams
from monitor.profiles.early import units
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.segments import ALL

PREFIX: Final = "@truth/"
"""Before a version, the name of the block of these signals."""


def usual_of(
    contract: Contract, scale: float, sums: Mapping[str, Ints], segments: Iterable[str] = ()
) -> Usual:
    """What was usual of a version.

    Args:
        contract: of the model.
        scale: of its numbers, in which errors are counted.
        sums: by segment, of all that is learned from, as `profiles.early` names them, shape (t, k).
        segments: that may be watched by themselves.
    """
    whole = sums[ALL]
    of = {name: float(sum_[0]) for name, sum_ in _named(contract, whole.sum(axis=0)[None]).items()}
    rows, forecast = (max(of.get(name, 0.0), 1.0) for name in ("rows", "forecast"))
    p, p2 = (of.get(name, 0.0) / forecast for name in ("p", "p2"))
    error, absolute, square = (of.get(name, 0.0) / rows for name in ("error", "absolute", "square"))
    windows = max(int((rows_of(contract, whole) > 0).sum()), 1)
    typical = {at: int(rows_of(contract, some).sum()) / windows for at, some in sums.items()}
    return Usual(
        has_forecast=of.get("forecast", 0.0) > 0,
        has_misled=of.get("misled", 0.0) > 0,
        p=p,
        spread=max(p2 - p * p, 0.0),
        error=max(square - error * error, 0.0) * scale * scale,
        absolute=max(square - absolute * absolute, 0.0) * scale * scale,
        segments=tuple(at for at in segments if typical.get(at, 0.0) >= LEAST_ROWS),
    )


def truths(contract: Contract, scale: float, usual: Usual, version: str, sums: Sums) -> Made:
    """The signals of a version in t windows.

    Of each family all rows have one half, and the segments share the other.

    Args:
        contract: of the model.
        scale: of its numbers, in which errors are counted.
        usual: fixed with the baseline.
        version: of the model.
        sums: of its rows at least, per window, as `profiles.early` names them, shape (t, k); a
            segment that is not in it had no outcomes.
    """
    whole = sums[version, ALL]
    by_group: dict[Group, list[Thing]] = defaultdict(list)
    for segment in (ALL, *usual.segments):
        of = _named(contract, sums.get((version, segment), np.zeros_like(whole)))
        for group, some in _things(contract, scale, usual, of, is_whole=segment == ALL):
            by_group[group].append(within(segment, some))
    return joined([halved(group, things, version) for group, things in by_group.items()])


def _things(
    contract: Contract, scale: float, usual: Usual, of: Mapping[str, Floats], *, is_whole: bool
) -> Iterator[tuple[Group, Thing]]:
    """What is watched of some rows, by family; of parts of them what few rows can tell."""
    if not contract.classes:
        errors = (
            _mean(of, "error", usual.error, scale),
            _mean(of, "absolute", usual.absolute, scale),
        )
        found = [
            *thing(errors[0], "mean_error", "")[0],
            *thing(errors[1], "mae", "")[0],
        ]
        streams = signals.together([(0.5, each) for each in errors])
        yield Group.TRUTH, ([replace(s, part=0.5, unit=NUMBER) for s in found], streams)
        return
    right = signals.share(_whole(of["right"]), _whole(of["rows"]), "accuracy")
    yield Group.TRUTH, thing(right, "accuracy", "", SHARE)
    if usual.has_forecast:
        yield Group.CALIBRATION, _calibration(of, usual, is_whole=is_whole)
    if usual.has_misled and is_whole:
        followed, misled = _whole(of["followed"]), _whole(of["misled"])
        some = signals.share(followed, misled, "followed")
        yield Group.RELIANCE, thing(some, "automation_bias", "", SHARE)


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


def _calibration(of: Mapping[str, Floats], usual: Usual, *, is_whole: bool) -> Thing:
    graded = Graded(
        rows=_whole(of["forecast"]),
        error=of["error"],
        doubt=of["doubt"],
        slope=of["error_p"] - usual.p * of["error"],
        slope_doubt=of["doubt_p2"] - 2 * usual.p * of["doubt_p"] + usual.p**2 * of["doubt"],
    )
    some, streams = thing(
        signals.calibration(graded, usual.spread if is_whole else 0.0), "calibration_error", ""
    )
    bias = [replace(signal, unit=PROBABILITY) for signal in some[:1]]
    return [*bias, *(replace(signal, unit=NUMBER) for signal in some[1:])], streams


def _mean(of: Mapping[str, Floats], name: str, variance: float, scale: float) -> Streams:
    return signals.mean(of[name] * scale, _whole(of["rows"]), variance, name)
