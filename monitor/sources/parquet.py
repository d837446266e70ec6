"""Rows of a Parquet file as messages."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.errors import OffsetGoneError, SourceError
from monitor.sources.gathered import Run

PAYLOAD = "payload"
"""A column of bytes with this name holds whole messages; the other columns are left out."""

BATCH_ROWS = 5_000
BATCH_BYTES = 16 << 20
"""What is decoded at once: so many rows, or as many as have so many bytes by the file's account."""

_UNREADABLE = (OverflowError, TypeError, UnicodeError, ValueError)
"""What values raise that Python or JSON cannot hold."""


class ParquetReader:
    """The rows of one file; a message's offset is the number of its row, from 0.

    A row becomes a JSON object of its columns, without those that are null; times with a zone
    become RFC 3339, cut off to microseconds. A row that JSON cannot hold, such as one with the
    year 30000, becomes a message that says so, for the quarantine. In a file with a column
    `payload` of bytes or text, that is the message, a tombstone where it is null.

    Attributes:
        position: row that is read next.
        is_at_end: whether all rows were read.
    """

    def __init__(self, path: Path, position: int) -> None:
        """A reader that begins at a row; row groups before it are not read.

        Raises:
            OffsetGoneError: the file has fewer rows.
            SourceError: it cannot be read.
        """
        self._path = path
        self._trouble: SourceError | None = None
        self.position = position
        try:
            # Else all that is to be read of it, the whole file, would be in memory at once.
            self._file = pq.ParquetFile(path, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise self._damage(error) from error
        self.rows: int = self._file.metadata.num_rows
        if position > self.rows:
            raise OffsetGoneError(
                f"{path} has {self.rows} rows, but the log has {position} of it; "
                "restore it, or give new content a new name"
            )
        self.is_at_end = position == self.rows
        self._values = self._from(position)

    def read(self, rows: int, size: int) -> Run:
        """The next rows: at most `rows`, and no more once `size` bytes are reached.

        Raises:
            SourceError: the file is damaged here; the rows before were given.
        """
        if self._trouble is not None:
            raise self._trouble
        run = Run([], [], [])
        try:
            for value in islice(self._values, rows):
                run.values.append(value)
                run.offsets.append(self.position)
                run.times.append(-1)
                self.position += 1
                size -= len(value or b"")
                if size <= 0:
                    break
        except (pa.ArrowException, OSError) as error:
            self._trouble = self._damage(error)
            if not run.offsets:
                raise self._trouble from error
        self.is_at_end = self.position == self.rows
        return run

    def close(self) -> None:
        self._file.close()

    def _from(self, position: int) -> Iterator[bytes | None]:
        schema = self._file.schema_arrow
        names = schema.names
        is_payload = PAYLOAD in names and _is_bytes(schema.field(PAYLOAD).type)
        groups, before = [], 0
        for group in range(self._file.num_row_groups):
            count = self._file.metadata.row_group(group).num_rows
            if before + count > position:
                groups.append(group)
            else:
                before += count
        columns = [PAYLOAD] if is_payload else None
        batches = self._file.iter_batches(self._rows_at_once(groups), groups, columns)
        messages = (message for batch in batches for message in _messages(batch, is_payload))
        yield from islice(messages, position - before, None)

    def _rows_at_once(self, groups: Sequence[int]) -> int:
        found = [self._file.metadata.row_group(group) for group in groups]
        most = max((-(-g.total_byte_size // max(g.num_rows, 1)) for g in found), default=1)
        return min(BATCH_ROWS, max(1, BATCH_BYTES // max(most, 1)))

    def _damage(self, error: Exception) -> SourceError:
        return SourceError(
            f"{self._path} cannot be read after row {self.position}: {error}; "
            "replace it by a whole copy, or take it away"
        )


def _is_bytes(kind: pa.DataType) -> bool:
    return any(
        check(kind)
        for check in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_string,
            pa.types.is_large_string,
        )
    )


def _messages(batch: pa.RecordBatch, is_payload: bool) -> Iterator[bytes | None]:
    if is_payload:
        column = batch[PAYLOAD]
        is_large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
        yield from column.cast(pa.large_binary() if is_large else pa.binary()).to_pylist()
        return
    fields = [pa.field(field.name, _micros(field.type)) for field in batch.schema]
    batch = batch.cast(pa.schema(fields), safe=False)
    try:
        yield from [_json(row) for row in batch.to_pylist()]
    except _UNREADABLE:
        yield from (_alone(batch.slice(i, 1)) for i in range(len(batch)))


def _alone(row: pa.RecordBatch) -> bytes:
    try:
        return _json(row.to_pylist()[0])
    except _UNREADABLE as error:
        return f"this row of Parquet cannot be written as JSON: {error}".encode()


def _micros(kind: pa.DataType) -> pa.DataType:
    """The type with microseconds for nanoseconds, which Python's times do not hold."""
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_list(kind):
        return pa.list_(_micros(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(part.name, _micros(part.type)) for part in kind])
    return kind


def _json(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode({key: value for key, value in row.items() if value is not None})
