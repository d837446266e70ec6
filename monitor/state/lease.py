"""Who leads: one holder at a time, which must say again and again that it is there."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert

LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("until", Instant, nullable=False),
)


def take(state: State, name: str, holder: str, now: datetime, lasts: timedelta) -> datetime | None:
    """Since when the holder has the lease, which it now has until `now + lasts`.

    None if another one has it that has not fallen silent.

    Args:
        state: shared by those that want the lease.
        name: of the lease.
        holder: another word for each process.
        now: when the holder asks, by the clock that all of them ask (`State.now`).
        lasts: how long it has it without asking again.
    """
    with state.writing() as connection:
        row = connection.execute(sa.select(LEASES).where(LEASES.c.name == name)).first()
        if row is not None and row.holder != holder and row.until > now:
            return None
        since: datetime = row.since if row is not None and row.holder == holder else now
        wanted = {"name": name, "holder": holder, "since": since, "until": now + lasts}
        upsert(connection, LEASES, [wanted], replace=["holder", "since", "until"])
        return since


def leave(state: State, name: str, holder: str) -> None:
    """Let another one have the lease at once, if it is the holder's."""
    with state.writing() as connection:
        connection.execute(
            sa.delete(LEASES).where(LEASES.c.name == name, LEASES.c.holder == holder)
        )
