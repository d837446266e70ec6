"""What a table gained between two versions, told by its history without reading its rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from monitor.errors import LogError
from monitor.log.ledger import (
    LEDGER,
    WINDOWS,
    Entry,
    Windows,
    entries,
    together,
    windows_in,
    windows_of,
)
from monitor.log.store import Table, actions_of


@dataclass(frozen=True, slots=True)
class Changes:
    """What was added to a table.

    Attributes:
        version: the last version looked at.
        windows: windows of event time that gained rows. Rows that were merely moved, and rows
            that were removed, make no window dirty.
        ledger: accounts of the commits, oldest first.
    """

    version: int
    windows: Windows
    ledger: tuple[Entry, ...]


def changes(table: Table, after: int, upto: int) -> Changes:
    """What the commits after one version, up to and with another, added.

    A commit of another program, which says nothing of its windows, is read for its times.

    Raises:
        HistoryGoneError: the history does not go back that far.
        LogError: a file of another program that must be read is gone.
    """
    windows: list[Windows] = []
    ledger: list[Entry] = []
    for version in range(after + 1, upto + 1):
        commit = list(actions_of(table.commit_text(version)))
        info: dict[str, Any] = next((a["commitInfo"] for a in commit if "commitInfo" in a), {})
        if LEDGER in info:
            ledger += entries(info[LEDGER], version, info["timestamp"])
        if WINDOWS in info:
            windows.append(windows_in(info[WINDOWS]))
        elif info.get("operation") != "DELETE":
            windows += _foreign(table, commit, info.get("timestamp", 0) / 1000)
    return Changes(upto, together(windows), tuple(ledger))


def _foreign(table: Table, commit: list[dict[str, Any]], now: float) -> Iterator[Windows]:
    for add in (action["add"] for action in commit if "add" in action):
        if not add["dataChange"]:
            continue
        try:
            content = table.storage.read(unquote(add["path"]))
        except FileNotFoundError:
            raise LogError(
                f"{table.uri} was written by another program, and its file {add['path']} is gone;"
                " rebuild its days with: mbm backfill --from --to"
            ) from None
        yield windows_of(_times(content, add["partitionValues"]), now)


def _times(content: bytes, partition: Mapping[str, str | None]) -> pa.Table:
    """The columns that `windows_of` asks for, of one file."""
    file = pq.ParquetFile(pa.BufferReader(content))
    there = set(file.schema_arrow.names)
    types = {
        "model": pa.string(),
        "event_time": pa.timestamp("us", "UTC"),
        "broker_time": pa.timestamp("us", "UTC"),
    }
    rows = file.read([name for name in types if name in there])
    count = file.metadata.num_rows
    columns = {
        name: rows[name].cast(kind) if name in there else pa.nulls(count, kind)
        for name, kind in types.items()
    }
    return pa.table({"kind": pa.repeat(pa.scalar(partition.get("kind") or ""), count), **columns})
