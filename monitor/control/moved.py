"""Which features moved between two windows, by how far beyond chance."""

import math
from dataclasses import dataclass

import numpy as np

from monitor.metrics.base import Subject, Undefined
from monitor.metrics.comparison import LEAST, counted, missing_and_rows, shares
from monitor.metrics.jensen_shannon import jensen_shannon_distance
from monitor.profiles.columns import FEATURE
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Profile


@dataclass(frozen=True, slots=True)
class Moved:
    """A feature between two windows.

    Attributes:
        name: of the feature.
        distance: Jensen-Shannon distance of its bins, less what chance alone gives; 0 or more.
        rows: with a value in the later window [rows].
        why: why there is no distance, "" where there is one.
    """

    name: str
    distance: float
    rows: int
    why: str = ""


def moved(before: Profile, after: Profile) -> list[Moved]:
    """Every feature, those that moved furthest first.

    Args:
        before: profile of inputs of all rows of the earlier window.
        after: that of the later one, of the same layout.

    Source: Endres and Schindelin (2003), IEEE Trans. Inf. Theory 49, 1858; without any change
    the squared distance averages (k - 1)(1/n + 1/m) / 8 over k bins, which is taken off.
    """
    found = []
    for part in after.layout.parts:
        if not part.column.startswith(FEATURE):
            continue
        name = part.column.removeprefix(FEATURE)
        if few := _few(before, after, part.column):
            found.append(Moved(name, 0.0, 0, few))
            continue
        pair = counted(Subject(column=part.column, current=after, reference=before))
        if isinstance(pair, Undefined):
            found.append(Moved(name, 0.0, 0, pair.why))
            continue
        earlier, later, rows = pair
        bins = np.count_nonzero(earlier + later)
        chance = (bins - 1) * (1 / rows + 1 / int(earlier.sum())) / 8
        distance = jensen_shannon_distance(shares(earlier), shares(later))
        found.append(Moved(name, math.sqrt(max(distance**2 - chance, 0.0)), rows))
    return sorted(found, key=lambda one: (-one.distance, one.name))


def _few(before: Profile, after: Profile, column: str) -> str:
    """Which of the two has too few rows to tell of a column, "" if either has enough."""
    for which, profile in (("earlier", before), ("later", after)):
        missing, rows = missing_and_rows(profile, column)
        # Of a category "missing" is a value like others.
        known = rows - missing if profile.has(Distribution, column) else rows
        if known < LEAST:
            return f"the {which} window has {known} rows with a value, {LEAST} are needed"
    return ""
