"""Which rows of a window were seen before, and which contradict one that was."""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monitor.profiles.layout import Ints

NEW: Final = 0
DUPLICATE: Final = 1
CONFLICT: Final = 2

_EMPTY, _SEEN, _DISPUTED, _AWAITED, _CHOSEN = range(5)
_STATE: Final = 4
"""Column of the state in the table, after window, high, low and payload."""


class Seen:
    """The events met so far in one task: a hash set over (window, 128-bit id).

    A retried event has the same id and the same event time, hence the same window; an equal
    payload makes it a duplicate, another one a conflict. Of conflicting payloads the smallest
    hash wins, whatever the order. That is known only at the end, so a task that met a conflict
    is run again with the `disputes` of its first run.
    """

    def __init__(self, disputes: Ints | None = None) -> None:
        winners = np.empty((0, 4), np.int64) if disputes is None else disputes
        self._rows = len(winners)
        self._table = np.zeros((_size(self._rows), 5), np.int64)
        _await(self._table, np.ascontiguousarray(winners, np.int64))

    def classify(self, window: Ints, high: Ints, low: Ints, payload: Ints) -> NDArray[np.uint8]:
        """`NEW`, `DUPLICATE` or `CONFLICT` per row, shape (n,); the rows are remembered.

        Args:
            window: any number that tells windows apart, shape (n,).
            high: upper half of the id's hash, shape (n,).
            low: lower half of it, shape (n,).
            payload: hash of the message, shape (n,).
        """
        needed = _size(self._rows + len(window))
        if needed > len(self._table):
            grown = np.zeros((needed, 5), np.int64)
            _move(self._table, grown)
            self._table = grown
        verdict = np.empty(len(window), np.uint8)
        self._rows += _classify(self._table, window, high, low, payload, verdict)
        return verdict

    def disputes(self) -> Ints:
        """Window, id and smallest payload of the ids that came with several payloads, (d, 4).

        Empty after a run that knew them all.
        """
        disputed = self._table[self._table[:, _STATE] == _DISPUTED, :_STATE]
        return disputed[np.lexsort(disputed.T[::-1])]


def _size(rows: int) -> int:
    """Power of two that leaves the table at most half full."""
    return 1 << max(12, (2 * rows).bit_length())


@njit(cache=True, nogil=True, inline="always")
def _slot(table: Any, window: int, high: int, low: int) -> int:
    """Where this key is, or the empty slot where it belongs."""
    mask = len(table) - 1
    i = (low ^ (high >> 7) ^ (window * 0x9E3779B97F4A7C1)) & mask
    while table[i, 4] != 0:
        if table[i, 2] == low and table[i, 1] == high and table[i, 0] == window:
            break
        i = (i + 1) & mask
    return i


@njit(cache=True, nogil=True)
def _await(table: Any, winners: Any) -> None:
    for row in winners:
        i = _slot(table, row[0], row[1], row[2])
        table[i, :4] = row
        table[i, 4] = _AWAITED


@njit(cache=True, nogil=True)
def _move(table: Any, grown: Any) -> None:
    for row in table:
        if row[4] != _EMPTY:
            grown[_slot(grown, row[0], row[1], row[2])] = row


@njit(cache=True, nogil=True)
def _classify(table: Any, window: Any, high: Any, low: Any, payload: Any, verdict: Any) -> int:
    added = 0
    for r in range(len(window)):
        i = _slot(table, window[r], high[r], low[r])
        state = table[i, 4]
        same = table[i, 3] == payload[r]
        if state == _EMPTY:
            table[i, 0] = window[r]
            table[i, 1] = high[r]
            table[i, 2] = low[r]
            table[i, 3] = payload[r]
            table[i, 4] = _SEEN
            added += 1
            verdict[r] = NEW
        elif state == _AWAITED and same:
            table[i, 4] = _CHOSEN
            verdict[r] = NEW
        elif same:
            verdict[r] = DUPLICATE
        else:
            verdict[r] = CONFLICT
            if state in (_SEEN, _DISPUTED):
                table[i, 3] = min(table[i, 3], payload[r])
                table[i, 4] = _DISPUTED
    return added
