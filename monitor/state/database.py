"""The database that holds the service's state, opened and migrated."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from monitor.errors import StateError, StateOutOfReachError

METADATA = sa.MetaData()
"""Every table of the state; each is declared in the file that reads and writes it."""

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
_LOCK = 0x6D626D  # "mbm": the advisory lock that a writer holds on PostgreSQL
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """An aware time as the database holds it.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (time - _EPOCH) // _MICROSECOND


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware time as whole microseconds since 1970 UTC: one meaning in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        del dialect
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class State:
    """Connections to the state; safe to share between threads.

    Functions of this package take a `State`. What they do inside one `with state.writing():`
    of the caller is one transaction, else each is its own.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._is_postgresql = engine.dialect.name == "postgresql"
        self._open = threading.local()

    @classmethod
    def open(cls, url: str) -> Self:
        """The state at an SQLAlchemy URL, its tables brought up to this program's version.

        Makes the folder of an SQLite file. May be called by several processes at once.

        Raises:
            StateError: the URL is none, the database cannot be reached, or a newer version of
                this program has written it.
        """
        try:
            address = make_url(url)
            engine = _engine(address)
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
            # Whatever does not begin as a URL may be a password in the wrong place, and so may be
            # a port that is no number: neither is shown, nor the error that may quote it.
            scheme, mark, _ = url.partition("://")
            known = f"{scheme!r}" if mark else "its text"
            why = "it is no URL" if isinstance(error, ArgumentError | ValueError) else f"{error}"
            raise StateError(
                f"state: {known} names no known database ({why}); write sqlite:///PATH or "
                "postgresql+psycopg://HOST/NAME"
            ) from None
        except OSError as error:
            raise StateError(
                f"state {address!r}: {error.filename}: {error.strerror}; let this user make that "
                "folder, or name another place in the settings"
            ) from error
        state = cls(engine)
        try:
            state._migrate()
        except DBAPIError as error:
            raise StateError(
                f"state {engine.url!r} cannot be opened: {error.orig}; "
                "check that it is a database of this service"
            ) from error
        return state

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Tells in plain words what keeps the database from being read or written in the block.

        Raises:
            StateOutOfReachError: it does not answer, is locked by another program or full.
        """
        try:
            yield
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            why = str(getattr(error, "orig", None) or error).strip()
            raise StateOutOfReachError(
                f"state {self.engine.url!r} cannot be used: {why}; check that it runs, that this "
                "user may write to it, that no other program locks it and that its disk has space"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one snapshot; inside `writing`, the writer's own.

        Raises:
            StateOutOfReachError: as `reached` says.
        """
        if (connection := getattr(self._open, "writer", None)) is not None:
            yield connection
            return
        with self.reached(), self.engine.connect() as reader:
            if self._is_postgresql:
                reader.execution_options(isolation_level="REPEATABLE READ")
            with reader.begin():
                yield reader

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that commits at the end; within another of this thread, part of it.

        There is one writer at a time, on every database: what it reads stays true until it ends.

        Raises:
            StateOutOfReachError: as `reached` says; nothing was written, or the answer was lost.
        """
        if (connection := getattr(self._open, "writer", None)) is not None:
            yield connection
            return
        with (
            self.reached(),
            self.engine.connect().execution_options(mbm_writes=True) as connection,
            connection.begin(),
        ):
            if self._is_postgresql:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            self._open.writer = connection
            try:
                yield connection
            finally:
                self._open.writer = None

    def now(self) -> datetime:
        """The time, by the one clock of all who share the state; aware."""
        if not self._is_postgresql:
            return datetime.now(UTC)
        with self.reading() as connection:
            found: Any = connection.scalar(sa.select(sa.func.clock_timestamp()))
        time: datetime = found.astimezone(UTC)
        return time

    def is_current(self) -> bool:
        """Whether its tables are those of this program's version."""
        return self.version() == _head()

    def version(self) -> str:
        """Number of the newest migration that its tables have seen, "" for none."""
        with self.reading() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return ""
            found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return str(found or "")

    def close(self) -> None:
        self.engine.dispose()

    def _migrate(self) -> None:
        if self.version() == _head():
            return
        # Alembic takes longer to import than most commands take; it is needed once a release.
        import alembic.command
        import alembic.config

        with self.writing() as connection:
            if (found := self.version()) > _head():
                raise StateError(
                    f"state {self.engine.url!r} has version {found}, this program knows "
                    f"{_head()}; install the newer program or restore the older state"
                )
            config = alembic.config.Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    replace: Sequence[str] = (),
    greatest: Sequence[str] = (),
) -> int:
    """Number of rows written; a row whose primary key is there already changes or stays.

    Args:
        connection: of `State.writing`.
        table: where to write.
        rows: values by column.
        replace: columns that take the new value.
        greatest: columns that keep the greater value; null is less than all.
    """
    if not rows:
        return 0
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    new = {name: statement.excluded[name] for name in replace}
    for name in greatest:
        was, now = table.c[name], statement.excluded[name]
        new[name] = sa.case((was.is_(None), now), (now > was, now), else_=was)
    keys = [column.name for column in table.primary_key]
    if new:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=new)
    else:
        statement = statement.on_conflict_do_nothing()
    options = {"preserve_rowcount": True}
    return connection.execute(statement, rows, execution_options=options).rowcount


def insert_many(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert rows, each a value per column in order, as the database takes them.

    By hand, for SQLAlchemy's own check of every parameter costs more than all the rest.
    """
    if not rows:
        return
    names = [column.name for column in table.columns]
    compiled = sa.insert(table).compile(dialect=connection.dialect, column_keys=names)
    if compiled.positional:
        connection.exec_driver_sql(str(compiled), list(rows))
    else:
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(compiled), named)


def _head() -> str:
    """The newest migration's number: each file is NUMBER_what.py, NUMBER its revision."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))


def _engine(url: URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        file = Path(url.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            # Results speak of people's groups: for the service's own user alone. What cannot be
            # touched here gives its clear error when it is opened.
            file.touch(mode=0o600)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        del record
        # The driver shall not begin by itself, so that `begin` below can say IMMEDIATE.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later could not wait for another writer.
        writes = connection.get_execution_options().get("mbm_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
