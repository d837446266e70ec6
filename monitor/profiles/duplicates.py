"""Which rows of a window were seen before, and which contradict one that was."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.profiles.compiled import njit
from monitor.profiles.layout import Ints

NEW: Final = 0
DUPLICATE: Final = 1
CONFLICT: Final = 2

_SEEN, _DISPUTED, _AWAITED, _CHOSEN = range(4)

_LEAST_ROWS: Final = 4_096


class Seen:
    """The events met so far in one task: a hash set over (window, 128-bit id).

    A retried event has the same id and the same event time, hence the same window; an equal
    payload makes it a duplicate, another one a conflict. Of conflicting payloads the smallest
    hash wins, whatever the order. That is known only at the end, so a task that met a conflict
    is run again with the `disputes` of its first run.

    The events lie one after the other, and a table says where: half a hash with the number of
    the event in one word, so that a search hardly ever looks at another event's id, and growing
    does not look at ids at all. An event takes 49 to 98 bytes.
    """

    def __init__(self, disputes: Ints | None = None) -> None:
        self._count = 0
        self._events = np.empty((_LEAST_ROWS, 4), np.int64)
        self._state = np.empty(_LEAST_ROWS, np.uint8)
        self._table = np.zeros(2 * _LEAST_ROWS, np.uint64)
        if disputes is not None:
            self._make_room(len(disputes))
            verdict = np.empty(len(disputes), np.uint8)
            window, high, low, payload = np.ascontiguousarray(disputes.T)
            self._classify(window, high, low, payload, verdict)
            self._state[: self._count] = _AWAITED

    def classify(self, window: Ints, high: Ints, low: Ints, payload: Ints) -> NDArray[np.uint8]:
        """`NEW`, `DUPLICATE` or `CONFLICT` per row, shape (n,); the rows are remembered.

        Args:
            window: any number that tells windows apart, shape (n,).
            high: upper half of the id's hash, shape (n,).
            low: lower half of it, shape (n,).
            payload: hash of the message, shape (n,).
        """
        self._make_room(len(window))
        verdict = np.empty(len(window), np.uint8)
        self._classify(window, high, low, payload, verdict)
        return verdict

    def disputes(self) -> Ints:
        """Window, id and smallest payload of the ids that came with several payloads, (d, 4).

        Empty after a run that knew them all.
        """
        disputed: Ints = self._events[: self._count][self._state[: self._count] == _DISPUTED]
        return disputed[np.lexsort(disputed.T[::-1])]

    def _classify(
        self, window: Ints, high: Ints, low: Ints, payload: Ints, verdict: NDArray[np.uint8]
    ) -> None:
        self._count = _classify(
            *(self._table, self._events, self._state, self._count),
            *(window, high, low, payload, verdict),
        )

    def _make_room(self, more: int) -> None:
        needed = self._count + more
        if needed > len(self._state):
            rows = max(needed, 2 * len(self._state))
            events, state = np.empty((rows, 4), np.int64), np.empty(rows, np.uint8)
            events[: self._count] = self._events[: self._count]
            state[: self._count] = self._state[: self._count]
            self._events, self._state = events, state
        if 2 * needed > len(self._table):
            grown = np.zeros(1 << (2 * needed).bit_length(), np.uint64)
            _move(self._table, grown)
            self._table = grown


_LOWER: Final = np.uint64(0xFFFFFFFF)
_UPPER: Final = np.uint64(32)


@njit(cache=True, nogil=True)
def _move(table: Any, grown: Any) -> None:
    mask = np.uint64(len(grown) - 1)
    one = np.uint64(1)
    for entry in table:
        if entry:
            i = (entry >> _UPPER) & mask
            while grown[i]:
                i = (i + one) & mask
            grown[i] = entry


@njit(cache=True, nogil=True)
def _classify(
    table: Any,
    events: Any,
    state: Any,
    count: int,
    window: Any,
    high: Any,
    low: Any,
    payload: Any,
    verdict: Any,
) -> int:
    """Number of events known now; an entry of the table is a hash and a number from 1."""
    mask = np.uint64(len(table) - 1)
    one = np.uint64(1)
    for r in range(len(window)):
        mixed = np.uint64(low[r] ^ (high[r] >> 7) ^ (window[r] * 0x9E3779B97F4A7C1))
        hashed = mixed & _LOWER
        i = hashed & mask
        known = np.int64(-1)
        while table[i]:
            if table[i] >> _UPPER == hashed:
                k = np.int64(table[i] & _LOWER) - 1
                event = events[k]
                if event[2] == low[r] and event[1] == high[r] and event[0] == window[r]:
                    known = k
                    break
            i = (i + one) & mask
        if known < 0:
            events[count, 0] = window[r]
            events[count, 1] = high[r]
            events[count, 2] = low[r]
            events[count, 3] = payload[r]
            state[count] = _SEEN
            count += 1
            table[i] = (hashed << _UPPER) | np.uint64(count)
            verdict[r] = NEW
            continue
        same = events[known, 3] == payload[r]
        if state[known] == _AWAITED and same:
            state[known] = _CHOSEN
            verdict[r] = NEW
        elif same:
            verdict[r] = DUPLICATE
        else:
            verdict[r] = CONFLICT
            if state[known] <= _DISPUTED:
                events[known, 3] = min(events[known, 3], payload[r])
                state[known] = _DISPUTED
    return count
