"""The groups of a model's rows that get profiles of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from monitor.profiles.codes import MISSING
from monitor.profiles.layout import Ints
from monitor.profiles.segments import ALL, segment_name


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """Some rows, each in one of several groups.

    Attributes:
        segments: name of the group by code.
        rows: rows that are in any of the groups, shape (m,).
        codes: group of each of them, shape (m,).
    """

    segments: Mapping[int, str]
    rows: Ints
    codes: Ints

    @classmethod
    def whole(cls, rows: int) -> Self:
        """All rows, together."""
        return cls({0: ALL}, np.arange(rows), np.zeros(rows, np.int64))

    def over(self, rows: Ints) -> Self:
        """The same division of other things, each of which belongs to a row.

        Args:
            rows: row of each, shape (m,).
        """
        if self.is_whole:
            return self.whole(len(rows))
        most = max(int(rows.max(initial=-1)), int(self.rows.max(initial=-1)))
        code = np.full(most + 1, -1, np.int64)
        code[self.rows] = self.codes
        found = code[rows]
        inside = np.flatnonzero(found >= 0)
        return replace(self, rows=inside, codes=found[inside])

    @property
    def is_whole(self) -> bool:
        """Whether it holds all rows together."""
        return ALL in self.segments.values()


def divisions(
    rows: int,
    dimensions: Sequence[Sequence[str]],
    names: Mapping[str, Sequence[str]],
    places: Mapping[str, Ints],
) -> Iterator[Division]:
    """All rows, then the groups of each dimension; a row without a followed value is in none.

    Args:
        rows: how many there are.
        dimensions: names, or several together, over whose values the rows are divided.
        names: values that are followed, per name.
        places: per name the place of each row's value among them, `MISSING` without a value,
            their number for any other, shape (rows,).
    """
    yield Division.whole(rows)
    for dimension in dimensions:
        spans = [len(names[name]) for name in dimension]
        if not all(spans):
            continue
        chosen = np.stack([places[name] for name in dimension], axis=1)
        inside = ((chosen != MISSING) & (chosen < spans)).all(axis=1)
        codes = np.ravel_multi_index(tuple(chosen[inside].T), spans).astype(np.int64)
        segments = {
            int(code): segment_name(
                {
                    name: names[name][int(place)]
                    for name, place in zip(dimension, np.unravel_index(code, spans), strict=True)
                }
            )
            for code in np.flatnonzero(np.bincount(codes))
        }
        yield Division(segments, np.flatnonzero(inside), codes)
