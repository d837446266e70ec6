"""The bin of every value of many columns at once, and their moments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.profiles.compiled import njit
from monitor.profiles.fixed import CLIP, MOMENT, SQUARE
from monitor.profiles.layout import Floats, Ints

BLOCK: Final = 256
"""Rows that are turned from rows into columns at a time; 50 columns of them fit the cache."""

CELLS: Final = 4_096
"""Cells of the table that gives a value's bin to within the edges of one cell."""

# numba's cache looks at this file alone: change it, if only by this number, whenever a constant
# that comes from another file changes. Constants changed: 1.

_ROUND = 1.5 * 2.0**52
"""Adding and subtracting this times a grid rounds to the grid, to even."""
_MOMENT_ROUND: Final = _ROUND * MOMENT
_SQUARE_ROUND: Final = _ROUND * SQUARE


@dataclass(frozen=True, slots=True, eq=False)
class Binning:
    """How the columns of one vector are binned, as arrays for the kernel; c columns.

    Attributes:
        edges: inner edges of each column followed by +inf, end to end.
        first_edge: where each column's edges begin, shape (c,).
        cells: least bin of each cell, shape (c, CELLS).
        low: value at which the cells begin, shape (c,).
        per_unit: cells per unit of the value, shape (c,).
        single: whether no cell holds more than one edge, shape (c,).
        place: first integer of each column in the layout, shape (c,).
        extreme: place of each column's extremes in the layout, shape (c,).
        shift: centre of the reference, shape (c,).
        per_scale: 1 / scale, 0 where no moments are kept, shape (c,).
        weight: of each bin and of a missing value, end to end; empty if rows are not weighed.
    """

    edges: Floats
    first_edge: Ints
    cells: NDArray[np.uint8]
    low: Floats
    per_unit: Floats
    single: NDArray[np.bool_]
    place: Ints
    extreme: Ints
    shift: Floats
    per_scale: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class BinnedColumn:
    """What `binning` must know of one column.

    Attributes:
        edges: inner edges of its bins.
        shift: centre of the reference.
        scale: spread of the reference; 0 keeps no moments.
        place: its first integer in the layout.
        extreme: place of its extremes in the layout.
        weights: what a row weighs by each bin and by a missing value; all columns have them, or
            none.
    """

    edges: Sequence[float]
    shift: float
    scale: float
    place: int
    extreme: int
    weights: Sequence[float] = ()


def binning(columns: Sequence[BinnedColumn]) -> Binning:
    """The arrays for these columns, in their order.

    Raises:
        ValueError: edges that are not finite and increasing, or more than 250 of them; weights
            that are not one for each bin and one more.
    """
    weighed = any(c.weights for c in columns)
    if weighed and any(len(c.weights) != len(c.edges) + 2 for c in columns):
        raise ValueError("weights must be one for each bin and one for a missing value")
    tables = [_table(np.asarray(column.edges, np.float64)) for column in columns]
    ends = np.cumsum([0] + [len(column.edges) + 1 for column in columns])
    return Binning(
        edges=np.array([e for c in columns for e in (*c.edges, np.inf)], np.float64),
        first_edge=ends[:-1].astype(np.int64),
        cells=np.array([t[0] for t in tables], np.uint8).reshape(len(columns), CELLS),
        low=np.array([t[1] for t in tables], np.float64),
        per_unit=np.array([t[2] for t in tables], np.float64),
        single=np.array([t[3] for t in tables], np.bool_),
        place=np.array([c.place for c in columns], np.int64),
        extreme=np.array([c.extreme for c in columns], np.int64),
        shift=np.array([c.shift for c in columns], np.float64),
        per_scale=np.array([1 / c.scale if c.scale else 0.0 for c in columns], np.float64),
        weight=np.array([weight for c in columns for weight in c.weights], np.float64),
    )


def _table(edges: Floats) -> tuple[NDArray[np.uint8], float, float, bool]:
    """Least bin per cell, start, cells per unit, and whether each cell has at most one edge.

    Exact whatever the rounding: a value's cell is monotone in the value, so all edges in lower
    cells are at most the value and all edges in higher cells exceed it.
    """
    if len(edges) > 250 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise ValueError("edges must be finite, increasing and at most 250")
    low = float(edges[0]) if len(edges) else 0.0
    with np.errstate(all="ignore"):
        per_unit = float((CELLS - 1) / (edges[-1] - low)) if len(edges) > 1 else 0.0
        if not 0 < per_unit < np.inf:
            low, per_unit = 0.0, 0.0
        cell = np.clip((edges - low) * per_unit, 0, CELLS - 1).astype(np.int64)
    least = np.searchsorted(cell, np.arange(CELLS)).astype(np.uint8)
    return least, low, per_unit, int(np.bincount(cell, minlength=1).max()) <= 1


def add_numbers(
    binning: Binning,
    values: Floats,
    valid: NDArray[np.uint8],
    first: int,
    rows: Ints,
    group: Ints,
    ints: NDArray[np.int64],
    lows: Floats,
    highs: Floats,
) -> Floats:
    """Add rows to the profiles of their groups, in place, and weigh them.

    Args:
        binning: of the c columns.
        values: row-major vectors, c numbers a row; finite where valid.
        valid: Arrow validity bitmap over `values`, empty when all are valid.
        first: position of the first row's first value in `values` and `valid`.
        rows: rows to add, in the order of `group`, shape (n,).
        group: profile of each of `rows`, shape (n,); rows of one group side by side.
        ints: profiles' integers, shape (groups, layout.ints).
        lows: profiles' smallest values, shape (groups, layout.extremes).
        highs: profiles' largest values, shape (groups, layout.extremes).

    Returns:
        What the bins of each of `rows` weigh, added column after column, shape (n,); 0 if rows
        are not weighed.
    """
    if not len(rows) or not len(binning.place):
        return np.zeros(len(rows))
    starts = np.flatnonzero(np.diff(group, prepend=-1)).astype(np.int64)
    weighed: Floats = _add(
        binning.edges,
        binning.first_edge,
        binning.cells,
        binning.low,
        binning.per_unit,
        binning.single,
        binning.place,
        binning.extreme,
        binning.shift,
        binning.per_scale,
        binning.weight,
        values,
        valid,
        first,
        rows,
        np.append(starts, len(rows)),
        group[starts],
        ints,
        lows,
        highs,
    )
    return weighed


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz"})
def _sum(values: Any) -> float:
    # Reassociation is harmless here and only here: every partial sum is a whole number of grid
    # units below 2**53, hence exact.
    total = 0.0
    for i in range(len(values)):
        total += values[i]
    return total


@njit(cache=True, nogil=True)
def _bin(
    x: Any,
    edges: Any,
    cells: Any,
    low: float,
    per_unit: float,
    single: bool,
    h: Any,
    row: Any,
    found: Any,
) -> None:
    """Count x into two interleaved histograms, so that equal bins in a row do not wait.

    The bin of each value goes to its row in `found`.
    """
    last = len(edges) - 1
    if single:
        for i in range(len(x)):
            v = x[i]
            b = np.int64(cells[np.int64(min(max((v - low) * per_unit, 0.0), 4095.0))])
            b += edges[b] <= v
            h[i & 1, b] += 1
            found[row[i]] = b
    else:
        for i in range(len(x)):
            v = x[i]
            b = np.int64(cells[np.int64(min(max((v - low) * per_unit, 0.0), 4095.0))])
            while b < last and edges[b] <= v:
                b += 1
            h[i & 1, b] += 1
            found[row[i]] = b


@njit(cache=True, nogil=True)
def _weigh(found: Any, weight: Any, total: Any) -> None:
    for i in range(len(found)):
        total[i] += weight[found[i]]


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _extremes(x: Any) -> Any:
    # The values are finite; told so, the compiler compares eight at a time.
    low = np.inf
    high = -np.inf
    for i in range(len(x)):
        low = min(low, x[i])
        high = max(high, x[i])
    return low, high


@njit(cache=True, nogil=True)
def _moments(x: Any, shift: float, per_scale: float, u: Any, q: Any) -> Any:
    """Sum, sum of squares [grid units], clipped rows, least and greatest of up to BLOCK values."""
    clipped = 0
    for i in range(len(x)):
        s = (x[i] - shift) * per_scale
        c = min(max(s, -CLIP), CLIP)
        clipped += s != c
        r = (c + _MOMENT_ROUND) - _MOMENT_ROUND
        u[i] = r
        q[i] = (r * r + _SQUARE_ROUND) - _SQUARE_ROUND
    n = len(x)
    low, high = _extremes(x)
    return (
        np.int64(_sum(u[:n]) / MOMENT),
        np.int64(_sum(q[:n]) / SQUARE),
        clipped,
        # -0.0 becomes 0.0: which of two zeros is least must not depend on their order.
        low + 0.0,
        high + 0.0,
    )


@njit(cache=True, nogil=True)
def _add(
    edges: Any,
    first_edge: Any,
    cells: Any,
    low: Any,
    per_unit: Any,
    single: Any,
    place: Any,
    extreme: Any,
    shift: Any,
    per_scale: Any,
    weight: Any,
    values: Any,
    valid: Any,
    first: int,
    rows: Any,
    starts: Any,
    groups: Any,
    ints: Any,
    lows: Any,
    highs: Any,
) -> Any:
    width = len(place)
    has_nulls = len(valid) > 0
    # Longer than 256, else all columns would fall into the same few lines of the cache.
    block = np.empty((width, 256 + 8))
    kept = np.empty(width, np.int64)
    # Of each value in the block, and each row's bin in the column at hand.
    row_of = np.empty((width, 256 + 8), np.uint8)
    for i in range(256):
        row_of[:, i] = i
    found = np.empty(256, np.uint8)
    u = np.empty(256)
    q = np.empty(256)
    h = np.zeros((2, 256), np.int64)
    weighed = np.zeros(len(rows))
    for run in range(len(groups)):
        g = groups[run]
        at = starts[run]
        while at < starts[run + 1]:
            n = min(256, starts[run + 1] - at)
            if has_nulls:
                kept[:] = 0
                for i in range(n):
                    base = first + rows[at + i] * width
                    for c in range(width):
                        k = kept[c]
                        block[c, k] = values[base + c]
                        row_of[c, k] = i
                        kept[c] = k + ((valid[(base + c) >> 3] >> ((base + c) & 7)) & 1)
            else:
                kept[:] = n
                for i in range(n):
                    base = first + rows[at + i] * width
                    for c in range(width):
                        block[c, i] = values[base + c]
            for c in range(width):
                x = block[c, : kept[c]]
                e0 = first_edge[c]
                bins = (first_edge[c + 1] if c + 1 < width else len(edges)) - e0
                found[:] = bins
                _bin(
                    x,
                    edges[e0 : e0 + bins],
                    cells[c],
                    low[c],
                    per_unit[c],
                    single[c],
                    h,
                    row_of[c],
                    found,
                )
                if len(weight):
                    # Each column before has a weight more than it has bins.
                    w0 = e0 + c
                    _weigh(found[:n], weight[w0 : w0 + bins + 1], weighed[at : at + n])
                p = place[c]
                for b in range(bins):
                    ints[g, p + b] += h[0, b] + h[1, b]
                    h[0, b] = 0
                    h[1, b] = 0
                p += bins
                total, squares, clipped, least, greatest = _moments(x, shift[c], per_scale[c], u, q)
                ints[g, p] += n - kept[c]
                ints[g, p + 1] += total
                ints[g, p + 2] += squares
                ints[g, p + 3] += clipped
                lows[g, extreme[c]] = min(lows[g, extreme[c]], least)
                highs[g, extreme[c]] = max(highs[g, extreme[c]], greatest)
            at += n
    return weighed
