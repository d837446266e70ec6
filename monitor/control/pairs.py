"""Cases that two versions both saw, told by equal inputs, and how their answers differ."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.control.conditions import Flags
from monitor.profiles.codes import hashes_of
from monitor.profiles.layout import Floats, Ints

MOST: Final = 200_000
"""Cases at most; those with the smallest hashes of their inputs [cases]."""

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(31)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one version said.

    Attributes:
        case: hash of the inputs of each row, ascending and each once, shape (n,).
        row: number of each in the table that it was made of, shape (n,).
        repeated: rows left out because their inputs came again [rows].
    """

    case: Ints
    row: Ints
    repeated: int


def cases(numeric: Floats, category: pa.Array, subject: pa.Array) -> Ints:
    """A hash of the inputs of each row and whom it is about, shape (n,).

    Args:
        numeric: numbers, NaN where missing, shape (n, k).
        category: texts row after row, length n times some number.
        subject: whom each row is about, length n.
    """
    n = len(subject)
    if not n:
        return np.empty(0, np.int64)
    missing = np.isnan(numeric)
    # Both zeros are one number.
    bits = np.where(missing, 0.0, numeric + 0.0).view(np.uint64)
    texts = hashes_of(pa.chunked_array([category])).view(np.uint64).reshape(n, len(category) // n)
    whom = hashes_of(pa.chunked_array([subject])).view(np.uint64).reshape(n, 1)
    total = np.zeros(n, np.uint64)
    with np.errstate(over="ignore"):
        for column in (*bits.T, *missing.T.astype(np.uint64), *texts.T, *whom.T):
            mixed = (total ^ column) * _ODD
            total = mixed ^ (mixed >> _SHIFT)
    return total.view(np.int64)


def answers(case: Ints, is_mine: Flags, identity: Ints, payload: Ints) -> Answers:
    """The rows of one version, each case once; a case that came twice counts as neither.

    A message that was sent twice is one: of its copies that of the smallest payload.

    Args:
        case: hash of the inputs of each row, shape (n,).
        is_mine: rows of the version, shape (n,).
        identity: hash of the id of each row, shape (n,).
        payload: hash of the message, shape (n,).
    """
    rows = np.flatnonzero(is_mine)
    order = rows[np.lexsort((payload[rows], identity[rows], case[rows]))]
    is_copy = np.zeros(len(order), np.bool_)
    is_copy[1:] = (np.diff(case[order]) == 0) & (np.diff(identity[order]) == 0)
    order = order[~is_copy]
    found, count = np.unique(case[order], return_counts=True)
    alone = found[count == 1]
    places = order[np.searchsorted(case[order], alone)]
    return Answers(alone[:MOST], places[:MOST], int(count[count > 1].sum()))


def paired(first: Answers, second: Answers) -> tuple[Ints, Ints]:
    """Rows of the cases that both versions saw, side by side, shape (m,) each."""
    _, one, other = np.intersect1d(first.case, second.case, True, True)
    return first.row[one], second.row[other]


def disagreements(predicted: pa.ChunkedArray, first: Ints, second: Ints) -> pa.Table:
    """How often the first version said one class and the second another, most frequent first.

    Args:
        predicted: class of every row.
        first: rows of the first version, shape (m,).
        second: rows of the same cases of the second version, shape (m,).
    """
    texts = predicted.cast(pa.string())
    table = pa.table({"first": texts.take(pa.array(first)), "second": texts.take(pa.array(second))})
    counted = table.group_by(["first", "second"]).aggregate([([], "count_all")])
    return counted.rename_columns(["first", "second", "cases"]).sort_by(
        [("cases", "descending"), ("first", "ascending"), ("second", "ascending")]
    )


def same(predicted: pa.ChunkedArray, first: Ints, second: Ints) -> Flags:
    """Whether both versions said the same of each case, shape (m,)."""
    one, other = (predicted.take(pa.array(rows)) for rows in (first, second))
    if pa.types.is_dictionary(one.type):
        one, other = one.cast(pa.string()), other.cast(pa.string())
    equal = pc.fill_null(pc.equal(one, other), fill_value=False)
    return np.asarray(equal.to_numpy(), np.bool_)
