"""What several people decided of the same case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from monitor.profiles.added import Added, Reached
from monitor.profiles.codes import hashes_of, places_in
from monitor.profiles.fixed import UNIT, on_grid
from monitor.profiles.joined import holding
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

MOST_ANSWERS: Final = 100
"""Cases that more people decided are left out, lest sums of squares overflow: an int64 holds 200
thousand cases of so many."""

_MANY: Final = -1.0
"""Stands for the people of a case that more than two decided."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Sums over cases that two to `MOST_ANSWERS` people decided, the last answer of each counting.

    Of a case u with m answers, n_c of them class c, o = sum over c of n_c (m - n_c) / (m - 1) are
    those that differ from another one. v = (o, n_1 ... n_k).

    Attributes:
        cases: such cases [rows].
        sums: sum of v, shape (k + 1,).
        squares: sum of the products of v with itself, shape (k + 1, k + 1).
        pairs: cases that exactly two decided, by the answer of the one whose hash is smaller and
            that of the other, shape (k, k) [rows].
        same_two: whether one pair of people decided all of the cases.
    """

    cases: int
    sums: Floats
    squares: Floats
    pairs: Ints
    same_two: bool

    @classmethod
    def name(cls) -> str:
        return "agreement"

    @classmethod
    def part(cls, classes: Sequence[str], column: str = "") -> Part:
        """Room for k declared classes."""
        k = len(classes)
        ints = 1 + (k + 1) + (k + 1) * (k + 2) // 2 + k * k
        return Part(cls.name(), column, {"classes": list(classes)}, ints, 1)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        k = len(part.spec["classes"])
        upper = np.triu_indices(k + 1)
        on_grid_first = np.ones(k + 1)
        on_grid_first[0] = UNIT
        squares = np.zeros((k + 1, k + 1))
        squares[upper] = ints[k + 2 : k + 2 + len(upper[0])] * on_grid_first[upper[0]]
        squares = np.maximum(squares, squares.T)
        return cls(
            cases=int(ints[0]),
            sums=ints[1 : k + 2] * on_grid_first,
            squares=squares,
            pairs=ints[-k * k :].reshape(k, k),
            same_two=bool(ints[0]) and lows[0] == highs[0] != _MANY,
        )


def fed(known: Known) -> Iterator[Added | Reached]:
    """Cases with two or more answers within the contract."""
    spoken, classes = known.decision.spoken, known.contract.classes
    k = len(classes)
    # In the order of the cases, and within one of the people's hashes.
    reviewer = hashes_of(spoken.table["reviewer"])
    held = holding(spoken.table, spoken.target, reviewer)
    answer = places_in(spoken.table["decision"].combine_chunks(), [classes])[:, 0]
    held = held[(answer[held] >= 0) & (answer[held] < k)]
    rows, first, case, m = np.unique(
        spoken.target[held], return_index=True, return_inverse=True, return_counts=True
    )
    table = np.zeros((len(rows), k), np.int64)
    np.add.at(table, (case.reshape(-1), answer[held]), 1)
    several = (m > 1) & (m <= MOST_ANSWERS)
    rows, first, table, m = rows[several], first[several], table[several], m[several]
    differing = (table * (m[:, None] - table)).sum(axis=1) / (m - 1)
    v = [differing, *table.T]
    yield Added(rows, 0)
    yield Added(rows, 1, on_grid(differing))
    for c in range(k):
        yield Added(rows, 2 + c, table[:, c])
    for place, (i, j) in enumerate(zip(*np.triu_indices(k + 1), strict=True)):
        product = v[i] * v[j]
        yield Added(rows, k + 2 + place, product if i else on_grid(product))
    two = m == 2
    one, other = held[first[two]], held[first[two] + 1]
    begin = k + 2 + (k + 1) * (k + 2) // 2
    yield Added(rows[two], begin + answer[one] * k + answer[other])
    people = np.full(len(rows), _MANY)
    people[two] = _pair(reviewer[one], reviewer[other])
    yield Reached(rows, people)


def _pair(one: Ints, other: Ints) -> Floats:
    """A number in [0, 2**53) for each pair of people."""
    mixed = one.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ other.astype(np.uint64)
    return (mixed >> np.uint64(11)).astype(np.float64)
