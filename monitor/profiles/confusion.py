"""Predicted class against the label."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from monitor.profiles.added import Added
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Labelled rows by prediction and label.

    Attributes:
        classes: k declared classes.
        counts: shape (k + 1, k + 1), prediction by label; the last row and column hold
            classes outside the contract [rows].
    """

    classes: tuple[str, ...]
    counts: Ints

    @classmethod
    def name(cls) -> str:
        return "confusion"

    @classmethod
    def part(cls, classes: Sequence[str], column: str = "") -> Part:
        """Room for the table of k declared classes."""
        return Part(cls.name(), column, {"classes": list(classes)}, (len(classes) + 1) ** 2)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        classes = tuple(part.spec["classes"])
        return cls(classes, ints.reshape(len(classes) + 1, len(classes) + 1))

    @property
    def rows(self) -> int:
        """Labelled rows that have a prediction [rows]."""
        return int(self.counts.sum())

    @property
    def correct(self) -> int:
        """Rows whose prediction is a declared class and equals the label [rows]."""
        return int(self.counts[:-1, :-1].trace())


def fed(known: Known) -> Iterator[Added]:
    """Judged predictions by both classes."""
    rows = known.judged
    yield Added(rows, known.predicted[rows] * (len(known.contract.classes) + 1) + known.label[rows])
