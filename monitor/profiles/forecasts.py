"""All predictions by the probability of a class, whether or not their outcome is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles import class_scores, scores
from monitor.profiles.added import Added
from monitor.profiles.class_scores import MOST_CLASSES
from monitor.profiles.codes import MISSING
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

CELLS_OF_TWO: Final = scores.CELLS
CELLS_OF_MANY: Final = class_scores.CELLS
"""The cells in which labelled rows are counted, so that one calibrates the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """Predictions with probabilities per class and cell of its probability.

    Attributes:
        total: all of them, shape (k, cells) [rows]; with a positive class k is 1, with more than
            `MOST_CLASSES` classes 0.
        chosen: those for which the class was predicted, shape (k, cells) [rows].
    """

    total: Ints
    chosen: Ints

    @classmethod
    def name(cls) -> str:
        return "forecasts"

    @classmethod
    def part(cls, classes: int, positive: int | None, column: str = "") -> Part:
        """Room for so many classes, or for the positive one of two."""
        kept = classes if classes <= MOST_CLASSES else 0
        cells = kept * CELLS_OF_MANY if positive is None else CELLS_OF_TWO
        return Part(cls.name(), column, {"classes": classes, "positive": positive}, 2 * cells)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        cells = CELLS_OF_MANY if part.spec["positive"] is None else CELLS_OF_TWO
        return cls(*ints.reshape(2, -1, cells))

    @property
    def rows(self) -> int:
        """Predictions [rows]."""
        return int(self.total[0].sum()) if len(self.total) else 0


def fed(known: Known) -> Iterator[Added]:
    """Predictions of a declared class that have all probabilities, by the cell of each."""
    contract = known.contract
    k = len(contract.classes)
    positive = contract.positive
    if positive is None and k > MOST_CLASSES:
        return
    is_declared = (known.predicted != MISSING) & (known.predicted < k)
    rows = np.flatnonzero(is_declared & ~np.isnan(known.probability).any(axis=1))
    classes = range(k) if positive is None else [contract.classes.index(positive)]
    cells = CELLS_OF_MANY if positive is None else CELLS_OF_TWO
    for place, of in enumerate(classes):
        cell = scores.equal_cells(known.probability[rows, of], cells) + np.int64(place * cells)
        chosen = known.predicted[rows] == of
        yield Added(rows, cell)
        yield Added(rows[chosen], cell[chosen] + np.int64(len(classes) * cells))
