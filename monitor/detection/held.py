"""What is held of the signals of open incidents: how they were before, and how far they went."""

import struct
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from monitor.detection.readings import Reading
from monitor.detection.state import MOVING, State
from monitor.detection.update import update
from monitor.errors import StateError
from monitor.profiles.layout import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Signals of open incidents, h of them.

    Attributes:
        places: of the signals, shape (h,).
        moved: how far each is from where it was before, in its unit, shape (h,).
        told: the furthest that people were told of, shape (h,), at least 0.
        before: their state when they came to the incident, at whatever window that was.
    """

    places: Ints
    moved: Floats
    told: Floats
    before: State

    @classmethod
    def nothing(cls, state: State) -> Self:
        """Nothing of a state's signals."""
        none = np.zeros(0, np.int64)
        return cls(none, np.zeros(0), np.zeros(0), state.take(none))

    def of(self, places: Ints) -> Ints:
        """Where these signals stand here, in their order; all are held."""
        order = np.argsort(self.places, kind="stable")
        found: Ints = order[np.searchsorted(self.places, places, sorter=order)]
        return found

    def with_(self, state: State, places: Ints, effect: Floats) -> Self:
        """These too, which have moved so far since the state that they have now."""
        before = _brought_to(self.before, state.number).join(state.take(places))
        return type(self)(
            np.concatenate([self.places, places]),
            np.concatenate([self.moved, effect]),
            np.concatenate([self.told, np.abs(effect)]),
            before,
        )

    def without(self, places: Ints) -> Self:
        """All but these, of which some may not be held."""
        kept = np.flatnonzero(~np.isin(self.places, places))
        before = self.before.take(kept)
        return type(self)(self.places[kept], self.moved[kept], self.told[kept], before)

    def went(self, places: Ints, effect: Floats, *, is_told: bool) -> Self:
        """After these signals, all of them held, went further, which people are told or not."""
        here = self.of(places)
        moved, told = self.moved.copy(), self.told.copy()
        moved[here] += effect
        if is_told:
            told[here] = np.maximum(told[here], np.abs(moved[here]))
        return replace(self, moved=moved, told=told)

    def restored(self, state: State, places: Ints) -> State:
        """The state in which these signals, all held, are as if they had been missing since."""
        here = self.of(places)
        before = _brought_to(self.before, state.number).take(here)
        new = state.copied()
        for name in MOVING:
            getattr(new, name)[places] = getattr(before, name)
        return new

    def to_bytes(self) -> bytes:
        """The binary form."""
        numbers = (self.places.astype("<i8"), self.moved.astype("<f8"), self.told.astype("<f8"))
        head = _HEAD.pack(len(self.places))
        return head + b"".join(some.tobytes() for some in numbers) + self.before.to_bytes()

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """What `to_bytes` was taken of, to the bit.

        Raises:
            StateError: the bytes are nothing of the kind.
        """
        if len(blob) < _HEAD.size:
            raise StateError("these bytes are no detector state; learn the baseline anew")
        (count,) = _HEAD.unpack_from(blob)
        end = _HEAD.size + 24 * count
        before = State.from_bytes(blob[end:])
        at = [_HEAD.size + 8 * count * i for i in range(3)]
        kinds = ("<i8", "<f8", "<f8")
        places, moved, told = (
            np.frombuffer(blob, kind, count, begin) for kind, begin in zip(kinds, at, strict=True)
        )
        numbers = moved.astype(np.float64), told.astype(np.float64)
        return cls(places.astype(np.int64), *numbers, before)


_HEAD: Final = struct.Struct("<I")
"""How many signals."""


def _brought_to(state: State, number: int) -> State:
    """The state at a later window, with all up to it missing."""
    if state.number == number:
        return state
    count = state.signals
    return update(state, number, Reading.missing(count), np.zeros(count), np.ones(count, bool))[0]
