"""What became of every message: a copy of the ledgers in the log's commits."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from monitor.log.ledger import Entry
from monitor.state.database import METADATA, State, upsert

LEDGER = sa.Table(
    "ledger",
    METADATA,
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("partition", sa.String, primary_key=True),
    sa.Column("after", sa.BigInteger, nullable=False),
    sa.Column("upto", sa.BigInteger, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("stored", sa.BigInteger, nullable=False),
    sa.Column("quarantined", sa.BigInteger, nullable=False),
    sa.Column("ignored", sa.JSON, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Account:
    """A partition's messages over all its commits; the counts are those of `Tally`.

    Attributes:
        partition: id of the partition.
        commits: commits that held messages of it.
        upto: the last mark.
        unbroken: whether each commit starts after the mark of the one before.
    """

    partition: str
    commits: int
    upto: int
    received: int
    stored: int
    quarantined: int
    ignored: Mapping[str, int]
    rows: int
    unbroken: bool


def copy(state: State, entries: Collection[Entry]) -> int:
    """Number of entries that were new; copying one twice changes nothing."""
    with state.writing() as connection:
        return upsert(connection, LEDGER, [_row(entry) for entry in entries])


def _row(entry: Entry) -> dict[str, Any]:
    line = {"version": entry.version, "partition": entry.partition}
    return {**line, "after": entry.after, "upto": entry.upto, **asdict(entry.tally)}


def copied(state: State) -> int | None:
    """The newest version that was copied, None if none was; log clean-up stays below it."""
    with state.reading() as connection:
        found: int | None = connection.scalar(sa.select(sa.func.max(LEDGER.c.version)))
        return found


def accounts(state: State) -> list[Account]:
    """The sums per partition, in the order of their ids."""
    before = sa.func.lag(LEDGER.c.upto).over(
        partition_by=LEDGER.c.partition, order_by=LEDGER.c.version
    )
    entries = sa.select(LEDGER, (before != LEDGER.c.after).label("broken")).subquery()
    column = entries.c
    names = ("received", "stored", "quarantined", "rows")
    sums = sa.select(
        column.partition,
        sa.func.count().label("commits"),
        sa.func.max(column.upto).label("upto"),
        *(sa.cast(sa.func.sum(column[name]), sa.BigInteger).label(name) for name in names),
        sa.func.sum(sa.case((column.broken, 1), else_=0)).label("breaks"),
    ).group_by(column.partition)
    some = sa.select(LEDGER.c.partition, LEDGER.c.ignored).where(
        LEDGER.c.received > LEDGER.c.stored + LEDGER.c.quarantined
    )
    with state.reading() as connection:
        ignored: dict[str, Counter[str]] = {}
        for partition, reasons in connection.execute(some):
            ignored.setdefault(partition, Counter()).update(reasons)
        return [
            Account(
                partition=row.partition,
                commits=row.commits,
                upto=row.upto,
                received=row.received,
                stored=row.stored,
                quarantined=row.quarantined,
                ignored=dict(ignored.get(row.partition, {})),
                rows=row.rows,
                unbroken=row.breaks == 0,
            )
            for row in connection.execute(sums.order_by(column.partition))
        ]
