"""What rows add to the profiles of their groups, added up in place."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.profiles.accumulator import Accumulator
from monitor.profiles.added import Added, Reached, Summed
from monitor.profiles.compiled import njit
from monitor.profiles.exact import BITS
from monitor.profiles.layout import Ints, Part

# numba's cache looks at this file alone: change it, if only by this number, whenever a constant
# that comes from another file changes. Constants changed: 1.
_BITS: Final = BITS


def add(
    groups: Iterable[tuple[Accumulator, NDArray[np.int32]]],
    part: Part,
    added: Added | Summed | Reached,
) -> None:
    """Add to a part of the profiles of every division that keeps it.

    Args:
        groups: sums of each division, and which of its profiles each unit is in, -1 for none.
        part: that the units add to.
        added: what they add.

    Raises:
        IndexError: a place lies outside of the part.
    """
    for sums, slots in groups:
        place = sums.layout.places.get((part.summary, part.column))
        if place is None:
            continue
        _, first, extreme = place
        if isinstance(added, Reached):
            at = slots[added.rows].astype(np.int64)
            sums.reach(at[at >= 0], extreme + added.pair, added.values[at >= 0])
        elif isinstance(added, Summed):
            add_exactly(sums.ints, first, part.ints, slots, added)
        else:
            _add(
                *(sums.ints, first, part.ints, slots, added.rows),
                *(_column(added.place), _column(added.amount)),
            )


def add_exactly(ints: Ints, first: int, room: int, slots: NDArray[np.int32], added: Summed) -> None:
    """Add the digits of numbers to the sums of their units.

    Args:
        ints: of the profiles, shape (groups, integers).
        first: integer at which the part begins.
        room: integers of the part.
        slots: profile of each unit, -1 for none.
        added: what they add.

    Raises:
        IndexError: a number is too large, or not finite.
    """
    _add_exactly(
        *(ints, first, room, slots, added.rows, _column(added.place)),
        *(np.ascontiguousarray(added.values, np.float64).view(np.uint64), added.low),
    )


def _column(value: int | Ints) -> Ints:
    """The values, one for all rows or one per row."""
    return np.ascontiguousarray(value, np.int64).reshape(-1)


@njit(cache=True, nogil=True)
def _add(ints: Any, first: int, room: int, slots: Any, rows: Any, place: Any, amount: Any) -> None:
    by_row = len(place) == len(rows)
    amount_by_row = len(amount) == len(rows)
    for i in range(len(rows)):
        slot = slots[rows[i]]
        if slot >= 0:
            at = place[i if by_row else 0]
            if not 0 <= at < room:
                raise IndexError("a place lies outside of its part")
            ints[slot, first + at] += amount[i if amount_by_row else 0]


@njit(cache=True, nogil=True)
def _add_exactly(
    ints: Any, first: int, room: int, slots: Any, rows: Any, place: Any, values: Any, low: int
) -> None:
    """Add numbers, given by their bits, as digits of base 2**32."""
    by_row = len(place) == len(rows)
    one = np.uint64(1)
    digit = (one << np.uint64(_BITS)) - one
    for i in range(len(rows)):
        slot = slots[rows[i]]
        if slot < 0:
            continue
        # The number is `whole` times 2**(at + low).
        whole = values[i] & ((one << np.uint64(52)) - one)
        exponent = np.int64((values[i] >> np.uint64(52)) & np.uint64(0x7FF))
        if exponent:
            whole |= one << np.uint64(52)
        else:
            exponent = np.int64(1)
        at = exponent - 1075 - low
        if at < 0:
            whole = _shortened(whole, -at)
            at = np.int64(0)
        offset = np.uint64(at % _BITS)
        kept = np.uint64(_BITS) - offset
        rest = whole >> kept
        begin = place[i if by_row else 0] + at // _BITS
        if not 0 <= begin <= room - 3:
            raise IndexError("a number is too large for its sum")
        sign = 1 - 2 * np.int64(values[i] >> np.uint64(63))
        sums = ints[slot]
        sums[first + begin] += sign * np.int64((whole & ((one << kept) - one)) << offset)
        sums[first + begin + 1] += sign * np.int64(rest & digit)
        sums[first + begin + 2] += sign * np.int64(rest >> np.uint64(_BITS))


@njit(cache=True, nogil=True)
def _shortened(whole: Any, bits: Any) -> Any:
    """A number below 2**53 divided by 2**bits, rounded to even."""
    if bits > 54:
        return np.uint64(0)
    one = np.uint64(1)
    kept = whole >> np.uint64(bits)
    rest = whole & ((one << np.uint64(bits)) - one)
    half = one << np.uint64(bits - 1)
    if rest > half or (rest == half and kept & one):
        kept += one
    return kept
