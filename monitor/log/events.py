"""The log of events: one table, in which a batch is one commit with its positions."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from monitor.errors import LogError, PositionConflictError
from monitor.events.batch import NOTHING, Tally
from monitor.events.schema import EVENTS
from monitor.log import read, scan
from monitor.log.changes import Changes, changes
from monitor.log.files import Layout
from monitor.log.ledger import LEDGER, WINDOWS, ledger_text, windows_of, windows_text
from monitor.log.store import Store, Table

Partition = Literal["day", "month"]

LAYOUT: Final = Layout(
    schema=EVENTS,
    partition_by=("day", "kind"),
    sort_by=("model", "event_time"),
    statistics=("model", "event_time", "broker_time", "replay_of"),
    unique=frozenset(
        (
            *("event_id", "id_hi", "id_lo", "payload_hash", "subject", "prediction_id"),
            *("rationale", "message", "detail", "replay_of"),
        )
    ),
)

_PARTITION: Final = "mbm.partition"


def scanned(columns: Sequence[str], *, encoded: bool = False) -> pa.Schema:
    """Schema of the batches that `EventLog.scan` gives."""
    fields = [EVENTS.field(name) for name in columns]
    return pa.schema([scan.encoded(f, LAYOUT.unique) for f in fields] if encoded else fields)


class EventLog:
    """The table `events`, held open by one thread."""

    def __init__(self, table: Table, partition: Partition) -> None:
        self.table = table
        self.partition = partition

    @classmethod
    def open(cls, store: Store, partition: Partition = "day") -> Self:
        """The log in a store, made if it is not there.

        Args:
            store: where.
            partition: what a partition spans; fixed when the log is made.

        Raises:
            LogError: it cannot be opened, or was made with another `partition`.
        """
        table = store.open("events", LAYOUT, {_PARTITION: partition})
        made = table.current().metadata().configuration.get(_PARTITION, "day")
        if made != partition:
            raise LogError(
                f"{table.uri} is partitioned by {made}, which cannot be changed;"
                f" set log.partition: {made}, or name another place"
            )
        return cls(table, partition)

    def version(self) -> int:
        """The newest version."""
        return self.table.version()

    def marks(self, partitions: Sequence[str], version: int | None = None) -> dict[str, int]:
        """The last stored position of each of these partitions, `NOTHING` where there is none."""
        return _marks(self._at(version), partitions)

    def append(
        self,
        rows: pa.Table,
        *,
        after: Mapping[str, int],
        upto: Mapping[str, int],
        tallies: Mapping[str, Tally],
    ) -> int:
        """Version of the one commit that holds these rows, their positions and their account.

        Just before each try every partition's mark, as the snapshot has it that the commit builds
        on, is compared with `after`: a commit of another consumer is noticed, whoever else wrote.

        Args:
            rows: with the schema `EVENTS`, sorted by kind, day, model and event time; none is
                fine, the marks advance all the same.
            after: per partition the mark that the batch starts after.
            upto: per partition the mark that holds from now on.
            tallies: per partition what became of its messages.

        Raises:
            PositionConflictError: the log is elsewhere in some partition; nothing was written.
            LogError: the commit was refused for minutes.
        """
        if rows.schema.names != EVENTS.names:
            raise ValueError("rows do not have the columns of EVENTS")

        def check(table: DeltaTable) -> None:
            there = _marks(table, list(after))
            if moved := [name for name, mark in after.items() if there[name] != mark]:
                raise PositionConflictError(moved)

        return self.table.append(
            self._in_partitions(rows),
            marks=upto,
            metadata={
                LEDGER: ledger_text(after, upto, tallies),
                WINDOWS: windows_text(windows_of(rows, time.time())),
            },
            check=check,
        )

    def changes(self, after: int, upto: int) -> Changes:
        """What was added after one version, up to and with another."""
        return changes(self.table, after, upto)

    def scan(
        self,
        *,
        kind: str,
        start: datetime,
        end: datetime,
        columns: Sequence[str],
        model: str | None = None,
        version: int | None = None,
        encoded: bool = False,
    ) -> pa.RecordBatchReader:
        """Rows of a kind with an event time in [start, end), in no particular order.

        Args:
            kind: of the events; quarantined messages have no event time, see `quarantine`.
            start: aware.
            end: aware.
            columns: names, in the order wanted.
            model: only of this one.
            version: of the table; the newest without it.
            encoded: whether texts that repeat come as dictionaries, as they lie on disk.
        """
        schema = scanned(columns, encoded=encoded)
        days = read.partition_days(start, end, self.by_month)
        span = scan.Span({"kind": kind}, "event_time", start, end, *days, model)
        batches = scan.rows(self.table, self._at(version), schema, span)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def read(
        self, columns: Sequence[str], predicate: str, version: int | None = None
    ) -> pa.RecordBatchReader:
        """Rows that satisfy a predicate."""
        return read.rows(self._at(version), EVENTS, columns, predicate)

    def _at(self, version: int | None) -> DeltaTable:
        return self.table.current() if version is None else self.table.at(version)

    @property
    def by_month(self) -> bool:
        """Whether a partition spans a month."""
        return self.partition == "month"

    def _in_partitions(self, rows: pa.Table) -> pa.Table:
        if not self.by_month or not len(rows):
            return rows
        # Days of a month lie one after the other, each sorted by model: sort the month.
        month = pc.floor_temporal(rows["day"], unit="month").cast(pa.date32())
        place = rows.schema.get_field_index("day")
        by_month = rows.set_column(place, EVENTS.field("day"), month)
        order = [(name, "ascending") for name in ("kind", "day", "model", "event_time")]
        return by_month.take(pc.sort_indices(by_month, order))


def _marks(table: DeltaTable, partitions: Sequence[str]) -> dict[str, int]:
    found = {name: table.transaction_version(name) for name in partitions}
    return {name: NOTHING if mark is None else mark for name, mark in found.items()}
