"""How far labels lie from the probabilities that were given for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.cards.contract import Contract
from monitor.profiles.added import Added, Fed
from monitor.profiles.fixed import UNIT, on_grid
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

MOST_CLASSES: Final = 12
"""With more classes the residuals of each are not kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Sums over the labelled rows that have probabilities, per class.

    Of a class, a row's residual is 1 (labelled so) or 0 less the class's probability.

    Attributes:
        rows: [rows].
        sums: sum of the residuals, shape (t,).
        squares: sum of their squares, shape (t,).
    """

    rows: int
    sums: Floats
    squares: Floats

    @classmethod
    def name(cls) -> str:
        return "residuals"

    @classmethod
    def part(cls, places: Sequence[int], column: str = "") -> Part:
        """Room for the classes at these places of the contract."""
        return Part(cls.name(), column, {"places": list(places)}, 1 + 2 * len(places))

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        sums, squares = ints[1:].reshape(2, -1) * UNIT
        return cls(int(ints[0]), sums, squares)


def parts(contract: Contract) -> Iterator[Fed]:
    """Residuals of the positive class; where there is none of each, if there are not too many."""
    count = len(contract.classes)
    if contract.positive is not None:
        yield _fed([contract.classes.index(contract.positive)])
    elif 0 < count <= MOST_CLASSES:
        yield _fed(range(count))


def _fed(places: Sequence[int]) -> Fed:
    def feed(known: Known) -> Iterator[Added]:
        rows = known.forecast
        probability, label = known.probability[rows], known.label[rows]
        yield Added(rows, 0)
        for i, place in enumerate(places):
            residual = (label == place) - probability[:, place]
            yield Added(rows, 1 + i, on_grid(residual))
            yield Added(rows, 1 + len(places) + i, on_grid(np.square(residual)))

    return Fed(Residuals.part(places), feed)
