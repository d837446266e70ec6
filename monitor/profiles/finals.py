"""What holds for every prediction, after people, against what came true."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.codes import MISSING
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True, eq=False)
class Finals:
    """Predictions by the final decision and the label, reviewed or not.

    The final decision is that of the person where there is one, else the predicted class.

    Attributes:
        classes: k declared classes.
        counts: shape (k + 1, k + 2), final decision by label [rows]. Index k is a class outside
            the contract; label index k + 1 means that no label came yet.
    """

    classes: tuple[str, ...]
    counts: Ints

    @classmethod
    def name(cls) -> str:
        return "finals"

    @classmethod
    def part(cls, classes: Sequence[str], column: str = "") -> Part:
        """Room for k declared classes."""
        k = len(classes)
        return Part(cls.name(), column, {"classes": list(classes)}, (k + 1) * (k + 2))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        classes = tuple(part.spec["classes"])
        return cls(classes, ints.reshape(len(classes) + 1, len(classes) + 2))

    @property
    def chosen(self) -> Ints:
        """Rows per final decision, shape (k + 1,), the last for classes outside the contract."""
        of_decisions: Ints = self.counts.sum(axis=1)
        return of_decisions

    @property
    def labelled(self) -> Ints:
        """Labelled rows, shape (k + 1, k + 1), as in `Confusion`."""
        return self.counts[:, :-1]


def fed(known: Known) -> Iterator[Added]:
    """Predictions by what holds and what came true."""
    k = len(known.contract.classes)
    final = np.where(known.decided == MISSING, known.predicted, known.decided)
    rows = np.flatnonzero(final != MISSING)
    label = np.where(known.label[rows] == MISSING, k + 1, known.label[rows])
    yield Added(rows, final[rows] * (k + 2) + label)
