"""Reviewed cases by what the model said, what the person decided and what came true."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.codes import MISSING
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

HIDDEN: Final = 0
SHOWN: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """One count per kind of reviewed case.

    Attributes:
        classes: k declared classes.
        counts: shape (2, k + 1, k + 1, k + 2) [rows]: whether the recommendation was shown
            (`HIDDEN`, `SHOWN`), prediction, final decision, label. Index k is a class
            outside the contract; label index k + 1 means that no label came yet.
    """

    classes: tuple[str, ...]
    counts: Ints

    @classmethod
    def name(cls) -> str:
        return "cases"

    @classmethod
    def part(cls, classes: Sequence[str], column: str = "") -> Part:
        """Room for k declared classes: 2 (k+1)^2 (k+2) counts."""
        k = len(classes)
        return Part(cls.name(), column, {"classes": list(classes)}, 2 * (k + 1) ** 2 * (k + 2))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        classes = tuple(part.spec["classes"])
        k = len(classes)
        return cls(classes, ints.reshape(2, k + 1, k + 1, k + 2))

    @property
    def rows(self) -> int:
        """Reviewed cases [rows]."""
        return int(self.counts.sum())


def fed(known: Known) -> Iterator[Added]:
    """Reviewed predictions by what was predicted, decided and came true."""
    k = len(known.contract.classes)
    rows = np.flatnonzero(
        known.decision.given & (known.predicted != MISSING) & (known.decided != MISSING)
    )
    label = np.where(known.label[rows] == MISSING, k + 1, known.label[rows])
    seen = np.where(known.shown[rows], SHOWN, HIDDEN)
    place = (seen * (k + 1) + known.predicted[rows]) * (k + 1) + known.decided[rows]
    yield Added(rows, place * (k + 2) + label)
