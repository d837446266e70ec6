"""Texts as small numbers: the same text, the same number, batch after batch."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.profiles.layout import Ints

MISSING = -1

OTHERS: Final = "unknown"
"""What values together are called that are not among the known ones."""


class Interned:
    """Numbers for the few values of a text column such as `version`; null counts as "".

    With `known` given, every other value counts as `OTHERS`: who writes a request's id where
    the version belongs must not get a profile per request.
    """

    def __init__(self, known: Collection[str] | None = None) -> None:
        self._codes: dict[str, int] = {}
        self._known = known

    def codes(self, column: pa.Array) -> Ints:
        """Code per row, shape (n,)."""
        encoded = pc.dictionary_encode(pc.fill_null(column, ""))
        numbers = [self._number(text) for text in encoded.dictionary.to_pylist()]
        codes: Ints = np.asarray(numbers, np.int64)[encoded.indices.to_numpy()]
        return codes

    def _number(self, text: str) -> int:
        counted = text if self._known is None or text in self._known else OTHERS
        return self._codes.setdefault(counted, len(self._codes))

    @property
    def texts(self) -> list[str]:
        """Text per code."""
        return list(self._codes)


def places_in(column: pa.Array, names: Sequence[Sequence[str]]) -> Ints:
    """Where each value stands among the names of its column, shape (rows, columns).

    `MISSING` for null, the number of names for any other value.

    Args:
        column: texts of c columns side by side, row after row, length rows x c.
        names: the names known in each of the c columns.
    """
    encoded = pc.dictionary_encode(column)
    texts = encoded.dictionary.to_pylist()
    table = np.empty((len(names), len(texts) + 1), np.int64)
    for row, known in zip(table, names, strict=True):
        place_of = {name: place for place, name in enumerate(known)}
        row[:-1] = [place_of.get(text, len(known)) for text in texts]
        row[-1] = MISSING
    indices = pc.fill_null(encoded.indices, len(texts)).to_numpy().reshape(-1, len(names))
    places: Ints = table[np.arange(len(names)), indices]
    return places
