"""Columns of a batch, added to the profiles of one division of its rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from monitor.profiles.accumulator import Accumulator
from monitor.profiles.bins import BinnedColumn, add_numbers, binning
from monitor.profiles.categories import Categories
from monitor.profiles.codes import MISSING
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Floats, Ints


class Numbers:
    """Adds numbers to their distributions.

    Args:
        sums: of the division.
        names: of the columns whose numbers lie side by side in a row.
        weights: by column, what its bins and a missing value weigh; none if empty.
    """

    def __init__(
        self,
        sums: Accumulator,
        names: Sequence[str],
        weights: Mapping[str, Floats] | None = None,
    ) -> None:
        self._sums = sums
        found = []
        for name in names:
            part, place, extreme = sums.layout.places[Distribution.name(), name]
            spec = part.spec
            weight = weights[name].tolist() if weights else ()
            found.append(
                BinnedColumn(spec["edges"], spec["shift"], spec["scale"], place, extreme, weight)
            )
        self._binning = binning(found)

    def add(self, column: pa.Array, rows: Ints, slots: Ints) -> Floats:
        """What the numbers of these rows weigh, shape (n,), when they have been added.

        Args:
            column: numbers of all rows of the batch, row after row; null where missing.
            rows: which of them, those of one slot side by side.
            slots: profile of each.
        """
        validity, data = column.buffers()
        values = np.frombuffer(data, np.float64) if data else np.empty(0)
        bitmap = validity if column.null_count else None
        return add_numbers(
            self._binning,
            values,
            np.frombuffer(bitmap, np.uint8) if bitmap else np.empty(0, np.uint8),
            column.offset,
            rows,
            slots,
            self._sums.ints,
            self._sums.lows,
            self._sums.highs,
        )


class Names:
    """Adds the places of names to the counts of their column."""

    def __init__(self, sums: Accumulator, column: str) -> None:
        self._sums = sums
        part, self._first, _ = sums.layout.places[Categories.name(), column]
        self._known = len(part.spec["names"])

    def add(self, places: Ints, rows: Ints, slots: Ints) -> None:
        """Add some rows of a batch whose names have these places among the known ones."""
        chosen = places[rows]
        # Known names, then others, then missing.
        at = self._first + np.where(chosen == MISSING, self._known + 1, chosen)
        self._sums.add(slots, at)
