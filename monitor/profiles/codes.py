"""Texts as small numbers: the same text, the same number, batch after batch."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.events.identity import identities
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
        """Code per row of texts, plain or with a dictionary, shape (n,)."""
        texts, indices = _encoded(column)
        there = np.zeros(len(texts) + 1, np.bool_)
        there[indices] = True
        numbers = np.zeros(len(texts) + 1, np.int64)
        for place in np.flatnonzero(there).tolist():
            numbers[place] = self._number(texts[place] if place < len(texts) else "")
        return numbers[indices]

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
        column: texts of c columns side by side, row after row, length rows x c; plain or with a
            dictionary.
        names: the names known in each of the c columns.
    """
    texts, indices = _encoded(column)
    table = np.empty((len(names), len(texts) + 1), np.int64)
    for row, known in zip(table, names, strict=True):
        place_of = {name: place for place, name in enumerate(known)}
        row[:-1] = [place_of.get(text, len(known)) for text in texts]
        row[-1] = MISSING
    places: Ints = (
        table[0, indices][:, None]
        if len(names) == 1
        else table[np.arange(len(names)), indices.reshape(-1, len(names))]
    )
    return places


def _encoded(column: pa.Array) -> tuple[list[str], NDArray[np.int32]]:
    """The texts and the place of each row's among them; null comes after the last.

    A dictionary that the column brings is taken as it is: it may hold texts of no row.
    """
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    texts = encoded.dictionary.to_pylist()
    indices = encoded.indices
    if indices.null_count:
        indices = pc.fill_null(indices, len(texts))
    return texts, indices.to_numpy()


def hashes_of(column: pa.ChunkedArray) -> Ints:
    """A number in [0, 2**62) per row that is the same for the same text, shape (n,).

    `MISSING` for null. Unlike the codes of `Interned` it does not depend on other rows.
    """
    encoded = pc.dictionary_encode(column.combine_chunks())
    high, _ = identities(encoded.dictionary)
    known = np.append(high & (2**62 - 1), MISSING)
    found: Ints = known[pc.fill_null(encoded.indices, len(high)).to_numpy()]
    return found
