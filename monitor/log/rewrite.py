"""Files of a table put in the place of others, while writers go on appending."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import RemoveAction

from monitor.errors import LogError
from monitor.log.files import Layout, write
from monitor.log.ledger import WINDOWS
from monitor.log.store import Check, Table

WORK: Final = "mbm.work"
"""Metadata key that names the upkeep which a commit is."""

_COMPACT_LEVEL: Final = 3


class FilesMovedError(LogError):
    """Somebody else replaced or removed files that were to be replaced; look again."""


@dataclass(frozen=True, slots=True)
class File:
    """A live file of a table.

    Attributes:
        path: relative to the table.
        size: bytes.
        rows: rows in it.
        partition: values by partition column, as text.
    """

    path: str
    size: int
    rows: int
    partition: tuple[tuple[str, str | None], ...]


def files(table: DeltaTable) -> list[File]:
    """The live files of a table at its version, by partition and path."""
    names = table.metadata().partition_columns
    # Without the statistics of every column, which take a hundred times as long to read.
    wanted = ["path", "size_bytes", "num_records", *(f"partition.{name}" for name in names)]
    actions = pa.table(table.get_add_actions(flatten=True)).select(wanted).to_pylist()
    found = [
        File(
            path=action["path"],
            size=action["size_bytes"],
            rows=action["num_records"] or 0,
            partition=tuple((name, _text(action[f"partition.{name}"])) for name in names),
        )
        for action in actions
    ]
    return sorted(found, key=lambda file: ([v or "" for _, v in file.partition], file.path))


def read_file(table: Table, file: File, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of a file with the table's types; all columns unless some are named.

    Raises:
        FilesMovedError: it is gone.
    """
    partition = dict(file.partition)
    schema = table.layout.schema
    wanted = [schema.field(name) for name in columns or schema.names]
    try:
        parquet = pq.ParquetFile(table.storage.open(file.path))
        there = set(parquet.schema_arrow.names)
        rows = parquet.read([f.name for f in wanted if f.name in there])
    except FileNotFoundError:
        raise FilesMovedError(f"{table.uri} no longer has the file {file.path}") from None
    count = parquet.metadata.num_rows
    arrays = []
    for field in wanted:
        if field.name in partition:
            value = pa.scalar(partition[field.name], pa.string()).cast(field.type)
            arrays.append(pa.repeat(value, count))
        elif field.name in there:
            arrays.append(rows[field.name].cast(field.type))
        else:
            arrays.append(pa.nulls(count, field.type))
    return pa.table(arrays, schema=pa.schema(wanted))


def replace(
    table: Table,
    old: Sequence[File],
    rows: pa.Table,
    *,
    work: str,
    data_change: bool,
    metadata: Mapping[str, str] | None = None,
    marks: Mapping[str, int] | None = None,
    check: Check | None = None,
) -> int:
    """Version of the one commit that puts these rows in the place of the old files.

    Args:
        table: which one.
        old: live files.
        rows: in any order, with the schema of the table; maybe none.
        work: the upkeep that this is.
        data_change: whether the rows are not just those of the old files.
        metadata: of the commit; without windows in it, none counts as changed.
        marks: transaction id to version, in the same commit.
        check: as in `Table.commit`.

    Raises:
        FilesMovedError: an old file is no longer live; nothing was done.
    """
    added = write(
        *(table.storage, table.layout, _ordered(rows, table.layout)),
        level=_COMPACT_LEVEL,
        data_change=data_change,
    )
    now = int(time.time() * 1000)
    removed = [
        RemoveAction(f.path, data_change, now, size=f.size, partition_values=dict(f.partition))
        for f in old
    ]

    def check_all(snapshot: DeltaTable) -> None:
        # Quick, for while it looks others commit, and then it looks again.
        live = set(pa.table(snapshot.get_add_actions())["path"].to_pylist())
        if moved := [file.path for file in old if file.path not in live]:
            raise FilesMovedError(f"{table.uri} no longer holds {moved[0]}; look again")
        if check is not None:
            check(snapshot)

    return table.commit(
        added,
        removed,
        marks=marks,
        metadata={WINDOWS: "{}", WORK: work, **(metadata or {})},
        check=check_all,
    )


def _ordered(rows: pa.Table, layout: Layout) -> pa.Table:
    """The rows in the order of the layout; often they are already."""
    order = [(name, "ascending") for name in (*layout.partition_by, *layout.sort_by)]
    if not order or len(rows) < 2:
        return rows
    places = pc.sort_indices(rows, order)
    moves = (np.diff(places.to_numpy().view(np.int64)) < 0).any()
    return rows.take(places) if moves else rows


def _text(value: object) -> str | None:
    return None if value is None else str(value)
