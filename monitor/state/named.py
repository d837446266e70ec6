"""Single values under a name, such as the retention mark, as JSON."""

import sqlalchemy as sa

from monitor.state.database import METADATA, State, upsert

NAMED = sa.Table(
    "named",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)


def value_of(state: State, name: str) -> object:
    """The value under a name, None if there is none."""
    with state.reading() as connection:
        return connection.scalar(sa.select(NAMED.c.value).where(NAMED.c.name == name))


def put(state: State, name: str, value: object) -> None:
    """Write a value that JSON can hold over the one under its name."""
    with state.writing() as connection:
        upsert(connection, NAMED, [{"name": name, "value": value}], replace=["value"])
