"""Where the row of an id stands among many."""

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.profiles.compiled import njit
from monitor.profiles.layout import Ints

_EMPTY: Final = -1


class Index:
    """A hash table over the 128-bit ids of predictions, or of rows that speak of them.

    It takes 8 to 16 bytes an id, beside the columns themselves, which it keeps.
    """

    def __init__(self, high: Ints, low: Ints, table: NDArray[np.int32]) -> None:
        self._high, self._low, self._table = high, low, table

    @classmethod
    def of(cls, high: Ints, low: Ints, time: Ints) -> Self:
        """The index of these rows; of equal ids the one with the earliest time counts.

        Args:
            high: upper half of the id's hash, shape (n,).
            low: lower half of it, shape (n,).
            time: of the row, or any other order, shape (n,); equal times by their place.
        """
        table = np.full(1 << max(2 * len(low), 2).bit_length(), _EMPTY, np.int32)
        _fill(table, high, low, time)
        return cls(high, low, table)

    def find(self, high: Ints, low: Ints) -> Ints:
        """Row of each id, -1 where there is none, shape (m,)."""
        found = np.empty(len(low), np.int64)
        _search(self._table, self._high, self._low, high, low, found)
        return found


@njit(cache=True, nogil=True)
def _fill(table: Any, high: Any, low: Any, time: Any) -> None:
    mask = len(table) - 1
    for row in range(len(low)):
        i = (low[row] ^ (high[row] >> 7)) & mask
        while table[i] >= 0:
            other = table[i]
            if low[other] == low[row] and high[other] == high[row]:
                break
            i = (i + 1) & mask
        if table[i] < 0 or time[row] < time[table[i]]:
            table[i] = row


@njit(cache=True, nogil=True)
def _search(table: Any, high: Any, low: Any, wanted_high: Any, wanted_low: Any, found: Any) -> None:
    mask = len(table) - 1
    for m in range(len(wanted_low)):
        i = (wanted_low[m] ^ (wanted_high[m] >> 7)) & mask
        found[m] = -1
        while table[i] >= 0:
            row = table[i]
            if low[row] == wanted_low[m] and high[row] == wanted_high[m]:
                found[m] = row
                break
            i = (i + 1) & mask
