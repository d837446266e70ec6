"""Profiles that grow while rows are read: one per key, in vectors side by side."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from monitor.profiles.layout import Floats, Ints, Layout, Profile

Key = tuple[int, ...]

_WIDE: Final = 4
"""Codes per row up to which a table of all of them is cheaper than sorting those that occur."""


class Accumulator:
    """Sums per key, all of one layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.ints = np.zeros((0, layout.ints), np.int64)
        self.lows = np.zeros((0, layout.extremes))
        self.highs = np.zeros((0, layout.extremes))
        self._slots: dict[Key, int] = {}

    def slots(self, *parts: Ints) -> Ints:
        """Row of the vectors per row of the data, shape (n,); new keys get a new one.

        Args:
            parts: what the key is made of, each shape (n,).
        """
        if not len(parts[0]):
            return np.empty(0, np.int64)
        code = np.zeros(len(parts[0]), np.int64)
        span = 1
        for part in parts:
            low, high = int(part.min()), int(part.max())
            if low < high:
                span *= high - low + 1
                code = code * (high - low + 1) + (part - low)
        if span == 1:
            return np.full(len(code), self._slots_of(parts, code[:1])[0])
        if span > _WIDE * len(code):
            _, first, code = np.unique(code, return_index=True, return_inverse=True)
            of_code = self._slots_of(parts, first)
        else:
            # A table instead of a sort: where each code stands in the rows, whichever of them.
            somewhere = np.full(span, -1, np.int64)
            somewhere[code] = np.arange(len(code))
            there = np.flatnonzero(somewhere >= 0)
            of_code = somewhere
            of_code[there] = self._slots_of(parts, somewhere[there])
        return of_code[code.reshape(-1)]

    def _slots_of(self, parts: Sequence[Ints], rows: Ints) -> Ints:
        keys = zip(*(part[rows].tolist() for part in parts), strict=True)
        return np.array([self._slot(key) for key in keys], np.int64)

    def _slot(self, key: Key) -> int:
        slot = self._slots.setdefault(key, len(self._slots))
        if slot == len(self.ints):
            # Zeros that nobody wrote yet take no memory, so that room to grow is free.
            ints = np.zeros((slot + max(8, slot), self.layout.ints), np.int64)
            ints[:slot] = self.ints
            more = len(ints) - slot
            self.ints = ints
            self.lows = np.vstack([self.lows, np.full((more, self.layout.extremes), np.inf)])
            self.highs = np.vstack([self.highs, np.full((more, self.layout.extremes), -np.inf)])
        return slot

    def add(self, slots: Ints, place: int | Ints, amount: int | Ints = 1) -> None:
        """Add `amount` to one integer of each row's profile; places count from its start."""
        # On the flat view, for which NumPy has a quick path.
        np.add.at(self.ints.reshape(-1), slots * self.layout.ints + place, amount)

    def reach(self, slots: Ints, extreme: int, values: Floats) -> None:
        """Widen one pair of extremes of each row's profile by the row's value, a finite one."""
        # -0.0 becomes 0.0: which of two zeros is least must not depend on their order.
        same = values + 0.0
        np.minimum.at(self.lows[:, extreme], slots, same)
        np.maximum.at(self.highs[:, extreme], slots, same)

    def keys(self) -> list[Key]:
        """Key of each slot."""
        return list(self._slots)

    def profiles(self) -> Iterator[tuple[Key, Profile]]:
        """Every key with its profile, in the order of the keys."""
        for key, slot in sorted(self._slots.items()):
            yield key, Profile(self.layout, self.ints[slot], self.lows[slot], self.highs[slot])


def side_by_side(rows: Ints, slots: Ints) -> tuple[Ints, Ints]:
    """Rows with their slots, those of one slot side by side, otherwise in their order."""
    if (slots[1:] >= slots[:-1]).all():
        return rows, slots
    # Numbers of 16 bits are sorted by their digits, in a fifth of the time.
    short = slots.max() < np.iinfo(np.int16).max
    order = np.argsort(slots.astype(np.int16) if short else slots, kind="stable")
    return rows[order], slots[order]
