"""Texts as small numbers: the same text, the same number, batch after batch."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.profiles.layout import Ints

MISSING = -1


class Interned:
    """Numbers for the few values of a text column such as `version`; null counts as ""."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def codes(self, column: pa.Array) -> Ints:
        """Code per row, shape (n,)."""
        encoded = pc.dictionary_encode(pc.fill_null(column, ""))
        known = [
            self._codes.setdefault(t, len(self._codes)) for t in encoded.dictionary.to_pylist()
        ]
        codes: Ints = np.asarray(known, np.int64)[encoded.indices.to_numpy()]
        return codes

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
