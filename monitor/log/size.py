"""How many rows lie where, told by a table's file list without reading its rows."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from deltalake import DeltaTable

from monitor.profiles.windows import seconds_of


def rows_by_partition(
    table: DeltaTable, kinds: Collection[str], *, by_month: bool
) -> list[tuple[int, int, int]]:
    """Partitions of some kinds as (begin, end, rows), ascending; times are Unix seconds.

    Args:
        table: with the partition columns `day` and `kind`.
        kinds: of the events, added up.
        by_month: whether a partition spans a month.
    """
    files = pa.table(table.get_add_actions(flatten=True))
    rows: dict[date, int] = {}
    for day, of, count in zip(
        files["partition.day"].to_pylist(),
        files["partition.kind"].to_pylist(),
        files["num_records"].to_pylist(),
        strict=True,
    ):
        if of in kinds:
            rows[day] = rows.get(day, 0) + (count or 0)
    return [
        (_start(day), _start(_after(day, by_month=by_month)), count)
        for day, count in sorted(rows.items())
    ]


def _after(day: date, *, by_month: bool) -> date:
    if not by_month:
        return day + timedelta(days=1)
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _start(day: date) -> int:
    return seconds_of(datetime(day.year, day.month, day.day, tzinfo=UTC))
