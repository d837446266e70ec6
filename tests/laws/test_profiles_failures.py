"""Failures are counted the same whatever the order and the copies, and as slow counting does."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cards.contract import Contract
from monitor.events.schema import EVENTS
from monitor.profiles.failures import COLUMNS, failure_partials
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.named import MOST, OTHERS
from monitor.profiles.segments import segment_values

START = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = pa.schema([EVENTS.field(name) for name in COLUMNS])
PLAN = InputsPlan(Contract("m", ()), None, (), 300, versions=("1", "2"))

Row = dict[str, Any]


def row(number: int, second: int, code: str | None, version: str | None) -> Row:
    return {
        "id_hi": number,
        "id_lo": -number,
        "payload_hash": number,
        "event_time": START + timedelta(seconds=second),
        "version": version,
        "code": code,
    }


def counted(rows: list[Row]) -> dict[tuple[datetime, str, str], int]:
    """Failures per window, version and segment."""
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    found = list(failure_partials(PLAN, table))
    assert all(p.profile.ints.tolist() == [p.rows] for p in found)
    return {(p.key.start, p.key.version, p.key.segment): p.rows for p in found}


Rows = st.lists(
    st.tuples(
        st.integers(0, 1_000),
        st.sampled_from(["timeout", "out of memory", "", None]),
        st.sampled_from(["1", "2", "surprise", None]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(Rows, st.randoms(use_true_random=False))
def test_failures_are_counted_once_in_their_window_and_code(
    drawn: list[tuple[int, str | None, str | None]],
    chance: Any,  # noqa: ANN401 - random.Random
) -> None:
    rows = [row(i, *each) for i, each in enumerate(drawn)]
    expected: Counter[tuple[datetime, str, str]] = Counter()
    for second, code, version in drawn:
        window = START + timedelta(seconds=second // 300 * 300)
        known = version if version in ("1", "2") else "unknown"
        expected[window, known, ""] += 1
        if code:
            expected[window, known, f"@code={code}"] += 1
    again = [*rows, *chance.choices(rows, k=len(rows))] if rows else []
    chance.shuffle(again)
    assert counted(rows) == counted(again) == expected


def test_codes_by_the_hundred_have_fifty_names() -> None:
    rows = [row(i, 0, f"request-{i // 2:03}", "1") for i in range(200)]
    by_code = {
        segment_values(segment)["@code"]: count
        for (_, _, segment), count in counted(rows).items()
        if segment
    }
    assert len(by_code) == MOST + 1
    assert by_code[OTHERS] == 200 - 2 * MOST
