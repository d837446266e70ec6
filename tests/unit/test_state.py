"""The database of the state: opened by anybody, migrated once, written in transactions."""

import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import StateError
from monitor.state import named
from monitor.state.backup import tables
from monitor.state.database import METADATA, Instant, State

tables()


def test_migrations_make_the_tables_that_the_code_declares(state_url: str) -> None:
    state = State.open(state_url)
    with state.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    state.close()


def test_opening_again_keeps_what_is_there(state_url: str) -> None:
    named.put(State.open(state_url), "mark", 5)
    assert named.value_of(State.open(state_url), "mark") == 5


def _open(url: str) -> int:
    state = State.open(url)
    with state.reading() as connection:
        return len(sa.inspect(connection).get_table_names())


def test_processes_that_open_at_once_all_succeed(state_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        counts = pool.map(_open, [state_url] * 8)
    assert set(counts) == {len(METADATA.tables) + 1}


def test_a_state_from_the_future_is_refused_with_the_remedy(state_url: str) -> None:
    state = State.open(state_url)
    with state.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match=r"9999.*install the newer program"):
        State.open(state_url)


@pytest.mark.parametrize("url", ["nonsense", "nosuch://host/name"])
def test_an_unknown_url_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(StateError, match="write sqlite:///PATH or postgresql"):
        State.open(url)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, where the folder should be")
    with pytest.raises(StateError, match=r"data: File exists; let this user make that folder"):
        State.open(f"sqlite:///{tmp_path}/data/state.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("this is a text file, not a database" * 100)
    with pytest.raises(StateError, match=r"state\.db cannot be opened"):
        State.open(f"sqlite:///{tmp_path}/state.db")


def test_a_failing_transaction_leaves_nothing(state_url: str) -> None:
    state = State.open(state_url)

    def put_then_fail() -> None:
        with state.writing():
            named.put(state, "a", 1)
            named.put(state, "b", 2)
            assert named.value_of(state, "a") == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put_then_fail()
    assert named.value_of(state, "a") is None
    named.put(state, "a", 3)
    assert named.value_of(state, "a") == 3


def test_writers_of_many_threads_wait_for_each_other(state_url: str) -> None:
    state = State.open(state_url)
    named.put(state, "count", 0)

    def increment(_: int) -> None:
        with state.writing():
            count = named.value_of(state, "count")
            assert isinstance(count, int)
            named.put(state, "count", count + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(200)))
    assert named.value_of(state, "count") == 200


def test_readers_do_not_wait_for_a_writer(state_url: str) -> None:
    state = State.open(state_url)
    named.put(state, "a", 1)
    with state.writing(), ThreadPoolExecutor(1) as pool:
        named.put(state, "a", 2)
        assert pool.submit(named.value_of, state, "a").result(timeout=5) == 1


def test_sqlite_runs_with_a_write_ahead_log(tmp_path: Path) -> None:
    State.open(f"sqlite:///{tmp_path}/state.db")
    with sqlite3.connect(tmp_path / "state.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_to_the_microsecond(time: datetime) -> None:
    instant, dialect = Instant(), sa.create_engine("sqlite://").dialect
    stored = instant.process_bind_param(time, dialect)
    assert instant.process_result_value(stored, dialect) == time


def test_a_time_of_another_zone_is_the_same_instant() -> None:
    instant, dialect = Instant(), sa.create_engine("sqlite://").dialect
    evening = datetime(2026, 1, 1, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert instant.process_bind_param(evening, dialect) == 1_767_268_800_000_000


@pytest.mark.parametrize(
    "url", ["hunter2", "postgres:/u:hunter2@h/x", "postgresql://u@h:hunter2/x"]
)
def test_a_broken_url_never_shows_what_may_be_its_password(url: str) -> None:
    with pytest.raises(StateError, match="it is no URL") as refused:
        State.open(url)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_new_state_is_for_its_own_user_alone(tmp_path: Path) -> None:
    State.open(f"sqlite:///{tmp_path}/state.db").close()
    assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0
