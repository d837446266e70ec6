"""Messages side by side in one buffer, so that those alike can be cut up all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LONGEST = 65_536
"""Bytes of a message that is still put on a page: a page's positions are 32-bit numbers."""

_QUOTE, _BACKSLASH, _SPACE = 0x22, 0x5C, 0x20


@dataclass(frozen=True, slots=True)
class Page:
    """n messages end to end, a newline after each.

    Attributes:
        data: their bytes.
        begins: position of each one's first byte, shape (n,).
        ends: position of the newline after each, shape (n,).
        quotes: positions of all quotes, shape (quotes,).
        first: place in `quotes` of each message's first one, shape (n,).
        counts: quotes of each message, shape (n,).
        plain: whether a message is UTF-8 without backslashes and control characters, shape
            (n,): if it is JSON, every quote begins or ends a text, and what lies between two
            is that text.
    """

    data: bytes
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    quotes: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    plain: NDArray[np.bool_]

    @classmethod
    def of(cls, messages: Sequence[bytes]) -> Self:
        """The page of these messages, none longer than `LONGEST`."""
        data = b"\n".join([*messages, b""])
        sizes = np.fromiter(map(len, messages), np.int64, len(messages))
        ends = np.cumsum(sizes + 1) - 1
        quotes = np.flatnonzero(_characters(data) == _QUOTE)
        upto = np.searchsorted(quotes, ends)
        counts = np.diff(upto, prepend=0)
        plain = _plain(messages, data, ends)
        return cls(data, ends - sizes, ends, quotes, upto - counts, counts, plain)


def _characters(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


def _plain(messages: Sequence[bytes], data: bytes, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    plain = np.ones(len(messages), np.bool_)
    characters = _characters(data)
    is_control = characters < _SPACE
    if b"\\" in data or np.count_nonzero(is_control) != len(messages):
        is_control[ends] = False
        odd = np.flatnonzero(is_control | (characters == _BACKSLASH))
        plain[np.searchsorted(ends, odd)] = False
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            plain &= np.fromiter(map(_is_utf8, messages), np.bool_, len(messages))
    return plain


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Pattern:
    """What messages have in common that differ in k values only.

    Attributes:
        literals: the bytes around the values, k + 1 pieces.
        quoted: per value whether it is a text; else it stands bare, as numbers do.
        closing: per value the number of the quote that ends it, or of the first one after a
            bare value; the number of all quotes if none follows, shape (k,).
        gap: bytes from a value's end to that quote, or to the message's end, shape (k,).
        quotes: in the whole message.
    """

    literals: tuple[bytes, ...]
    quoted: tuple[bool, ...]
    closing: NDArray[np.int64]
    gap: NDArray[np.int64]
    quotes: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The values of messages that have a pattern in common.

    Attributes:
        rows: places of the messages on the page, shape (n,).
        texts: all pieces of the page, values among them.
        places: place in `texts` of each row's first piece, shape (n,).
    """

    rows: NDArray[np.int64]
    texts: pa.StringArray
    places: NDArray[np.int64]

    def values(self, numbers: Sequence[int]) -> pa.StringArray:
        """The values with these numbers: n times as many texts, row by row."""
        at = self.places[:, None] + (2 * np.array(numbers, np.int64) + 1)
        return self.texts.take(pa.array(at.ravel()))

    def only(self, good: NDArray[np.bool_]) -> "Cut":
        """The rows for which `good` holds, shape (n,)."""
        return Cut(self.rows[good], self.texts, self.places[good])


def cut(page: Page, pattern: Pattern, rows: NDArray[np.int64]) -> Cut:
    """Those of these rows that have the pattern, cut up.

    A row has it if its bytes around the values are those of the pattern, to the last, and no
    text has a quote in it. What the bare values are is still to be asked.

    Args:
        page: the messages.
        pattern: to look for.
        rows: places of messages that are plain and have as many quotes as the pattern.
    """
    k = len(pattern.quoted)
    sizes = np.array([len(piece) for piece in pattern.literals])
    # Where the pieces of a row begin: literal and value in turn, then what follows the row.
    starts = np.empty((len(rows), 2 * k + 2), np.int32)
    starts[:, 0] = page.begins[rows]
    starts[:, -1] = page.ends[rows]
    inside = pattern.closing < pattern.quotes
    # No text has a quote in it, for its end is the first quote after the literal before it.
    anchors = page.first[rows][:, None] + pattern.closing[inside]
    closed = np.flatnonzero(inside) * 2 + 2
    starts[:, closed] = page.quotes[anchors] - pattern.gap[inside]
    if not inside.all():
        starts[:, -2] = page.ends[rows] - pattern.gap[-1]
    starts[:, 1:-1:2] = starts[:, 0:-2:2] + sizes[:-1]
    lengths = starts[:, 2:-1:2] - starts[:, 1:-1:2]
    fits = starts[:, -1] - starts[:, -2] == sizes[-1]
    if lengths.size and lengths.min() < 0:
        fits &= (lengths >= 0).all(1)
    if not fits.all():
        rows, starts = rows[fits], starts[fits]
    if not len(rows):
        return Cut(rows, pa.array([], pa.string()), rows)
    offsets = np.append(starts.ravel(), np.int32(len(page.data)))
    texts = pa.StringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(page.data)
    )
    places = np.arange(len(rows)) * (2 * k + 2)
    literals = texts.take(pa.array((places[:, None] + np.arange(0, 2 * k + 1, 2)).ravel()))
    # Taken together they are as long in every row.
    wanted = b"".join(pattern.literals)
    there = literals.buffers()[2].slice(0, len(rows) * len(wanted))
    found = Cut(rows, texts, places)
    if there.equals(pa.py_buffer(wanted * len(rows))):
        return found
    characters = np.frombuffer(there, np.uint8).reshape(-1, len(wanted))
    return found.only((characters == _characters(wanted)).all(1))
