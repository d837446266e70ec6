"""Which records are unlike the reference: those whose values surprise far more than its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from monitor.profiles.bins import Binning
from monitor.profiles.categories import Categories
from monitor.profiles.codes import MISSING
from monitor.profiles.compiled import njit
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Floats, Ints, Profile


@dataclass(frozen=True, slots=True, eq=False)
class Surprise:
    """What values surprise by: -ln of their bin's share in the reference.

    Records are taken for sums of independent values, so that usual values in an unusual
    combination are not novel.

    Attributes:
        tables: by column, of each bin, of other values and of a missing one.
        mean: of a record of the reference.
        deviation: its standard deviation; 0 where no column can be compared.
    """

    tables: Mapping[str, Floats]
    mean: float
    deviation: float

    @classmethod
    def of(cls, reference: Profile, columns: Sequence[str]) -> Self:
        """From the profile of the reference's rows; columns that it lacks are left out."""
        tables: dict[str, Floats] = {}
        mean = variance = 0.0
        for name in columns:
            if (counts := _counts(reference, name)) is None:
                continue
            # Half a row of each bin, so that what was never seen is rare and not impossible.
            share = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
            surprise = -np.log(share)
            tables[name] = surprise
            own = float(share @ surprise)
            mean += own
            variance += float(share @ surprise**2) - own**2
        return cls(tables, mean, float(np.sqrt(max(variance, 0.0))))

    def scaled(self, total: Floats) -> Floats:
        """Standard deviations by which records surprise more than the reference's, shape (n,)."""
        if self.deviation <= 0:
            return np.zeros(len(total))
        return (total - self.mean) / self.deviation


def _counts(reference: Profile, name: str) -> Ints | None:
    """The reference's rows per bin or category, missing ones last."""
    if reference.has(Distribution, name):
        known = reference.get(Distribution, name)
        return np.append(known.counts, known.missing)
    if reference.has(Categories, name):
        named = reference.get(Categories, name)
        return np.append(named.counts, named.missing)
    return None


def of_numbers(
    surprise: Surprise, binned: Binning, names: Sequence[str], column: pa.Array
) -> Floats:
    """Surprise of the numbers of each row, shape (n,).

    Args:
        surprise: of the reference.
        binned: how the numbers are binned.
        names: of their columns, c of them.
        column: c numbers a row, row after row; null where missing.
    """
    tables = [surprise.tables[name] for name in names]
    validity, data = column.buffers()
    values = np.frombuffer(data, np.float64) if data else np.empty(0)
    bitmap = (
        np.frombuffer(validity, np.uint8)
        if validity and column.null_count
        else np.empty(0, np.uint8)
    )
    total = np.zeros(len(column) // len(names))
    _sum(
        *(binned.edges, binned.first_edge, binned.cells, binned.low, binned.per_unit),
        *(values, bitmap, column.offset),
        np.concatenate(tables),
        np.cumsum([0, *(len(table) for table in tables)]),
        total,
    )
    return total


def of_categories(surprise: Surprise, names: Sequence[str], places: Ints) -> Floats:
    """Surprise of the categories of each row, from their places, shape (n, c)."""
    total = np.zeros(len(places))
    for name, place in zip(names, places.T, strict=True):
        table = surprise.tables[name]
        total += table[np.where(place == MISSING, len(table) - 1, place)]
    return total


@njit(cache=True, nogil=True)
def _sum(
    edges: Any,
    first_edge: Any,
    cells: Any,
    low: Any,
    per_unit: Any,
    values: Any,
    valid: Any,
    first: int,
    table: Any,
    first_place: Any,
    total: Any,
) -> None:
    """Add up what the bins of each row's numbers surprise by."""
    width = len(low)
    has_nulls = len(valid) > 0
    for i in range(len(total)):
        for c in range(width):
            at = first + i * width + c
            last = first_place[c + 1] - first_place[c] - 1
            place = last
            if not has_nulls or (valid[at >> 3] >> (at & 7)) & 1:
                v = values[at]
                # As in `bins`: the least bin of the value's cell, and on from there.
                place = np.int64(
                    cells[c, np.int64(min(max((v - low[c]) * per_unit[c], 0.0), 4095.0))]
                )
                while place < last - 1 and edges[first_edge[c] + place] <= v:
                    place += 1
            total[i] += table[first_place[c] + place]
