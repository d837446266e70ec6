"""Rows of a Delta table as plain Arrow batches, for a predicate."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

import pyarrow as pa
from deltalake import DeltaTable


def rows(
    table: DeltaTable, schema: pa.Schema, columns: Sequence[str], predicate: str
) -> pa.RecordBatchReader:
    """Rows that satisfy a predicate, in no particular order, with the types of `schema`.

    Files and row groups are skipped by partition values and statistics.

    Args:
        table: at the version to be read.
        schema: of the table.
        columns: names, in the order wanted.
        predicate: SQL of DataFusion, made of the functions below.
    """
    wanted = pa.schema([schema.field(name) for name in columns])
    # delta-rs reads strings as views, which pyarrow cannot filter or take.
    scan = pa.RecordBatchReader.from_stream(table.scan(list(columns), predicate))

    def plain() -> Iterator[pa.RecordBatch]:
        for batch in scan:
            yield batch.cast(wanted)

    return pa.RecordBatchReader.from_batches(wanted, plain())


def text(value: str) -> str:
    """A string as SQL.

    >>> text("o'clock")
    "'o''clock'"
    """
    return "'" + value.replace("'", "''") + "'"


def instant(time: datetime) -> str:
    """A time as SQL, exact to the microsecond."""
    micros = (time - datetime.fromtimestamp(0, time.tzinfo)) // timedelta(microseconds=1)
    return f"arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')"


def any_of(column: str, values: Iterable[str]) -> str:
    """That a column holds one of these; false for none of them."""
    listed = ", ".join(text(value) for value in values)
    return f"{column} IN ({listed})" if listed else "false"


def all_of(*conditions: str | None) -> str:
    """That all of these hold; None is no condition."""
    return " AND ".join(f"({condition})" for condition in conditions if condition) or "true"


def between(column: str, start: datetime, end: datetime) -> str:
    """That a time lies in [start, end)."""
    return f"{column} >= {instant(start)} AND {column} < {instant(end)}"


def partition_day(day: date, by_month: bool) -> date:
    """The day that names the partition of a day."""
    return day.replace(day=1) if by_month else day


def partition_days(start: datetime, end: datetime, by_month: bool) -> tuple[date, date]:
    """The days that name the first and the last partition of [start, end)."""
    last = end - timedelta(microseconds=1)
    return partition_day(start.date(), by_month), partition_day(last.date(), by_month)
