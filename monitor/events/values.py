"""Columns of Python values as Arrow arrays, with a count of the JSON texts they came from.

The count is what makes the quick decoder exact: a message without repeated or unknown keys has
as many texts (keys and string values) as its decoded values account for, and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import UNSET
from numpy.typing import NDArray

from monitor.cards.contract import class_text
from monitor.events.times import instants

Values = Sequence[Any]
"""Decoded values, n of them: `UNSET` for an absent key, None for a null."""

Count = NDArray[np.int64] | int
"""JSON texts per row, shape (n,), or the same for all rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of n values.

    Attributes:
        array: of length n, or None when no row has the key.
        texts: JSON texts per row.
        faulty: rows whose value cannot be held as it is, shape (n,); None when all can.
    """

    array: pa.Array | None
    texts: Count = 0
    faulty: NDArray[np.bool_] | None = None


def text_column(values: Values) -> Column:
    """Texts; numbers and booleans as `class_text` writes them."""
    if _all_absent(values):
        return Column(None)
    array, texts = _texts(values)
    return Column(array, texts)


def number_column(values: Values) -> Column:
    """Floats."""
    if _all_absent(values):
        return Column(None)
    try:
        return Column(pa.array(values, pa.float64()), 1)
    except _UNFIT:
        return Column(pa.array(_clean(values), pa.float64()), _present(values))


def flag_column(values: Values) -> Column:
    """Booleans."""
    if _all_absent(values):
        return Column(None)
    try:
        return Column(pa.array(values, pa.bool_()), 1)
    except _UNFIT:
        return Column(pa.array(_clean(values), pa.bool_()), _present(values))


def time_column(values: Values) -> Column:
    """Instants; a text that Arrow does not read as one makes its row faulty."""
    if _all_absent(values):
        return Column(None)
    array, texts = _texts(values)
    times, faulty = instants(array)
    return Column(times, texts, faulty if faulty.any() else None)


def plain_numbers(values: Values) -> pa.DoubleArray:
    """Numbers among classes as floats; null for anything else, also for a boolean."""
    return pa.array([_number(v) for v in values], pa.float64())


def flat_numbers(values: list[Any], widths: NDArray[np.int64]) -> tuple[NDArray[np.float64], Count]:
    """Numbers of many rows end to end, NaN for what is missing, and the JSON texts per row.

    Args:
        values: numbers and booleans of all rows, sum(widths) of them.
        widths: values per row, shape (n,).
    """
    try:
        return np.array(values, np.float64), widths
    except TypeError:
        present = _present(values)
        return np.array(_clean(values), np.float64), per_row(present, widths)


def flat_texts(values: list[Any], widths: NDArray[np.int64]) -> tuple[pa.StringArray, Count]:
    """Texts of many rows end to end, null for what is missing, and the JSON texts per row.

    Args:
        values: texts, numbers and booleans of all rows, sum(widths) of them.
        widths: values per row, shape (n,).
    """
    array, texts = _texts(values)
    return array, texts * widths if isinstance(texts, int) else per_row(texts, widths)


def loose_texts(values: Values) -> NDArray[np.int64]:
    """JSON texts per row of values that are not kept."""
    return _present(values) + np.fromiter(
        (isinstance(v, str) for v in values), np.int64, len(values)
    )


def per_row(counts: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of consecutive stretches of `counts`, one of each of these widths."""
    total = np.concatenate(([0], np.cumsum(counts)))
    ends = np.cumsum(widths)
    result: NDArray[np.int64] = total[ends] - total[ends - widths]
    return result


_UNFIT = (TypeError, ValueError, pa.ArrowException)


def _all_absent(values: Values) -> bool:
    return values[0] is UNSET and values.count(UNSET) == len(values)


def _texts(values: Values) -> tuple[pa.StringArray, Count]:
    try:
        array = pa.array(values, pa.string())
    except _UNFIT:
        array = pa.array([v if type(v) is str else class_text(v) for v in values], pa.string())
        return array, loose_texts(values)
    if not array.null_count:
        return array, 2
    return array, 1 + array.is_valid().to_numpy(zero_copy_only=False).astype(np.int64)


def _present(values: Values) -> NDArray[np.int64]:
    return np.fromiter((v is not UNSET for v in values), np.int64, len(values))


def _clean(values: Values) -> list[Any]:
    return [None if v is UNSET else v for v in values]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
