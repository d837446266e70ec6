"""Rows of a span of time, read from the files of a table a row group at a time.

delta-rs' own scan of the same rows costs a third more: it cuts them into small batches, and gives
texts as views that pyarrow cannot filter. Predicates other than a span go through it all the same
(`monitor.log.read`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from numpy.typing import NDArray

from monitor.errors import LogError
from monitor.log.files import plain
from monitor.log.store import Table

DICTIONARY: Final = pa.dictionary(pa.int32(), pa.string())

_GRAIN: Final = timedelta(milliseconds=1)
"""To which Delta's account of a file is exact."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows are wanted.

    Attributes:
        where: values of partition columns, beside the day.
        time: name of the column that the span is of.
        start: least time, aware.
        end: time from which on none is wanted, aware.
        first: day of the first partition that may hold some.
        last: day of the last one.
        model: only of this one; None for all.
    """

    where: Mapping[str, str]
    time: str
    start: datetime
    end: datetime
    first: date
    last: date
    model: str | None = None


def encoded(field: pa.Field, unique: frozenset[str]) -> pa.Field:
    """The field with its texts, or the texts in its lists, as a dictionary if they repeat."""
    if field.name in unique:
        return field
    if pa.types.is_string(field.type):
        return pa.field(field.name, DICTIONARY)
    if pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type):
        return pa.field(field.name, pa.list_(DICTIONARY))
    return field


def rows(
    table: Table, snapshot: DeltaTable, schema: pa.Schema, span: Span
) -> Iterator[pa.RecordBatch]:
    """Rows of a span, in no particular order; a batch is at most a row group.

    Args:
        table: where the files are.
        snapshot: the same table at the version that is read.
        schema: of the columns wanted; texts may be dictionaries (`encoded`).
        span: which rows.

    Raises:
        LogError: a file cannot be read.
    """
    for path, partition in _files(snapshot, span):
        try:
            yield from _File(table, path, partition, schema).rows(span)
        except FileNotFoundError:
            raise LogError(
                f"{table.uri} no longer has the file {path}: it was cleaned up while it was read;"
                " run it again"
            ) from None
        except (OSError, pa.ArrowInvalid) as error:
            raise LogError(f"{table.uri}/{path} cannot be read: {plain(error)}") from error


def _files(snapshot: DeltaTable, span: Span) -> Iterator[tuple[str, dict[str, object]]]:
    """Path and partition of the files that may hold such rows, by path."""
    files = pa.table(snapshot.get_add_actions(flatten=True))
    names = snapshot.metadata().partition_columns
    day = files["partition.day"]
    conditions = [
        *(pc.equal(files[f"partition.{name}"], value) for name, value in span.where.items()),
        pc.and_(pc.greater_equal(day, span.first), pc.less_equal(day, span.last)),
    ]
    # A file without an account may hold anything.
    if f"min.{span.time}" in files.column_names:
        conditions.append(_maybe(pc.less(files[f"min.{span.time}"], pa.scalar(span.end))))
        latest = pa.scalar(span.start - _GRAIN)
        conditions.append(_maybe(pc.greater_equal(files[f"max.{span.time}"], latest)))
    if span.model is not None and "min.model" in files.column_names:
        conditions.append(_maybe(pc.less_equal(files["min.model"], span.model)))
        conditions.append(_maybe(pc.greater_equal(files["max.model"], span.model)))
    found = files.filter(reduce(pc.and_, conditions)).sort_by("path")
    for file in found.select(["path", *(f"partition.{name}" for name in names)]).to_pylist():
        yield file["path"], {name: file[f"partition.{name}"] for name in names}


def _maybe(condition: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(condition, True)


class _File:
    """One file, open for reading."""

    def __init__(
        self, table: Table, path: str, partition: dict[str, object], schema: pa.Schema
    ) -> None:
        self._schema = schema
        self._partition = partition
        source = table.storage.open(path)
        self._metadata = pq.read_metadata(source)
        leaves = self._metadata.schema
        paths = [leaves.column(i).path for i in range(len(leaves))]
        self._there = {path.split(".")[0] for path in paths}
        texts = {field.name for field in schema if _is_encoded(field)}
        self._parquet = pq.ParquetFile(
            source,
            metadata=self._metadata,
            read_dictionary=[path for path in paths if path.split(".")[0] in texts],
            pre_buffer=True,
        )

    def rows(self, span: Span) -> Iterator[pa.RecordBatch]:
        """Its rows that are in the span, a batch per row group that has some."""
        with self._parquet:
            for group in range(self._metadata.num_row_groups):
                yield from self._group(group, span)

    def _group(self, group: int, span: Span) -> Iterator[pa.RecordBatch]:
        bounds = self._bounds(group, span.time)
        earliest, latest = bounds.get(span.time, (None, None))
        least, greatest = bounds.get("model", (None, None))
        if earliest is not None and (latest < span.start or earliest >= span.end):
            return
        if span.model is not None and least is not None and not least <= span.model <= greatest:
            return
        all_timely = earliest is not None and span.start <= earliest and latest < span.end
        all_ours = span.model is None or least == span.model == greatest
        wanted = {field.name for field in self._schema} & self._there
        wanted |= set() if all_timely else {span.time}
        wanted |= set() if all_ours else {"model"}
        table = self._parquet.read_row_group(group, columns=list(wanted), use_threads=False)
        count = self._metadata.row_group(group).num_rows
        arrays = {name: _one(table[name]) for name in wanted}
        mask = np.ones(count, np.bool_)
        if not all_timely:
            start, end = (pa.scalar(t, pa.timestamp("us", "UTC")) for t in (span.start, span.end))
            time = arrays[span.time]
            mask &= _true(pc.and_(pc.greater_equal(time, start), pc.less(time, end)))
        if not all_ours:
            mask &= _true(pc.equal(arrays["model"], span.model))
        if mask.any():
            columns = [self._column(field, arrays, count) for field in self._schema]
            yield _kept(pa.RecordBatch.from_arrays(columns, schema=self._schema), mask)

    def _bounds(self, group: int, time: str) -> dict[str, tuple[Any, Any]]:
        """Least and greatest value of the columns of a row group that tell them, without nulls."""
        columns = self._metadata.row_group(group)
        bounds = {}
        for column in map(columns.column, range(columns.num_columns)):
            if column.path_in_schema in (time, "model"):
                found = column.statistics
                if found and found.has_min_max and found.has_null_count and not found.null_count:
                    bounds[column.path_in_schema] = (found.min, found.max)
        return bounds

    def _column(self, field: pa.Field, arrays: dict[str, pa.Array], count: int) -> pa.Array:
        if field.name in self._partition:
            return pa.repeat(pa.scalar(self._partition[field.name]), count).cast(field.type)
        return (
            arrays[field.name].cast(field.type)
            if field.name in arrays
            else pa.nulls(count, field.type)
        )


def _is_encoded(field: pa.Field) -> bool:
    kind = field.type
    return bool(pa.types.is_dictionary(kind.value_type if pa.types.is_list(kind) else kind))


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _true(condition: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False))


def _kept(batch: pa.RecordBatch, mask: NDArray[np.bool_]) -> pa.RecordBatch:
    """The rows where the mask is true; without copying where they lie side by side."""
    count = int(mask.sum())
    if count == len(mask):
        return batch
    first = int(mask.argmax())
    if mask[first : first + count].all():
        return batch.slice(first, count)
    return batch.filter(pa.array(mask))
