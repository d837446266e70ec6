"""Rows of a Parquet file as messages."""

from collections.abc import Iterator
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


class ParquetReader:
    """The rows of one file; a message's offset is the number of its row, from 0.

    A row becomes a JSON object of its columns, without those that are null; times with a zone
    become RFC 3339. In a file with a column `payload` of bytes or text, that is the message,
    a tombstone where it is null.

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
            self._file = pq.ParquetFile(path)
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
        batches = self._file.iter_batches(BATCH_ROWS, groups, columns)
        rows = (row for batch in batches for row in batch.to_pylist())
        for row in islice(rows, position - before, None):
            yield _bytes(row[PAYLOAD]) if is_payload else _json(row)

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


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _json(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode({key: value for key, value in row.items() if value is not None})
