"""Drill-downs of weeks for which a round of reports had no time."""

from datetime import datetime

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert

PUT_OFF = sa.Table(
    "drilldowns_put_off",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("week", sa.String, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)


def put_off(state: State, model: str, week: str, now: datetime) -> None:
    """Write down that a week of a model is still to be taken apart."""
    with state.writing() as connection:
        upsert(connection, PUT_OFF, [{"model": model, "week": week, "at": now}])


def first(state: State) -> tuple[str, str] | None:
    """Model and week that wait longest, None if none does."""
    wanted = sa.select(PUT_OFF.c.model, PUT_OFF.c.week)
    order = (PUT_OFF.c.at, PUT_OFF.c.model, PUT_OFF.c.week)
    with state.reading() as connection:
        row = connection.execute(wanted.order_by(*order).limit(1)).first()
        return None if row is None else (row.model, row.week)


def done(state: State, model: str, week: str) -> None:
    """Write down that a week waits no more, whatever became of it."""
    with state.writing() as connection:
        is_it = (PUT_OFF.c.model == model, PUT_OFF.c.week == week)
        connection.execute(sa.delete(PUT_OFF).where(*is_it))
