"""The profiles of one division of the rows: all of them, or by the values of an attribute."""

import numpy as np
from numpy.typing import NDArray

from monitor.profiles import columns
from monitor.profiles.accumulator import Accumulator
from monitor.profiles.counts import Counts
from monitor.profiles.inputs_columns import Names, Numbers
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.inputs_read import Read
from monitor.profiles.layout import Ints, Layout


class View:
    """Sums of one division: what came out, and how many rows are novel."""

    def __init__(self, layout: Layout, plan: InputsPlan) -> None:
        self.sums = Accumulator(layout)
        self._low = plan.low_confidence
        self._rows_at = layout.places[Counts.name(), columns.ROWS][1]
        novel = layout.places.get((Counts.name(), columns.NOVELTY))
        self._novel_at = None if novel is None else novel[1]
        self._confidence = Numbers(self.sums, [columns.CONFIDENCE])
        self._class = Names(self.sums, columns.PREDICTION) if plan.contract.classes else None
        self._value = None if self._class else Numbers(self.sums, [columns.PREDICTION])

    def add(self, read: Read, rows: Ints, slots: Ints, novel: NDArray[np.bool_]) -> None:
        """Add some rows of a batch to the profiles in these slots.

        Args:
            read: the batch.
            rows: which of its rows, those of one slot side by side.
            slots: profile of each.
            novel: whether each row of the batch is unlike the reference.
        """
        self.sums.add(slots, self._rows_at)
        if self._novel_at is not None:
            self.sums.add(slots[novel[rows]], self._novel_at)
        self._confidence.add(read.confidence, rows, slots)
        if self._low is not None:
            values = read.confidence.to_numpy(zero_copy_only=False)[rows]
            # NaN, that is missing, is not below the line.
            self.sums.add(slots[values < self._low], self._rows_at + 1)
        if self._class:
            self._class.add(read.predicted_class[:, 0], rows, slots)
        if self._value:
            self._value.add(read.predicted_value, rows, slots)
