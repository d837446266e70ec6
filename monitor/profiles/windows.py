"""Arithmetic of windows: half open, in UTC, counted from 1970."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

Range = tuple[int, int]
"""Half-open range of Unix seconds."""

HOUR: Final = 3_600
DAY: Final = 86_400

MOST_WINDOWS: Final = 2_000
"""Windows in one task."""


def instant(seconds: int) -> datetime:
    """The time of a number of Unix seconds; before 1970 too.

    >>> instant(-86400).isoformat()
    '1969-12-31T00:00:00+00:00'
    """
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def seconds_of(time: datetime) -> int:
    """Whole Unix seconds up to a time."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def floor(time: int, length: int) -> int:
    """Begin of the window that holds a time.

    >>> floor(-1, 300)
    -300
    """
    return time // length * length


def ceiling(time: int, length: int) -> int:
    """End of the last window that begins before a time.

    >>> ceiling(300, 300), ceiling(301, 300)
    (300, 600)
    """
    return -(-time // length) * length


def outward(ranges: Iterable[Range], length: int) -> list[Range]:
    """The windows that these ranges touch, as ascending ranges that don't touch each other.

    >>> outward([(310, 320), (590, 610), (1500, 1501)], 300)
    [(300, 900), (1500, 1800)]
    """
    joined: list[Range] = []
    for start, end in sorted((floor(a, length), ceiling(b, length)) for a, b in ranges if a < b):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def parted(ranges: Iterable[Range], at: int) -> tuple[list[Range], list[Range]]:
    """What of the ranges lies before a time, and what from it on.

    >>> parted([(0, 10), (20, 40)], 30)
    ([(0, 10), (20, 30)], [(30, 40)])
    """
    some = list(ranges)
    before = [(a, min(b, at)) for a, b in some if a < at]
    return before, [(max(a, at), b) for a, b in some if b > at]


def within(ranges: Iterable[Range], places: Iterable[Range]) -> list[Range]:
    """What of the ranges lies in any of the places; both ascending and without overlap.

    >>> within([(0, 10), (20, 40)], [(5, 25), (30, 35)])
    [(5, 10), (20, 25), (30, 35)]
    """
    some, others = list(ranges), list(places)
    found: list[Range] = []
    i = j = 0
    while i < len(some) and j < len(others):
        start, end = max(some[i][0], others[j][0]), min(some[i][1], others[j][1])
        if start < end:
            found.append((start, end))
        if some[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return found


def levels(profile: int) -> list[int]:
    """Lengths of the windows that profiles are kept for: as built, then hours, then days.

    >>> levels(300), levels(7200), levels(604800)
    ([300, 3600, 86400], [7200, 86400], [604800])
    """
    return [profile, *(level for level in (HOUR, DAY) if level > profile)]


def coarsest(finest: int, length: int) -> int:
    """Length of the coarsest profiles of which windows of a length are made [s].

    >>> coarsest(300, 21600), coarsest(300, 172800)
    (3600, 86400)
    """
    return max(level for level in levels(finest) if not length % level)


def feedback_length(profile: int) -> int:
    """Length of the windows of people and truth, which are built by the hour at the finest."""
    return max(profile, HOUR)


def chunks(
    ranges: Iterable[Range],
    length: int,
    weights: Sequence[tuple[int, int, int]],
    most: int,
    windows: int = MOST_WINDOWS,
) -> Iterator[Range]:
    """Consecutive windows in pieces of about `most` rows, never less than one window.

    Args:
        ranges: of whole windows.
        length: of a window [s].
        weights: ascending partitions that don't overlap, as (begin, end, rows); the rows are
            taken to lie evenly in them.
        most: rows in a piece [rows].
        windows: most windows in a piece, at least 1.

    >>> list(chunks([(0, 400)], 100, [(0, 200, 10), (200, 400, 2)], 10))
    [(0, 200), (200, 400)]
    """
    times = np.array([time for begin, end, _ in weights for time in (begin, end)], np.float64)
    amounts = np.array([amount for *_, rows in weights for amount in (0, rows)], np.float64)
    before = np.cumsum(amounts)
    for start, end in ranges:
        edges = np.arange(start, end + length, length)
        rows = np.interp(edges, times, before) if len(times) else np.zeros(len(edges))
        first = 0
        while first < len(edges) - 1:
            full = int(np.searchsorted(rows, rows[first] + most, side="right")) - 1
            last = min(max(full, first + 1), first + windows, len(edges) - 1)
            yield int(edges[first]), int(edges[last])
            first = last
