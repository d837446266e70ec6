"""Per class how often it was predicted, how often it came true, and how often both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from monitor.profiles.added import Added
from monitor.profiles.confusion import Confusion
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part, Profile


@dataclass(frozen=True, slots=True, eq=False)
class Tallies:
    """The margins and the diagonal of a table of confusion.

    Attributes:
        classes: k declared classes.
        predicted: labelled rows by prediction, shape (k + 1,); the last counts classes outside
            the contract [rows].
        labelled: the same by label.
        correct: rows whose prediction is the label, shape (k + 1,); the last is 0.
    """

    classes: tuple[str, ...]
    predicted: Ints
    labelled: Ints
    correct: Ints

    @classmethod
    def name(cls) -> str:
        return "tallies"

    @classmethod
    def part(cls, classes: Sequence[str], column: str = "") -> Part:
        """Room for k declared classes, which grows with them and not with their square."""
        return Part(cls.name(), column, {"classes": list(classes)}, 3 * (len(classes) + 1))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        classes = tuple(part.spec["classes"])
        return cls(classes, *ints.reshape(3, len(classes) + 1))

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Those of a profile, which holds them or a table of confusion."""
        if profile.has(cls):
            return profile.get(cls)
        table = profile.get(Confusion)
        correct = table.counts.diagonal().copy()
        # Two classes outside the contract share a place, and need not be the same.
        correct[-1] = 0
        return cls(table.classes, table.counts.sum(axis=1), table.counts.sum(axis=0), correct)

    @property
    def rows(self) -> int:
        """Labelled rows that have a prediction [rows]."""
        return int(self.labelled.sum())


def fed(known: Known) -> Iterator[Added]:
    """Judged predictions by both classes."""
    rows = known.judged
    k = len(known.contract.classes)
    predicted, label = known.predicted[rows], known.label[rows]
    right = (predicted == label) & (label < k)
    yield Added(rows, predicted)
    yield Added(rows, k + 1 + label)
    yield Added(rows[right], 2 * (k + 1) + label[right])
