"""Published verdicts beside what the raw rows say."""

from collections.abc import Iterable, Mapping

from monitor.state.results import ResultRow
from tests.streams.expected import Expected
from tests.streams.oracle import Key

ROUNDED = 1e-8
"""Sums of unbounded numbers are kept on a grid of 2**-30 of a scale; ends err by about this."""

ELSEWHERE = frozenset({"novel_records"})
"""Numbers that tests/unit/test_profiles_novel.py holds against the formula, row by row."""


def key_of(row: ResultRow) -> Key:
    """What the oracle calls this verdict."""
    return row.metric, row.segment, row.column_name, int(row.start.timestamp())


def differences(rows: Iterable[ResultRow], expected: Mapping[Key, Expected]) -> list[str]:
    """What is wrong, in words; every verdict and every expectation is looked at."""
    published = {key_of(row): row for row in rows if row.metric not in ELSEWHERE}
    wrong = [f"{key}: not published" for key in sorted(expected.keys() - published.keys())]
    wrong += [f"{key}: not expected" for key in sorted(published.keys() - expected.keys())]
    for key in sorted(expected.keys() & published.keys()):
        wrong += [f"{key}: {fault}" for fault in faults(published[key], expected[key])]
    return wrong


def faults(row: ResultRow, expected: Expected) -> list[str]:
    """What is wrong with one verdict, in words."""
    if (row.value is None) != (expected.value is None):
        return [f"{row.value} ({row.reason}) where {expected.value} was expected"]
    if row.value is None or expected.value is None:
        return [] if row.status == "unknown" and row.reason else ["no value and no reason"]
    found = []
    if row.rows != expected.rows:
        found.append(f"{row.rows} rows, not {expected.rows}")
    if not _holds(row, expected):
        found.append(f"{row.value} in [{row.lower}, {row.upper}], not {expected.value}")
    if expected.ends is not None and not _same(
        (row.lower, row.upper), expected.ends, expected.ends_error
    ):
        found.append(f"ends {row.lower} and {row.upper}, not {expected.ends}")
    if not _same((row.reference_value,), (expected.reference,), expected.reference_error):
        found.append(f"reference {row.reference_value}, not {expected.reference}")
    return found


def _holds(row: ResultRow, expected: Expected) -> bool:
    assert row.value is not None
    assert expected.value is not None
    if expected.error is not None:
        return abs(row.value - expected.value) <= expected.error
    if row.lower is None or row.upper is None:
        return False
    slack = ROUNDED * (1 + expected.value)
    return row.lower - slack <= expected.value <= row.upper + slack


def _same(found: tuple[float | None, ...], wanted: tuple[float | None, ...], error: float) -> bool:
    return all(
        a is b is None or (a is not None and b is not None and abs(a - b) <= error)
        for a, b in zip(found, wanted, strict=True)
    )
