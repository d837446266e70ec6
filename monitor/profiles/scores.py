"""Labelled rows of two kinds by the cell of a number that should tell them apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.columns import CONFIDENCE
from monitor.profiles.known import Flags, Known
from monitor.profiles.layout import Floats, Ints, Part

CELLS: Final = 1_000
"""Equal cells of [0, 1]; cell i holds i/1000 <= p < (i+1)/1000, the last one p = 1 too."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Counts per cell, in the order of the number.

    Attributes:
        positives: rows that should have a high number, shape (k,) [rows].
        negatives: rows that should have a low one, shape (k,) [rows].
    """

    positives: Ints
    negatives: Ints

    @classmethod
    def name(cls) -> str:
        return "scores"

    @classmethod
    def part(cls, positive: int, column: str = "") -> Part:
        """Room for `CELLS` equal cells of [0, 1].

        Args:
            positive: place of the class whose rows should have a high number.
            column: which number; "" is the probability of the positive class.
        """
        return Part(cls.name(), column, {"positive": positive}, 2 * CELLS)

    @classmethod
    def over(cls, positive: int, edges: Sequence[float], column: str) -> Part:
        """Room for cells between inner edges; cell i holds edges[i-1] <= x < edges[i]."""
        spec = {"positive": positive, "edges": list(edges)}
        return Part(cls.name(), column, spec, 2 * (len(edges) + 1))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(*ints.reshape(2, -1))

    @property
    def rows(self) -> int:
        """Rows of both kinds [rows]."""
        return int(self.positives.sum() + self.negatives.sum())


def equal_cells(values: Floats, cells: int = CELLS) -> Ints:
    """Which of so many equal cells each number in [0, 1] lies in, shape (n,)."""
    return np.minimum((values * cells).astype(np.int64), cells - 1)


def by_probability(known: Known) -> Iterator[Added]:
    """Forecast predictions by the cell of the positive class's probability."""
    assert known.contract.positive is not None
    positive = known.contract.classes.index(known.contract.positive)
    rows = known.forecast
    cell = equal_cells(known.probability[rows, positive])
    yield _counted(rows, cell, known.label[rows] == positive, CELLS)


def by_confidence(known: Known) -> Iterator[Added]:
    """Judged predictions with a confidence by its cell, the right ones as positives."""
    rows = known.judged[~np.isnan(known.confidence[known.judged])]
    right = known.predicted[rows] == known.label[rows]
    right &= known.label[rows] < len(known.contract.classes)
    yield _counted(rows, equal_cells(known.confidence[rows]), right, CELLS)


def by_score(known: Known) -> Iterator[Added]:
    """Judged predictions with a score and a label of the contract, by the score's cell."""
    assert known.contract.positive is not None
    positive = known.contract.classes.index(known.contract.positive)
    inside = known.judged[known.label[known.judged] < len(known.contract.classes)]
    rows = inside[~np.isnan(known.score[inside])]
    edges = np.array(known.plan.scores)
    cell = np.searchsorted(edges, known.score[rows], "right").astype(np.int64)
    yield _counted(rows, cell, known.label[rows] == positive, len(edges) + 1)


def confidence_part() -> Part:
    """Room for the cells of the confidence."""
    return Scores.part(0, CONFIDENCE)


def _counted(rows: Ints, cell: Ints, is_positive: Flags, cells: int) -> Added:
    return Added(rows, cell + ~is_positive * cells)
