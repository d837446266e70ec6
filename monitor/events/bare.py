"""Bare values of JSON (numbers, true, false, null), many at once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
"""A number as RFC 8259 has it."""

_WHOLE = r"^(0|-?[1-9][0-9]{0,17})$"
_WORDS = ("null", "false", "true")


@dataclass(frozen=True, slots=True)
class Bare:
    """What n texts are.

    Attributes:
        values: the number; 0 and 1 for false and true, NaN for all else, shape (n,).
        is_number: whether it is a finite number, shape (n,).
        is_boolean: whether it is true or false, shape (n,).
        is_null: whether it is null, shape (n,).
    """

    values: NDArray[np.float64]
    is_number: NDArray[np.bool_]
    is_boolean: NDArray[np.bool_]
    is_null: NDArray[np.bool_]


def bare(texts: pa.StringArray) -> Bare:
    """What these texts are, n of them, without nulls."""
    is_number = _look_like_numbers(texts)
    numbers = texts
    words = np.full(len(texts), -1)
    others = np.flatnonzero(~is_number)
    if len(others):
        found = pc.index_in(texts.take(pa.array(others)), pa.array(_WORDS)).fill_null(-1)
        words[others] = found.to_numpy()
        numbers = pc.if_else(pa.array(is_number), texts, pa.scalar(None, pa.string()))
    try:
        values = numbers.cast(pa.float64())
    except pa.ArrowInvalid:
        is_number &= pc.match_substring_regex(texts, NUMBER).to_numpy(zero_copy_only=False)
        numbers = pc.if_else(pa.array(is_number), texts, pa.scalar(None, pa.string()))
        values = numbers.cast(pa.float64())
    # Arrow hands out what cannot be written to.
    values = values.to_numpy(zero_copy_only=False)
    finite = np.isfinite(values)
    if not finite.all():
        is_number &= finite
        values = np.where(words > 0, words - 1.0, np.where(finite, values, np.nan))
    return Bare(values, is_number, words > 0, words == 0)


def whole_texts(texts: pa.StringArray) -> pa.StringArray:
    """The texts of whole numbers, true and false as `class_text` would write them, else null.

    >>> whole_texts(pa.array(["1", "-0", "1.0", "true", "null"])).to_pylist()
    ['1', None, None, 'true', None]
    """
    is_whole = pc.match_substring_regex(texts, _WHOLE)
    is_word = pc.is_in(texts, pa.array(_WORDS[1:]))
    return pc.if_else(pc.or_(is_whole, is_word), texts, pa.scalar(None, pa.string()))


def _look_like_numbers(texts: pa.StringArray) -> NDArray[np.bool_]:
    """Whether such a text is a number of JSON if Arrow can read it as one, shape (n,).

    Arrow reads more: a sign before it, zeros at its begin, points at either end, inf and nan.
    """
    n = len(texts)
    _, offsets, data = texts.buffers()
    if data is None or not data.size:
        return np.zeros(n, np.bool_)
    bounds = np.frombuffer(offsets, np.int32)[texts.offset :][: n + 1].astype(np.intp)
    starts, last = bounds[:-1], bounds[1:] - 1
    characters = np.frombuffer(data, np.uint8)
    # A sign alone has no lead of its own; that of its neighbour does no harm, for it ends badly.
    begin = starts + (characters.take(starts, mode="clip") == _MINUS)
    lead = characters.take(begin, mode="clip")
    found = _is_digit(lead) & _is_digit(characters.take(last, mode="clip")) & (starts <= last)
    zeros = np.flatnonzero(lead == _ZERO)
    second = begin[zeros] + 1
    is_padded = _is_digit(characters.take(second, mode="clip")) & (second <= last[zeros])
    found[zeros[is_padded]] = False
    if ((characters[:-1] == _POINT) & ((characters[1:] | 0x20) == _EXPONENT)).any():
        found &= pc.match_substring_regex(texts, NUMBER).to_numpy(zero_copy_only=False)
    return found


_MINUS, _POINT, _ZERO, _EXPONENT = b"-.0e"


def _is_digit(characters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = characters - _ZERO < 10
    return result
