"""What was in a state is in the one restored from its backup, whatever the databases."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state import named
from monitor.state.backup import back_up, restore, tables
from monitor.state.database import Instant, State
from tests.services.postgresql import database

EPOCH = datetime(2026, 11, 1, 0, 0, 0, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """Another state, in each kind of database."""
    is_file = request.param == "sqlite"
    opened = State.open(f"sqlite:///{tmp_path}/other/state.db" if is_file else database())
    yield opened
    opened.close()


def value(column: sa.Column[Any], row: int) -> object:
    """A value of the column's type; null in the third row, where there may be one."""
    for key in column.foreign_keys:
        return value(key.column, row)
    if column.nullable and row == 2:
        return None
    match column.type:
        case Instant():
            return EPOCH + timedelta(days=row)
        case sa.JSON():
            return {"name": [row, None, "é\n", 0.1]}
        case sa.LargeBinary():
            return bytes([0, 255, row])
        case sa.Boolean():
            return row == 1
        case sa.Float():
            return (row - 1) / 3 * 10.0 ** (300 * row - 300)
        case sa.Integer():
            return row + 1 if column.primary_key else 2**30 + row
    return f"it's {column.name} é {row}"


def fill(state: State) -> None:
    """Three rows in every table."""
    with state.writing() as connection:
        for table in tables():
            rows = [{c.name: value(c, row) for c in table.columns} for row in range(3)]
            connection.execute(sa.insert(table), rows)


def held(state: State) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with state.reading() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(sa.select(table).order_by(*table.c[:1]))
            ]
            for table in tables()
        }


def test_every_row_of_every_table_comes_back(state: State, empty: State, tmp_path: Path) -> None:
    fill(state)
    come: list[tuple[str, int, int]] = []
    count = back_up(state, tmp_path / "backup", told=lambda *far: come.append(far))
    assert count == 3 * len(tables())
    assert restore(empty, tmp_path / "backup", told=lambda *far: come.append(far)) == count
    assert come == 2 * [("rows", done, count) for done in range(3, count + 1, 3)]
    assert held(empty) == held(state)
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["backup"]


def test_numbers_go_on_after_those_restored(state: State, empty: State, tmp_path: Path) -> None:
    fill(state)
    back_up(state, tmp_path / "backup")
    restore(empty, tmp_path / "backup")
    for table in tables():
        if (column := table.autoincrement_column) is not None:
            row = {c.name: value(c, 7) for c in table.columns if c is not column}
            with empty.writing() as connection:
                key = connection.execute(sa.insert(table), row).inserted_primary_key
            assert key == (4,)


def test_a_state_that_holds_anything_is_not_overwritten(
    state: State, empty: State, tmp_path: Path
) -> None:
    fill(state)
    back_up(state, tmp_path / "backup")
    named.put(empty, "mark", 1)
    with pytest.raises(StateError, match="holds named already, and is not overwritten"):
        restore(empty, tmp_path / "backup")
    assert named.value_of(empty, "mark") == 1
    with empty.reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM series")) == 0


def test_a_backup_is_not_written_over_another_file(state: State, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("a letter")
    with pytest.raises(StateError, match="is there already"):
        back_up(state, tmp_path / "backup")
    with pytest.raises(StateError, match="cannot be written: No such file or directory"):
        back_up(state, tmp_path / "nowhere" / "backup")
    assert (tmp_path / "backup").read_text() == "a letter"


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A backup with some rows in it."""
    state = State.open(f"sqlite:///{tmp_path}/state.db")
    fill(state)
    back_up(state, tmp_path / "backup")
    state.close()
    return tmp_path / "backup"


def refused(file: Path, why: str) -> None:
    state = State.open(f"sqlite:///{file.parent}/new.db")
    with pytest.raises(StateError, match=why):
        restore(state, file)
    assert not any(held(state).values())
    state.close()


def test_what_is_no_whole_backup_is_refused(full: Path, tmp_path: Path) -> None:
    refused(tmp_path / "missing", "missing cannot be read: No such file")
    refused(tmp_path / "state.db", "state.db is no backup; make one with")
    (tmp_path / "letter").write_text("a letter, not a database" * 100)
    refused(tmp_path / "letter", "letter is no backup, or a damaged one")
    (tmp_path / "half").write_bytes(full.read_bytes()[:60_000])
    refused(tmp_path / "half", "half is (damaged|no backup, or a damaged one)")


def test_a_backup_of_a_newer_program_is_refused(full: Path) -> None:
    with sqlite3.connect(full) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused(full, "backup has version 9999, .* install the newer program")


def test_nobody_else_may_read_a_backup(full: Path) -> None:
    assert full.stat().st_mode & 0o077 == 0
