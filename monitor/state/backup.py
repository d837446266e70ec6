"""The whole state as one file that any kind of database can be filled from.

The file is a state in SQLite, made from one snapshot, with a mark of its own.
"""

import os
import pkgutil
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import sqlalchemy as sa

from monitor import state as package
from monitor.errors import StateError
from monitor.state.database import METADATA, State
from monitor.told import Told, tell_nobody

_MARK: Final = 0x6D626D62
"""Application id of a backup in SQLite's header: "mbmb"."""

_PORTION: Final = 5_000
"""Rows held in memory at a time."""


def tables() -> Sequence[sa.Table]:
    """Every table of the state, those that others refer to first."""
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return METADATA.sorted_tables


def back_up(state: State, file: Path, *, told: Told = tell_nobody) -> int:
    """Number of rows written; all of one moment, while the service goes on.

    Raises:
        StateError: the file is there already, or cannot be written.
    """
    if file.exists():
        raise StateError(f"{file} is there already; name another file, or move it away")
    try:
        with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}-") as folder:
            made = Path(folder) / "state.db"
            copy = State.open(f"sqlite:///{made}")
            with state.reading() as source, copy.writing() as target:
                count = _copied(source, target, told)
            copy.close()
            with closing(sqlite3.connect(made)) as connection:
                # All in one file, without the write-ahead log beside it.
                connection.execute("PRAGMA journal_mode = DELETE")
                connection.execute(f"PRAGMA application_id = {_MARK}")
            with made.open("rb") as whole:
                os.fsync(whole.fileno())
            made.rename(file)
    except OSError as error:
        raise StateError(
            f"{file} cannot be written: {error.strerror}; name another place"
        ) from error
    return count


def restore(state: State, file: Path, *, told: Told = tell_nobody) -> int:
    """Number of rows read back into an empty state; a backup of an older program is migrated.

    Raises:
        StateError: the file is no whole backup or a newer program's, or the state holds rows;
            nothing was changed then.
    """
    with TemporaryDirectory(prefix="mbm-restore-") as folder:
        copied = Path(folder) / "state.db"
        try:
            shutil.copyfile(file, copied)
        except OSError as error:
            raise StateError(f"{file} cannot be read: {error.strerror}") from error
        _refuse_unfit(file, copied, state.version())
        backup = State.open(f"sqlite:///{copied}")
        with backup.reading() as source, state.writing() as target:
            for table in tables():
                if target.scalar(sa.select(sa.literal(1)).select_from(table).limit(1)):
                    raise StateError(
                        f"state {state.engine.url!r} holds {table.name} already, and is not "
                        "overwritten; name an empty database, or move its file away"
                    )
            count = _copied(source, target, told)
            _continue_numbers(target)
        backup.close()
    return count


def _copied(source: sa.Connection, target: sa.Connection, told: Told) -> int:
    held = (source.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables())
    whole = sum(found or 0 for found in held)
    count = 0
    for table in tables():
        rows = source.execute(
            sa.select(table), execution_options={"yield_per": _PORTION}
        ).mappings()
        for portion in rows.partitions():
            target.execute(sa.insert(table), [dict(row) for row in portion])
            count += len(portion)
            told("rows", count, whole)
    return count


def _continue_numbers(connection: sa.Connection) -> None:
    """Let PostgreSQL's sequences begin after the numbers that were brought along."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables():
        column = table.autoincrement_column
        if column is not None and (last := connection.scalar(sa.select(sa.func.max(column)))):
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(sa.select(sa.func.setval(sequence, last)))


def _refuse_unfit(file: Path, copied: Path, known: str) -> None:
    """Raise what is wrong with a backup, by its name, if anything is."""
    with closing(sqlite3.connect(copied)) as connection:
        try:
            (mark,) = connection.execute("PRAGMA application_id").fetchone()
            (health,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError as error:
            raise StateError(f"{file} is no backup, or a damaged one: {error}") from error
    if mark != _MARK:
        raise StateError(f"{file} is no backup; make one with: mbm backup FILE")
    if health != "ok":
        raise StateError(f"{file} is damaged: {health}; take another backup")
    if version > known:
        raise StateError(
            f"{file} has version {version}, this program knows {known}; install the newer program"
        )
