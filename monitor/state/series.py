"""What a verdict is about: a metric of a model's version, stage, segment and column."""

from collections.abc import Collection

import sqlalchemy as sa

from monitor.state.database import METADATA, upsert

SERIES = sa.Table(
    "series",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("metric", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("segment", sa.String, nullable=False),
    sa.Column("column_name", sa.String, nullable=False),
    sa.Column("method", sa.String, nullable=False),
    sa.UniqueConstraint(
        "model", "metric", "version", "stage", "segment", "column_name", "method", name="series_key"
    ),
)
NAMES = tuple(column for column in SERIES.c if column.name != "id")

Key = tuple[str, ...]
"""The seven names of a series, in the order of `NAMES`."""


def ids_of(connection: sa.Connection, keys: Collection[Key]) -> dict[Key, int]:
    """Id per series, of these and maybe others; those seen for the first time are written."""
    wanted = sa.select(SERIES.c.id, *NAMES).where(SERIES.c.model.in_({key[0] for key in keys}))

    def known() -> dict[Key, int]:
        return {tuple(key): number for number, *key in connection.execute(wanted)}

    ids = known()
    if absent := [key for key in keys if key not in ids]:
        names = [column.name for column in NAMES]
        upsert(connection, SERIES, [dict(zip(names, key, strict=True)) for key in absent])
        ids = known()
    return ids
