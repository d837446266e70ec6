"""How far evaluation has come: log versions done, windows to rebuild, windows closed."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert

PROGRESS = sa.Table(
    "progress",
    METADATA,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)
DIRTY_WINDOWS = sa.Table(
    "dirty_windows",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("family", sa.String, primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("end", Instant, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)
CLOSED = sa.Table(
    "closed",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("upto", Instant, nullable=False),
)
NOTHING = -1
"""The version of a job that has processed nothing yet."""


@dataclass(frozen=True, slots=True, order=True)
class DirtyWindow:
    """A window whose rows changed since its profile was built.

    Attributes:
        model: name of the model.
        family: inputs, people or truth.
        start: inclusive.
        end: exclusive.
        version: newest version of the log that changed it.
    """

    model: str
    family: str
    start: datetime
    end: datetime
    version: int


def processed(state: State, job: str) -> int:
    """The last version of the log that this job has taken in, `NOTHING` before the first."""
    with state.reading() as connection:
        found = connection.scalar(sa.select(PROGRESS.c.version).where(PROGRESS.c.job == job))
        return NOTHING if found is None else found


def advance(state: State, job: str, version: int, dirty: Collection[DirtyWindow] = ()) -> None:
    """Write down in one transaction that a version is taken in, with the windows it touched.

    Neither a job's version nor a window's ever goes back.
    """
    with state.writing() as connection:
        upsert(connection, PROGRESS, [{"job": job, "version": version}], greatest=["version"])
        upsert(
            connection, DIRTY_WINDOWS, [asdict(window) for window in dirty], greatest=["version"]
        )


def dirty_windows(
    state: State, *, model: str | None = None, family: str | None = None
) -> list[DirtyWindow]:
    """What is to be rebuilt, ordered by model, family and time; it stays until `clear`."""
    names = {DIRTY_WINDOWS.c.model: model, DIRTY_WINDOWS.c.family: family}
    wanted = (
        sa.select(DIRTY_WINDOWS)
        .where(*(column == name for column, name in names.items() if name is not None))
        .order_by(*DIRTY_WINDOWS.primary_key)
    )
    with state.reading() as connection:
        return [DirtyWindow(*row) for row in connection.execute(wanted)]


def backlog(state: State) -> dict[str, timedelta]:
    """How much time is to be rebuilt, all families together, by model; others have none."""
    columns = DIRTY_WINDOWS.c
    length = sa.func.sum(sa.type_coerce(columns.end, sa.BigInteger) - columns.start)
    wanted = sa.select(columns.model, sa.cast(length, sa.BigInteger)).group_by(columns.model)
    with state.reading() as connection:
        return {model: timedelta(microseconds=found) for model, found in connection.execute(wanted)}


def clear(state: State, rebuilt: Collection[DirtyWindow]) -> None:
    """Forget these windows, except those that a later version has touched again."""
    if not rebuilt:
        return
    columns = DIRTY_WINDOWS.c
    statement = sa.delete(DIRTY_WINDOWS).where(
        columns.model == sa.bindparam("m"),
        columns.family == sa.bindparam("f"),
        columns.start == sa.bindparam("s", type_=Instant),
        columns.end == sa.bindparam("e", type_=Instant),
        columns.version <= sa.bindparam("v"),
    )
    with state.writing() as connection:
        connection.execute(
            statement,
            [
                {"m": w.model, "f": w.family, "s": w.start, "e": w.end, "v": w.version}
                for w in rebuilt
            ],
        )


def closed(state: State, model: str, kind: str) -> datetime | None:
    """The end of the last closed window of this model and kind, None before the first."""
    wanted = sa.select(CLOSED.c.upto).where(CLOSED.c.model == model, CLOSED.c.kind == kind)
    with state.reading() as connection:
        return connection.scalar(wanted)


def watermarks(state: State) -> dict[tuple[str, str], datetime]:
    """The end of the last closed window, by model and kind."""
    with state.reading() as connection:
        return {(model, kind): upto for model, kind, upto in connection.execute(sa.select(CLOSED))}


def close(state: State, model: str, kind: str, upto: datetime) -> None:
    """Write down that every window up to this time is closed; it never goes back."""
    with state.writing() as connection:
        row = {"model": model, "kind": kind, "upto": upto}
        upsert(connection, CLOSED, [row], greatest=["upto"])
