"""Arithmetic of windows, before 1970 too."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.profiles.windows import (
    MOST_WINDOWS,
    Range,
    ceiling,
    chunks,
    feedback_length,
    floor,
    instant,
    levels,
    outward,
    parted,
    seconds_of,
)

LENGTHS = st.sampled_from([60, 300, 3600, 86400, 604800])
TIMES = st.integers(-10_000_000, 10_000_000)
RANGES = st.lists(st.tuples(TIMES, st.integers(0, 1_000_000)), max_size=8).map(
    lambda some: [(start, start + length) for start, length in some]
)


def seconds_in(ranges: list[Range]) -> int:
    """Length of ranges that don't overlap."""
    return sum(end - start for start, end in ranges)


@given(TIMES, LENGTHS)
def test_a_time_lies_in_its_window(time: int, length: int) -> None:
    start = floor(time, length)
    assert start <= time < start + length
    assert start % length == 0
    assert ceiling(time, length) - length < time <= ceiling(time, length)


@given(TIMES)
def test_instants_and_seconds_are_inverse(time: int) -> None:
    assert seconds_of(instant(time)) == time
    assert seconds_of(instant(time) + timedelta(microseconds=999_999)) == time


def test_seconds_before_1970_are_rounded_down() -> None:
    assert seconds_of(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)) == -1


@given(RANGES, LENGTHS)
def test_outward_ranges_cover_all_touch_nothing_else_and_are_apart(
    ranges: list[Range], length: int
) -> None:
    found = outward(ranges, length)
    assert all(start % length == end % length == 0 for start, end in found)
    assert all(a[1] < b[0] for a, b in pairwise(found))
    for start, end in ranges:
        if start < end:
            assert any(a <= start and end <= b for a, b in found)
    windows = {w for a, b in ranges if a < b for w in (floor(a, length), floor(b - 1, length))}
    ends = {w for a, b in found for w in (a, b - length)}
    assert ends <= windows
    assert outward(found, length) == found


@given(RANGES, TIMES)
def test_parting_loses_nothing(ranges: list[Range], at: int) -> None:
    apart = outward(ranges, 1)
    before, after = parted(apart, at)
    assert seconds_in(before) + seconds_in(after) == seconds_in(apart)
    assert all(start < end <= at for start, end in before)
    assert all(at <= start < end for start, end in after)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), max_size=4),
    st.lists(st.integers(0, 5_000), max_size=30),
    st.integers(1, 4_000),
)
def test_chunks_are_all_windows_once_and_in_order(
    pairs: list[tuple[int, int]], rows: list[int], most: int
) -> None:
    day = 86_400
    ranges = outward([(a * day, (a + n) * day) for a, n in pairs], 3_600)
    weights = [(k * day, (k + 1) * day, count) for k, count in enumerate(rows)]
    pieces = list(chunks(ranges, 3_600, weights, most))
    windows = [at for start, end in pieces for at in range(start, end, 3_600)]
    assert windows == [at for start, end in ranges for at in range(start, end, 3_600)]
    for start, end in pieces:
        count = (end - start) // 3_600
        assert 1 <= count <= MOST_WINDOWS
        inside = sum(n * max(0, min(end, b) - max(start, a)) / day for a, b, n in weights if n)
        assert count == 1 or inside <= most + 1e-6


def test_chunks_hold_a_bounded_number_of_windows() -> None:
    pieces = list(chunks([(0, 300 * 5_000)], 300, [], 10))
    assert [(b - a) // 300 for a, b in pieces] == [MOST_WINDOWS, MOST_WINDOWS, 1_000]
    few = list(chunks([(0, 300 * 5)], 300, [], 10, windows=2))
    assert [(b - a) // 300 for a, b in few] == [2, 2, 1]


def test_every_level_is_made_of_the_one_below() -> None:
    for minutes in (1, 5, 15, 60, 90, 120, 720, 1_440, 2_880, 10_080):
        found = levels(minutes * 60)
        assert found[0] == minutes * 60
        assert all(b % a == 0 for a, b in pairwise(found))
        assert feedback_length(minutes * 60) % (minutes * 60) == 0
