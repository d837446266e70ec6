"""What a table gained, told by its rows where its history does not go back far enough.

Old commits are cleared away once evaluation has read them. A state that was restored from a backup
of before, or that was made anew, finds in the rows what it cannot find there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from monitor.events.batch import NOTHING, Tally
from monitor.events.schema import Kind
from monitor.log import read
from monitor.log.changes import Changes
from monitor.log.events import EventLog
from monitor.log.ledger import Entry, Windows, together, windows_of

_COLUMNS: Final = ("kind", "model", "event_time", "broker_time", "partition", "offset")


@dataclass(frozen=True, slots=True)
class Recount:
    """What a log holds.

    Attributes:
        changes: what is new in it. A partition's account has the messages that are rows still:
            what was ignored, erased or past its time is not known any more.
        first: the earliest event of each model, new or not.
    """

    changes: Changes
    first: Mapping[str, datetime]


def recount(log: EventLog, after: Mapping[str, int], upto: int) -> Recount:
    """What became of the messages after these positions, by one look at every row.

    Args:
        log: which one.
        after: the last position by partition that is known already.
        upto: version of the log.
    """
    windows: Windows = {}
    first: dict[str, datetime] = {}
    rows: dict[tuple[str, bool], int] = defaultdict(int)
    for batch in log.read(_COLUMNS, "true", upto):
        table = pa.Table.from_batches([batch])
        of_models = table.filter(pc.not_equal(table["kind"], Kind.QUARANTINE.value))
        for model, at in _grouped(of_models, ["model"], ("event_time", "min")):
            first[model] = min(at, first.get(model, at))
        fresh = table.filter(_is_after(table, after))
        # A quarantined row of which the broker told no time lay where its commit did.
        placed = fresh.filter(
            pc.or_(fresh["event_time"].is_valid(), fresh["broker_time"].is_valid())
        )
        if len(placed):
            windows = together([windows, windows_of(placed, 0.0)])
        for partition, kind, count in _grouped(fresh, ["partition", "kind"], ("offset", "count")):
            rows[partition, kind == Kind.QUARANTINE] += count
    partitions = sorted({*after, *(partition for partition, _ in rows)})
    marks = log.marks(partitions, upto)
    ledger = [
        _entry(name, upto, after.get(name, NOTHING), marks[name], rows)
        for name in partitions
        if marks[name] > after.get(name, NOTHING)
    ]
    return Recount(Changes(upto, windows, tuple(ledger)), first)


def windows_held(table: DeltaTable, schema: pa.Schema, time: str, predicate: str) -> Windows:
    """Windows of all rows that satisfy a predicate, by kind and model.

    Args:
        table: at the version to be read.
        schema: of the table.
        time: column that tells the window.
        predicate: SQL of `monitor.log.read`.
    """
    windows: Windows = {}
    names = ["kind", "model", time]
    for batch in read.rows(table, schema, names, predicate):
        rows = pa.Table.from_batches([batch]).rename_columns(["kind", "model", "event_time"])
        windows = together([windows, windows_of(rows, 0.0)])
    return windows


def _grouped(rows: pa.Table, keys: Sequence[str], wanted: tuple[str, str]) -> list[tuple[Any, ...]]:
    found = rows.group_by(keys).aggregate([wanted])
    columns = [found[name].to_pylist() for name in (*keys, "_".join(wanted))]
    return [row for row in zip(*columns, strict=True) if None not in row]


def _is_after(rows: pa.Table, after: Mapping[str, int]) -> pa.ChunkedArray:
    known = pa.table(
        {
            "partition": pa.array(list(after), pa.string()),
            "mark": pa.array(list(after.values()), pa.int64()),
        }
    )
    at = pc.index_in(rows["partition"], value_set=known["partition"])
    mark = pc.fill_null(known["mark"].take(at), NOTHING)
    return pc.greater(rows["offset"], mark)


def _entry(
    partition: str, version: int, after: int, upto: int, rows: Mapping[tuple[str, bool], int]
) -> Entry:
    stored, lost = rows.get((partition, False), 0), rows.get((partition, True), 0)
    tally = Tally(stored + lost, stored, lost, {}, stored)
    return Entry(version, 0, partition, after, upto, tally)
