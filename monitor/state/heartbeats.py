"""Where each partition of each source stood when ingest last spoke."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert

HEARTBEATS = sa.Table(
    "heartbeats",
    METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("partition", sa.String, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("end", sa.BigInteger, nullable=False),
    sa.Column("max_event_time", Instant),
    sa.Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, order=True)
class Heartbeat:
    """One partition as ingest saw it.

    Attributes:
        source: name in the settings.
        partition: id of the partition.
        position: offset that is read next; everything before it is in the log.
        end: offset that the next new message will get.
        max_event_time: greatest event time ever stored from it, None before the first.
        at: when ingest looked.
    """

    source: str
    partition: str
    position: int
    end: int
    max_event_time: datetime | None
    at: datetime


def beat(state: State, heartbeats: Collection[Heartbeat]) -> None:
    """Write them over the last ones; `max_event_time` never goes back."""
    with state.writing() as connection:
        upsert(
            connection,
            HEARTBEATS,
            [asdict(heartbeat) for heartbeat in heartbeats],
            replace=["position", "end", "at"],
            greatest=["max_event_time"],
        )


def expect(state: State, source: str, partitions: Collection[str], at: datetime) -> None:
    """Note partitions that have not spoken yet; as long as they have not, nothing closes."""
    rows = [
        asdict(Heartbeat(source, partition, 0, 1, None, at)) for partition in sorted(partitions)
    ]
    with state.writing() as connection:
        upsert(connection, HEARTBEATS, rows)


def heartbeats(state: State, source: str | None = None) -> list[Heartbeat]:
    """The last heartbeat per partition, of one source or of all, in order."""
    wanted = sa.select(HEARTBEATS).order_by(*HEARTBEATS.primary_key)
    if source is not None:
        wanted = wanted.where(HEARTBEATS.c.source == source)
    with state.reading() as connection:
        return [Heartbeat(*row) for row in connection.execute(wanted)]


def forget(state: State, source: str, keep: Collection[str]) -> None:
    """Drop a source's partitions that are no longer there: they would hold the watermark."""
    gone = sa.delete(HEARTBEATS).where(
        HEARTBEATS.c.source == source, HEARTBEATS.c.partition.not_in(list(keep))
    )
    with state.writing() as connection:
        connection.execute(gone)
