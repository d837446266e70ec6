"""Messages of the simulated model, as columns that can be joined and picked from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
import numpy as np

from monitor.simulate.rhythm import Ints

MODEL: Final = "lending"
CLASSES: Final = ("reject", "approve")
STAGES: Final = ("full", "canary")

encoded = msgspec.json.Encoder().encode
"""JSON of an event; NaN, a missing number, becomes null."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Messages:
    """n messages: when they arrive in microseconds, shape (n,), their keys and values."""

    arrival: Ints
    keys: list[bytes]
    values: list[bytes]

    def taken(self, index: Ints) -> "Messages":
        """The messages at these indices, in their order."""
        return Messages(self.arrival[index], picked(self.keys, index), picked(self.values, index))


def joined(parts: Iterable[Messages]) -> Messages:
    """All messages of at least one part, one part after the other."""
    parts = tuple(parts)
    return Messages(
        np.concatenate([part.arrival for part in parts]),
        [key for part in parts for key in part.keys],
        [value for part in parts for value in part.values],
    )


def picked(values: list[T], index: Ints) -> list[T]:
    """The values at these indices."""
    return [values[i] for i in index.tolist()]


def named(names: tuple[str, ...], index: Ints) -> list[str | None]:
    """The name at each index, None at -1."""
    named: list[str | None] = np.array([*names, None], dtype=object)[index].tolist()
    return named
