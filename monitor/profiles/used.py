"""What applications downstream do with predictions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow.compute as pc

from monitor.profiles.added import Added, Fed
from monitor.profiles.counts import Counts
from monitor.profiles.divisions import Division
from monitor.profiles.durations import Durations, durations_fed
from monitor.profiles.fixed import UNIT
from monitor.profiles.known import Known, flags, numbers
from monitor.profiles.layout import Floats, Ints, Part
from monitor.profiles.named import CONSUMER, by_name
from monitor.profiles.reviewed import instants
from monitor.profiles.uses import Uses

USED: Final = "used"
STATES: Final = (USED, "ignored", "deferred", "requeried", "blocked")

MADE: Final = "predictions"
USES: Final = "uses"
COUNTED: Final = (MADE, "mentioned", "used_by_any", USES, *STATES, "acted", "acted_on", "early")
"""`predictions`, those that a consumer `mentioned`, and those that one used. The others count
uses: what each consumer last said of each prediction, by state; those that say what the consumer
did (`acted`), and did upon the prediction (`acted_on`); those used before they were made."""

DELAY: Final = "use_delay"
"""Column of the layout: time from prediction to use."""

MOST_WORTH: Final = 2.0**40
"""Value of a use, up or down, beyond which it counts as this much."""


def units(known: Known) -> Ints:
    """Prediction of each unit: of the predictions, then of the uses."""
    return np.concatenate([known.every, known.uses.prediction])


def parts() -> tuple[Fed, ...]:
    """What a profile of use holds."""
    return (
        Fed(Counts.part(COUNTED), _counts),
        Fed(Durations.part(DELAY), _delay),
        Fed(Worth.part(), _worth),
    )


def divisions(known: Known) -> Iterator[Division]:
    """Uses by consumer."""
    uses = known.uses
    declared = known.plan.named.get(CONSUMER, ())
    window = known.window[uses.prediction]
    yield by_name(CONSUMER, uses.table["consumer"], uses.unit, window, declared)


def _counts(known: Known) -> Iterator[Added]:
    uses = known.uses
    used = uses.said(USED)
    acted = flags(pc.is_valid(uses.table["action"]))
    of: dict[str, Ints] = {
        MADE: known.every,
        "mentioned": _different(uses.prediction),
        "used_by_any": _different(uses.prediction[used]),
        USES: uses.unit,
        **{state: uses.unit[uses.said(state)] for state in STATES},
        "acted": uses.unit[acted],
        "acted_on": uses.unit[acted & used],
        "early": uses.unit[used & (_lengths(known, uses) < 0)],
    }
    for place, name in enumerate(COUNTED):
        yield Added(of[name], place)


def _different(ascending: Ints) -> Ints:
    return ascending[np.diff(ascending, prepend=-1) > 0]


def _lengths(known: Known, uses: Uses) -> Ints:
    """Time from prediction to use, shape (m,) [µs]."""
    return instants(uses.table["event_time"]) - known.made[uses.prediction]


def _delay(known: Known) -> Iterator[Added]:
    uses = known.uses
    length = _lengths(known, uses)
    some = uses.said(USED) & (length >= 0)
    return durations_fed(uses.unit[some], length[some])


@dataclass(frozen=True, slots=True)
class Sum:
    """Rows and the sum of their values, in whatever unit the consumers give."""

    rows: int
    total: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What uses are worth, as far as they say.

    Attributes:
        every: of all uses with a value.
        used: of those whose prediction was used.
        negative: uses with a value below 0 [rows].
        clipped: uses with a value beyond `MOST_WORTH` [rows].
    """

    every: Sum
    used: Sum
    negative: int
    clipped: int

    @classmethod
    def name(cls) -> str:
        return "worth"

    @classmethod
    def part(cls, column: str = "") -> Part:
        """Room for two times three sums, and two counts."""
        return Part(cls.name(), column, {}, 8)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        sums = [
            Sum(rows, whole + rest * UNIT) for rows, whole, rest in ints[:6].reshape(2, 3).tolist()
        ]
        return cls(sums[0], sums[1], int(ints[6]), int(ints[7]))


def _worth(known: Known) -> Iterator[Added]:
    """Nobody knows the unit, so that whole parts and rests are summed apart, both exactly."""
    uses = known.uses
    value = numbers(uses.table["value"])
    given = np.flatnonzero(~np.isnan(value))
    unit, value, used = uses.unit[given], value[given], uses.said(USED)[given]
    near = np.clip(value, -MOST_WORTH, MOST_WORTH)
    whole = np.floor(near)
    rest = np.rint((near - whole) / UNIT).astype(np.int64)
    for first, some in ((0, slice(None)), (3, used)):
        yield Added(unit[some], first)
        yield Added(unit[some], first + 1, whole.astype(np.int64)[some])
        yield Added(unit[some], first + 2, rest[some])
    yield Added(unit[value < 0], 6)
    yield Added(unit[np.abs(value) > MOST_WORTH], 7)
