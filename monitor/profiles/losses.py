"""Sums of what each labelled row cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added
from monitor.profiles.fixed import UNIT, on_grid
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

OF_CLASSES: Final = ("brier", "log_loss")
"""Losses of the probabilities of classes."""

LEAST_PROBABILITY: Final = float(np.finfo(np.float64).eps)
"""Probability that a log loss takes for 0, as scikit-learn does."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Rows, sum and sum of squares per loss.

    Attributes:
        rows: labelled rows that the loss is defined for, per loss [rows].
        sums: sum of the loss over them.
        squares: sum of its square, for intervals.
    """

    rows: Mapping[str, int]
    sums: Mapping[str, float]
    squares: Mapping[str, float]

    @classmethod
    def name(cls) -> str:
        return "losses"

    @classmethod
    def part(cls, names: Sequence[str], column: str = "") -> Part:
        """Room for the named losses, each in about [0, 1] per row."""
        return Part(cls.name(), column, {"names": list(names)}, 3 * len(names))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        names = part.spec["names"]
        rows, sums, squares = ints.reshape(3, len(names)).tolist()
        return cls(
            dict(zip(names, rows, strict=True)),
            {name: total * UNIT for name, total in zip(names, sums, strict=True)},
            {name: total * UNIT for name, total in zip(names, squares, strict=True)},
        )


def each(known: Known, rows: Ints) -> Mapping[str, Floats]:
    """`OF_CLASSES` of some of the forecast predictions, shape (m,) each."""
    probability, label = known.probability[rows], known.label[rows]
    n, k = probability.shape
    truth = np.zeros((n, k))
    truth[np.arange(n), label] = 1
    brier = ((probability - truth) ** 2).sum(axis=1) / (2 if k == 2 else 1)
    of_label = np.clip(probability[np.arange(n), label], LEAST_PROBABILITY, 1)
    return dict(zip(OF_CLASSES, (brier, -np.log(of_label)), strict=True))


def fed(known: Known) -> Iterator[Added]:
    """`OF_CLASSES` of the forecast predictions."""
    rows = known.forecast
    count = len(OF_CLASSES)
    for i, loss in enumerate(each(known, rows).values()):
        yield Added(rows, i)
        yield Added(rows, count + i, on_grid(loss))
        yield Added(rows, 2 * count + i, on_grid(loss**2))
