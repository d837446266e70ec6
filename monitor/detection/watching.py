"""A model's detector: its signals by version, learned from a history and taken on by windows."""

import math
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from monitor.detection.named import OF_TRUTH, Signal
from monitor.detection.pager import Call, Watch
from monitor.detection.readings import History, Kind, Reading
from monitor.detection.state import State
from monitor.detection.tolerance import tolerances
from monitor.detection.truths import PREFIX
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

USE: Final = "@use"
"""Name of the block of signals of what consumers do."""

NO_VERSIONS: Final = (COMMON, PEOPLE, USE)
"""Names of blocks that are no versions."""


def is_version(block: str) -> bool:
    """Whether a block is of all but the outcomes of a version."""
    return block not in NO_VERSIONS and not block.startswith(PREFIX)


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
        blocks: signals of each version, of its outcomes, and of `NO_VERSIONS`.
        graded: predictions with an outcome in time per version, read that much later, shape (t,)
            each [rows].
    """

    length: int
    first: int
    rows: Mapping[str, Ints]
    blocks: Mapping[str, Made]
    graded: Mapping[str, Ints] = field(default_factory=dict)

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
    graded = {name: np.concatenate([b.graded[name] for b in batches]) for name in first.graded}
    return Batch(first.length, first.first, rows, blocks, graded)


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """What is known of a model's signals after a window.

    Attributes:
        watch: baselines, evidence, open incidents.
        ground: what the signals are made by.
        blocks: signals of `NO_VERSIONS`, then of each version and of its outcomes, in the order in
            which they came.
        seen: number of the last window with predictions, by version.
        graded: of the windows with outcomes, the first and how many, by version.
        signals: m of them, block by block.
        unit: what tolerances are parts of, shape (m,).
    """

    watch: Watch
    ground: Ground
    blocks: Mapping[str, int]
    seen: Mapping[str, int]
    graded: Mapping[str, tuple[int, int]]
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

    @property
    def ripe(self) -> str | None:
        """Version whose outcomes have a baseline to be learned now, None for none.

        The first one; others are then met as new versions are.
        """
        state = self.watch.state
        if any(block.startswith(PREFIX) for block in self.blocks):
            return None
        for version, (first, count) in sorted(self.graded.items()):
            span = (state.number - first + 1) * state.length
            if count >= LEAST_WINDOWS and span >= needed(state.length):
                return version
        return None

    def places(self, block: str) -> Ints:
        """Places of the signals of a block, in order."""
        names = list(self.blocks)
        first = sum(self.blocks[name] for name in names[: names.index(block)])
        return np.arange(first, first + self.blocks[block])

    def weights(self, rules: Rules, number: int) -> Floats:
        """Weight of each signal in a window, shape (m,)."""
        shared = tuple(sorted(rules.weights.items()))
        graded = self.alive(number - self.ground.lag)
        return _weights(self.signals, shared, self.alive(number), graded)

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
            "graded": [[name, *some] for name, some in self.graded.items()],
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
            {name: (first, count) for name, first, count in said.get("graded", ())},
            tuple(signals),
            np.array(unit, np.float64),
        )


@lru_cache(maxsize=64)
def _weights(
    signals: tuple[Signal, ...],
    shared: tuple[tuple[str, float], ...],
    alive: frozenset[str],
    graded: frozenset[str],
) -> Floats:
    return weights(signals, dict(shared), alive, graded)


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
    graded: dict[str, tuple[int, int]] = {}
    for place in range(ground.lag, batch.windows):
        graded = _counted(graded, batch, place)
    return Detector(pager.started(state), ground, sizes, seen, graded, made.signals, unit)


def _counted(
    graded: Mapping[str, tuple[int, int]], batch: Batch, place: int
) -> dict[str, tuple[int, int]]:
    """First and number of the windows with outcomes by version, after one more."""
    after = dict(graded)
    for version, rows in batch.graded.items():
        if rows[place]:
            first, count = after.get(version, (batch.first + place, 0))
            after[version] = (first, count + 1)
    return after


def with_truth(detector: Detector, version: str, made: Made, ground: Ground) -> Detector:
    """The detector that watches outcomes too, with their baseline.

    Args:
        detector: after a window.
        version: that the baseline is learned from.
        made: its signals of outcomes in the windows up to and with that one.
        ground: the detector's, with what was usual of outcomes.
    """
    streams, state = made.streams, detector.watch.state
    first = state.number - streams.value.shape[1] + 1
    history = History(state.length, first, streams.value, streams.rows, streams.variance)
    part = np.array([signal.part for signal in made.signals])
    learned_state = learned(history, streams.kinds, part / part.sum())
    unit = tolerances(history, streams.kinds, sigma=1.0, relative=1.0)
    # Of shares near 1 what is rare is what counts: one error in ten more, not one answer in ten.
    rarer = np.where(streams.kinds == Kind.SHARE, np.minimum(unit, 1 - unit), unit)
    grown = _grown(detector, PREFIX + version, learned_state, made.signals, rarer)
    return replace(grown, ground=ground)


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
            parent = max(detector.seen, key=lambda name: (detector.seen[name], name))
            detector = _joined_by(detector, version, parent, batch.blocks[version])
    number = batch.first + place
    detector = replace(detector, seen={**detector.seen, **dict.fromkeys(versions, number)})
    detector = replace(detector, graded=_counted(detector.graded, batch, place))
    for version, rows in sorted(batch.graded.items()):
        block = PREFIX + version
        parents = [name for name in detector.blocks if name.startswith(PREFIX)]
        if rows[place] and parents and block not in detector.blocks:
            detector = _joined_by(detector, block, parents[-1], batch.blocks[block])
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


def _joined_by(detector: Detector, block: str, parent: str, made: Made) -> Detector:
    """The detector with a block of a new version, which has the shape of another's."""
    places = detector.places(parent)
    state = pager.of_new_version(detector.watch.state.take(places))
    return _grown(detector, block, state, made.signals, detector.unit[places])


def _grown(
    detector: Detector, block: str, state: State, signals: Sequence[Signal], unit: Floats
) -> Detector:
    """The detector with one more block, whose signals have this state."""
    watch = detector.watch
    incident = np.concatenate([watch.incident, np.zeros(len(signals), np.int64)])
    return replace(
        detector,
        watch=replace(watch, state=watch.state.join(state), incident=incident),
        blocks={**detector.blocks, block: len(signals)},
        signals=(*detector.signals, *signals),
        unit=np.concatenate([detector.unit, unit]),
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
    # What outcomes show of a change of inputs is news, and nobody has accepted it with these.
    is_late = any(s.name in effects and s.group in OF_TRUTH for s in signals)
    mean = np.logaddexp.reduce(detector.watch.state.log_r, axis=1)
    places = np.array(
        [
            i
            for i, signal in enumerate(signals)
            if signal.name in effects
            or signal.column in columns
            or (
                mean[i] > _MOVED
                and not detector.watch.incident[i]
                and (signal.group in OF_TRUTH) == is_late
            )
        ],
        np.int64,
    )
    effect = np.array([effects.get(signals[i].name, 0.0) for i in places.tolist()])
    return replace(detector, watch=pager.accepted(detector.watch, places, effect))


_MOVED: Final = math.log(pager.MOVED * BETS)
"""Logarithm of the sum of a signal's bets from which on it has moved by itself."""
