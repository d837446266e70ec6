"""Parquet files of a Delta table, written beside the log and named to it afterwards.

pyarrow writes a batch in two thirds of the time that delta-rs takes, and a refused commit is
tried again with the files that are already there.
"""

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction

from monitor.errors import LogError

ROW_GROUP_ROWS = 10_000
"""Few enough that one model's rows are read without the others'."""

ROW_GROUP_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table lies on disk.

    Attributes:
        schema: columns of the table.
        partition_by: columns whose values name the partition of a row.
        sort_by: order of rows within a file when it is rewritten.
        statistics: columns with least and greatest value and nulls per file; timestamps,
            strings and integers only. Reading skips files and row groups by them.
        unique: columns whose values hardly repeat or ascend, for which neither a dictionary
            nor differences pay.
    """

    schema: pa.Schema
    partition_by: tuple[str, ...] = ()
    sort_by: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    unique: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Storage:
    """Where a table's files lie; a local folder or a bucket."""

    uri: str
    options: Mapping[str, str]

    def _handler(self) -> DeltaStorageHandler:
        return DeltaStorageHandler(self.uri, dict(self.options))

    def write(self, path: str, content: bytes) -> None:
        """Write the whole file.

        Raises:
            LogError: it cannot be written; part of it may lie there, named by no commit.
        """
        try:
            # Not through pyarrow's file: it hands over buffers where delta-rs wants bytes.
            stream = self._handler()._handler.open_output_stream(path, None)  # noqa: SLF001
            stream.write(content)
            stream.close()  # type: ignore[attr-defined]
        except OSError as error:
            raise LogError(
                f"{self.uri}/{path} cannot be written: {plain(error)}; make room, or look at its "
                "rights, and start again: nothing is lost"
            ) from error

    def read(self, path: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: there is none.
        """
        with self._handler().open_input_stream(path) as stream:
            content: bytes = stream.read()
        return content

    def open(self, path: str) -> pa.NativeFile:
        """The file, to be read here and there."""
        if "://" not in self.uri:
            # delta-rs hands its bytes through Python, a twelfth of the cost of reading rows.
            return pa.OSFile(f"{self.uri}/{path}")
        return self._handler().open_input_file(path)

    def delete(self, paths: Sequence[str]) -> None:
        """Delete files; one that is not there is no error."""
        handler = self._handler()
        for path in paths:
            try:
                handler.delete_file(path)
            except FileNotFoundError:
                continue

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, without the folder."""
        from pyarrow.fs import FileSelector

        found = self._handler().get_file_info_selector(FileSelector(folder))
        return [info.base_name for info in found if info.is_file]


def write(
    storage: Storage, layout: Layout, rows: pa.Table, *, level: int = 1, data_change: bool = True
) -> list[AddAction]:
    """The actions that add these rows to a table, one per partition; their files are written.

    Args:
        storage: of the table.
        layout: of the table; `rows` has its schema.
        rows: rows of a partition need not lie together, but cost a sort when they don't.
        level: of zstd. Above 1 floats get a dictionary too: slower and a tenth smaller.
        data_change: false when the rows were in the table before.
    """
    actions = []
    for values, part in partitions(rows, layout.partition_by):
        folder = "".join(f"{name}={_safe(value)}/" for name, value in values.items())
        path = f"{folder}part-{uuid.uuid4()}.zstd.parquet"
        content = _parquet(part, layout, level)
        storage.write(path, content)
        actions.append(
            AddAction(
                path=path,
                size=len(content),
                partition_values=values,
                modification_time=int(time.time() * 1000),
                data_change=data_change,
                stats=json.dumps(_statistics(part, layout.statistics)),
            )
        )
    return actions


def partitions(
    rows: pa.Table, partition_by: Sequence[str]
) -> Iterator[tuple[dict[str, str | None], pa.Table]]:
    """Partition values and their rows without the partition columns."""
    if not len(rows):
        return
    if not partition_by:
        yield {}, rows
        return
    starts = _starts(rows, partition_by)
    keys = rows.select(partition_by).take(pa.array(starts)).to_pylist()
    if len({tuple(key.values()) for key in keys}) < len(keys):
        order = pc.sort_indices(rows, [(name, "ascending") for name in partition_by])
        yield from partitions(rows.take(order), partition_by)
        return
    rest = rows.drop_columns(list(partition_by))
    for key, start, end in zip(keys, starts, [*starts[1:], len(rows)], strict=True):
        values = {name: None if v is None else str(v) for name, v in key.items()}
        yield values, rest.slice(start, end - start)


def _starts(rows: pa.Table, names: Sequence[str]) -> list[int]:
    """Where a run of equal partition values begins."""
    begins = np.zeros(len(rows), np.bool_)
    begins[0] = True
    for name in names:
        column = rows[name].combine_chunks()
        codes = column.dictionary_encode(null_encoding="encode").indices.to_numpy()
        begins[1:] |= codes[1:] != codes[:-1]
    starts: list[int] = np.flatnonzero(begins).tolist()
    return starts


def _safe(value: str | None) -> str:
    """A value as part of a path; readers take the value itself from the log."""
    return "null" if value is None else re.sub(r"[^A-Za-z0-9_.-]", "_", value)[:64]


def _parquet(rows: pa.Table, layout: Layout, level: int) -> bytes:
    # A column that is all null is left out: readers supply the nulls, and nobody pays.
    rows = rows.select([f.name for f in rows.schema if rows[f.name].null_count < len(rows)])
    dictionary, encodings = [], {}
    for field in rows.schema:
        leaf = field.type.value_type if pa.types.is_list(field.type) else field.type
        path = f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
        floats = pa.types.is_floating(leaf) and level > 1
        if field.name in layout.unique or pa.types.is_binary(leaf) or pa.types.is_boolean(leaf):
            continue
        if pa.types.is_string(leaf) or floats:
            dictionary.append(path)
        elif not pa.types.is_floating(leaf) and not pa.types.is_list(field.type):
            encodings[path] = "DELTA_BINARY_PACKED"
    sink = pa.BufferOutputStream()
    per_row = max(1, rows.nbytes // max(1, len(rows)))
    pq.write_table(
        rows,
        sink,
        row_group_size=min(ROW_GROUP_ROWS, max(1, ROW_GROUP_BYTES // per_row)),
        compression="zstd",
        compression_level=level,
        use_dictionary=dictionary,
        column_encoding=encodings,
        write_statistics=[name for name in layout.statistics if name in rows.column_names],
        store_schema=False,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _statistics(rows: pa.Table, names: Sequence[str]) -> dict[str, Any]:
    """Delta's account of one file."""
    least: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    for name in names:
        low, high = pc.min_max(rows[name]).values()
        if low.is_valid:
            least[name], greatest[name] = _json(low, 0), _json(high, 999)
    return {
        "numRecords": len(rows),
        "minValues": least,
        "maxValues": greatest,
        "nullCount": {name: rows[name].null_count for name in names},
    }


def _json(value: pa.Scalar, widen: int) -> str | int:
    """A bound as JSON; Delta holds milliseconds, so `widen` microseconds are added first."""
    if pa.types.is_timestamp(value.type):
        return f"{np.datetime64((value.value + widen) // 1000, 'ms')}Z"
    plain: str | int = value.as_py()
    return plain


def plain(error: Exception) -> str:
    r"""What delta-rs says, in one line and without its colours.

    >>> plain(OSError("S3 error\n   \x1b[31m↳\x1b[0m not found"))
    'S3 error: not found'
    """
    return re.sub(r"\s*\x1b\[31m↳\x1b\[0m\s*", ": ", str(error)).replace("\n", " ").strip()
