"""A model's detector: its signals by version, learned from a history and taken on by windows."""

import math
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np

from monitor.detection import pager
from monitor.detection.arming import WINDOWS as LEAST_WINDOWS
from monitor.detection.arming import needed
from monitor.detection.baseline import learned
from monitor.detection.evidence import BETS
from monitor.detection.ground import Ground, most_used
from monitor.detection.made import Made, followed, joined
from monitor.detection.named import Signal
from monitor.detection.pager import Call, Watch
from monitor.detection.readings import History, Kind, Reading
from monitor.detection.tolerance import tolerances
from monitor.detection.update import Evidence
from monitor.detection.weights import weights
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import DAY

ALIVE: Final = 28 * DAY
"""A version without predictions for so long has no weight any more [s]."""

COMMON: Final = ""
"""Name of the block of signals that all versions have in common."""

PEOPLE: Final = "@people"
"""Name of the block of signals of what people do."""

NO_VERSIONS: Final = (COMMON, PEOPLE)
"""Names of blocks that are no versions."""


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What the card says of pages.

    Attributes:
        weights: part of each family.
        sigma: harmless shift of a mean, in standard deviations of a row.
        relative: harmless part of a share or count.
        pages: accepted per 30 days.
    """

    weights: Mapping[str, float]
    sigma: float
    relative: float
    pages: float


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Consecutive windows of a model.

    Attributes:
        length: of a window [s].
        first: number of the first window.
        rows: predictions per version, shape (t,) each [rows].
        blocks: signals of each version, and of `COMMON`.
    """

    length: int
    first: int
    rows: Mapping[str, Ints]
    blocks: Mapping[str, Made]

    @property
    def windows(self) -> int:
        """How many, t."""
        return next((len(rows) for rows in self.rows.values()), 0)

    def versions_at(self, place: int) -> list[str]:
        """Versions with predictions in a window, in order."""
        return sorted(version for version, rows in self.rows.items() if rows[place])


def one_after_another(batches: Sequence[Batch]) -> Batch:
    """The windows of all these, which follow each other and have the same blocks."""
    first = batches[0]
    rows = {name: np.concatenate([b.rows[name] for b in batches]) for name in first.rows}
    blocks = {name: followed([b.blocks[name] for b in batches]) for name in first.blocks}
    return Batch(first.length, first.first, rows, blocks)


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """What is known of a model's signals after a window.

    Attributes:
        watch: baselines, evidence, open incidents.
        ground: what the signals are made by.
        blocks: signals of `COMMON`, then of each version in the order in which they came.
        seen: number of the last window with predictions, by version.
        signals: m of them, block by block.
        unit: what tolerances are parts of, shape (m,).
    """

    watch: Watch
    ground: Ground
    blocks: Mapping[str, int]
    seen: Mapping[str, int]
    signals: tuple[Signal, ...]
    unit: Floats

    @property
    def number(self) -> int:
        """Of the last window that was taken in."""
        return self.watch.state.number

    def alive(self, number: int) -> frozenset[str]:
        """Versions that made predictions of late."""
        least = number - ALIVE // self.watch.state.length
        return frozenset(version for version, last in self.seen.items() if last >= least)

    def weights(self, rules: Rules, number: int) -> Floats:
        """Weight of each signal in a window, shape (m,)."""
        shared = tuple(sorted(rules.weights.items()))
        return _weights(self.signals, shared, self.alive(number))

    def tolerance(self, rules: Rules) -> Floats:
        """Harmless change of each signal, shape (m,)."""
        kinds = self.watch.state.mode
        part = np.where(kinds == Kind.NORMAL, rules.sigma, rules.relative) * self.unit
        found: Floats = np.where(kinds == Kind.COUNT, np.log1p(rules.relative), part)
        return found

    def to_json(self) -> dict[str, Any]:
        """What stands beside the watch, as values that JSON can hold."""
        return {
            "ground": self.ground.to_json(),
            "blocks": list(self.blocks.items()),
            "seen": dict(self.seen),
            "unit": [struct.pack("<d", x).hex() for x in self.unit.tolist()],
        }

    @classmethod
    def read(cls, watch: bytes, said: Mapping[str, Any], signals: Sequence[Signal]) -> Self:
        """The detector that `to_json` and the watch's bytes were taken of."""
        unit = [struct.unpack("<d", bytes.fromhex(x))[0] for x in said["unit"]]
        return cls(
            Watch.from_bytes(watch),
            Ground.from_json(said["ground"]),
            dict(said["blocks"]),
            said["seen"],
            tuple(signals),
            np.array(unit, np.float64),
        )


@lru_cache(maxsize=64)
def _weights(
    signals: tuple[Signal, ...], shared: tuple[tuple[str, float], ...], alive: frozenset[str]
) -> Floats:
    return weights(signals, dict(shared), alive)


def is_enough(rows: Ints, length: int) -> bool:
    """Whether a baseline can be learned from these windows: enough of them, over enough weeks."""
    seen = np.flatnonzero(rows)
    if len(seen) < LEAST_WINDOWS:
        return False
    return (len(rows) - int(seen[0])) * length >= needed(length)


def learned_from(batch: Batch, ground: Ground, rules: Rules) -> Detector:
    """The detector at the end of a history.

    Versions of which it holds too little are met as new ones when they come again.
    """
    main = most_used(batch.rows)
    known = [
        version
        for version, rows in sorted(batch.rows.items())
        if version == main or is_enough(rows, batch.length)
    ]
    common = [name for name in NO_VERSIONS if name in batch.blocks]
    blocks = (*common, *sorted(known, key=lambda version: (version != main, version)))
    made = joined([batch.blocks[name] for name in blocks])
    streams = made.streams
    history = History(batch.length, batch.first, streams.value, streams.rows, streams.variance)
    seen = {version: batch.first + _last(batch.rows[version]) for version in known}
    unit = tolerances(history, streams.kinds, sigma=1.0, relative=1.0)
    shares = weights(made.signals, rules.weights, frozenset(known))
    state = learned(history, streams.kinds, shares)
    sizes = {name: len(batch.blocks[name].signals) for name in blocks}
    return Detector(pager.started(state), ground, sizes, seen, made.signals, unit)


def _last(rows: Ints) -> int:
    return int(np.flatnonzero(rows)[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What a window did.

    Attributes:
        detector: after it.
        call: what it asks of people.
        evidence: what each signal said.
        weights: of the signals, shape (m,).
        reading: of the window.
    """

    detector: Detector
    call: Call
    evidence: Evidence
    weights: Floats
    reading: Reading


def stepped(
    detector: Detector, batch: Batch, place: int, rules: Rules, muted: Collection[int] = ()
) -> Step | None:
    """What a window did to a detector; None for one without predictions, which counts as missing.

    Args:
        detector: after an earlier window.
        batch: that holds the window.
        place: of the window in it.
        rules: of the card.
        muted: places of signals that people muted, of those known before the window.
    """
    versions = batch.versions_at(place)
    if not versions:
        return None
    for version in versions:
        if version not in detector.blocks:
            detector = _joined_by(detector, version, batch.blocks[version])
    number = batch.first + place
    detector = replace(detector, seen={**detector.seen, **dict.fromkeys(versions, number)})
    reading = _reading(detector, batch, place)
    each = detector.weights(rules, number)
    silent = np.zeros(len(detector.signals), np.bool_)
    silent[list(muted)] = True
    watch, call, evidence = pager.step(
        detector.watch,
        number,
        reading,
        weights=each,
        tolerance=detector.tolerance(rules),
        limit=pager.threshold(batch.length, rules.pages),
        muted=silent,
    )
    return Step(replace(detector, watch=watch), call, evidence, each, reading)


def _reading(detector: Detector, batch: Batch, place: int) -> Reading:
    parts = []
    for name, count in detector.blocks.items():
        if (made := batch.blocks.get(name)) is None:
            parts.append((np.zeros(count), np.zeros(count), np.ones(count)))
        else:
            streams = made.streams
            parts.append(
                (streams.value[:, place], streams.rows[:, place], streams.variance[:, place])
            )
    return Reading(*(np.concatenate(some) for some in zip(*parts, strict=True)))


def _joined_by(detector: Detector, version: str, made: Made) -> Detector:
    """The detector with a new version, which has the shape of the one that was used last."""
    parent = max(detector.seen, key=lambda name: (detector.seen[name], name))
    places = np.array([i for i, s in enumerate(detector.signals) if s.version == parent])
    state = detector.watch.state
    grown = state.join(pager.of_new_version(state.take(places)))
    incident = np.concatenate([detector.watch.incident, np.zeros(len(places), np.int64)])
    return replace(
        detector,
        watch=replace(detector.watch, state=grown, incident=incident),
        blocks={**detector.blocks, version: len(places)},
        signals=(*detector.signals, *made.signals),
        unit=np.concatenate([detector.unit, detector.unit[places]]),
    )


def accepted(detector: Detector, effects: Mapping[str, float]) -> Detector:
    """The detector after the present level of some signals was taken for the new normal.

    Their relatives (the same column) come with them, and whatever else has moved by now.

    Args:
        detector: before.
        effects: shift of each, by the name of the signal.
    """
    signals = detector.signals
    columns = {s.column for s in signals if s.name in effects and s.column}
    mean = np.logaddexp.reduce(detector.watch.state.log_r, axis=1)
    places = np.array(
        [
            i
            for i, signal in enumerate(signals)
            if signal.name in effects
            or signal.column in columns
            or (mean[i] > _MOVED and not detector.watch.incident[i])
        ],
        np.int64,
    )
    effect = np.array([effects.get(signals[i].name, 0.0) for i in places.tolist()])
    return replace(detector, watch=pager.accepted(detector.watch, places, effect))


_MOVED: Final = math.log(pager.MOVED * BETS)
"""Logarithm of the sum of a signal's bets from which on it has moved by itself."""
