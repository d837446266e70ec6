"""Which row of several counts, also when their hashes meet in one place of the table."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.profiles.duplicates import CONFLICT, DUPLICATE, NEW, Seen
from monitor.profiles.index import Index

halves = st.sampled_from([0, 1, 2, 1 << 40, -1, -(1 << 63), (1 << 63) - 1])


def classified(rows: list[tuple[int, int, int, int]], sizes: list[int] | None = None) -> list[int]:
    """Verdict per row of window, high, low, payload; run again where rows conflict."""
    table = np.array(rows, np.int64).reshape(-1, 4)
    ends = np.cumsum(sizes or [len(rows)])
    parts = np.split(table, ends[:-1])

    def through(seen: Seen) -> list[int]:
        return [v for part in parts for v in seen.classify(*part.T.copy()).tolist()]

    seen = Seen()
    verdict = through(seen)
    disputes = seen.disputes()
    return through(Seen(disputes)) if len(disputes) else verdict


def test_the_same_event_twice_is_a_duplicate() -> None:
    assert classified([(0, 1, 2, 9), (0, 1, 2, 9)]) == [NEW, DUPLICATE]


def test_the_same_id_in_another_window_is_another_event() -> None:
    assert classified([(0, 1, 2, 9), (1, 1, 2, 9), (-1, 1, 2, 9)]) == [NEW] * 3


def test_ids_that_share_a_half_are_apart() -> None:
    rows = [(0, high, low, 9) for high in (0, 1, -1, 1 << 62) for low in (0, 1, -1, 1 << 40)]
    assert classified(rows) == [NEW] * 16


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_smallest_payload_wins_in_any_order(order: tuple[int, ...]) -> None:
    rows = [(0, 1, 2, payload) for payload in (5, -7, 5, -7)]
    verdict = classified([rows[i] for i in order], [1, 2, 1])
    by_payload = sorted(zip((rows[i][3] for i in order), verdict, strict=True))
    assert by_payload == [(-7, NEW), (-7, DUPLICATE), (5, CONFLICT), (5, CONFLICT)]


def test_a_table_that_grows_forgets_nothing() -> None:
    # All start in one place of the table: low halves that are equal in their lowest bits.
    rows = [(0, 0, k << 20, 1) for k in range(6_000)]
    assert classified(rows + rows, [1_000] * 12) == [NEW] * 6_000 + [DUPLICATE] * 6_000


def test_ids_that_share_the_lower_half_are_found_among_others() -> None:
    high, low = np.array([5, 6, 7, 1]), np.array([1, 1, 1, 2])
    index = Index.of(high, low, np.zeros(4, np.int64))
    wanted_high, wanted_low = np.array([7, 5, 8, 1, 1, 9]), np.array([1, 1, 1, 2, 3, 0])
    assert index.find(wanted_high, wanted_low).tolist() == [2, 0, -1, 3, -1, -1]


def test_of_one_id_in_several_windows_the_earliest_is_found() -> None:
    ids, times = np.array([3, 3, 4, 3]), np.array([30, 10, 20, 10])
    index = Index.of(ids, ids, times)
    assert index.find(np.array([3, 4]), np.array([3, 4])).tolist() == [1, 2]


def test_nothing_is_found_among_no_predictions() -> None:
    nothing = np.empty(0, np.int64)
    index = Index.of(nothing, nothing, nothing)
    assert index.find(np.array([0]), np.array([0])).tolist() == [-1]
    assert index.find(nothing, nothing).tolist() == []


@given(st.lists(st.tuples(halves, halves, st.integers(0, 3)), max_size=60), st.data())
def test_the_index_finds_what_a_dictionary_would(
    rows: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    known: dict[tuple[int, int], int] = {}
    for row, (high, low, time) in enumerate(rows):
        other = known.setdefault((high, low), row)
        if time < rows[other][2]:
            known[high, low] = row
    wanted = data.draw(st.lists(st.tuples(halves, halves), max_size=20))
    table = np.array(rows, np.int64).reshape(-1, 3).T.copy()
    pairs = np.array(wanted, np.int64).reshape(-1, 2).T.copy()
    found = Index.of(table[0], table[1], table[2]).find(pairs[0], pairs[1])
    assert found.tolist() == [known.get(pair, -1) for pair in wanted]
