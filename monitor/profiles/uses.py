"""What each consumer last said of each prediction."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.profiles.codes import hashes_of
from monitor.profiles.joined import holding
from monitor.profiles.layout import Ints
from monitor.profiles.picked import Picked


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """The last words on n predictions, m rows, ordered by prediction.

    Attributes:
        table: rows with `FEEDBACK_COLUMNS`, shape (m,).
        prediction: row of the prediction of each, shape (m,).
        unit: number of each among predictions and uses together, shape (m,).
    """

    table: Picked
    prediction: Ints
    unit: Ints

    @classmethod
    def of(cls, predictions: int, table: Picked, target: Ints) -> Self:
        """Of each prediction and consumer what came last; one without a name is one too.

        Args:
            predictions: how many there are.
            table: all usage events.
            target: prediction of each, -1 for none.
        """
        held = holding(table, target, hashes_of(pc.fill_null(table["consumer"], "")))
        unit = predictions + np.arange(len(held))
        return cls(table.take(held), target[held], unit)

    def said(self, state: str) -> NDArray[np.bool_]:
        """Whether each says this state, shape (m,)."""
        same = pc.fill_null(pc.equal(self.table["used"], state), fill_value=False)
        return np.asarray(same.to_numpy(), np.bool_)
