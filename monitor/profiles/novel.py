"""Which records are unlike the reference: those whose values surprise far more than its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitor.profiles.categories import Categories
from monitor.profiles.codes import MISSING
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


def of_categories(surprise: Surprise, names: Sequence[str], places: Ints) -> Floats:
    """Surprise of the categories of each row, from their places, shape (n, c)."""
    total = np.zeros(len(places))
    for name, place in zip(names, places.T, strict=True):
        table = surprise.tables[name]
        total += table[np.where(place == MISSING, len(table) - 1, place)]
    return total
