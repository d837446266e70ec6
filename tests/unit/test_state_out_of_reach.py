"""A database that does not answer, is locked or full is told in words, and waited for."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from monitor.errors import StateError, StateOutOfReachError
from monitor.jobs import evaluating, read_in
from monitor.jobs.evaluating import keep_evaluating
from monitor.jobs.service import Opened
from monitor.log.store import Store
from monitor.settings import Settings
from monitor.state import database as opened
from monitor.state import detectors, named, runs, tasks
from monitor.state import heartbeats as beats_of
from monitor.state.database import State
from monitor.state.exclusive import attempt
from monitor.state.heartbeats import Heartbeat, heartbeats
from tests.services.postgresql import database

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def test_a_file_that_another_program_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "BUSY_SECONDS", 0)
    state = State.open(f"sqlite:///{tmp_path}/state.db")
    with sqlite3.connect(tmp_path / "state.db") as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateOutOfReachError, match=r"state\.db cannot be used: .*locked"):
            named.put(state, "a", 1)
    named.put(state, "a", 2)
    assert named.value_of(state, "a") == 2
    state.close()


def test_a_full_disk_is_told_and_nothing_half_is_written(tmp_path: Path) -> None:
    state = State.open(f"sqlite:///{tmp_path}/state.db")

    @sa.event.listens_for(state.engine, "connect")
    def bound(connection: sqlite3.Connection, record: object) -> None:
        del record
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    state.close()

    def fill() -> None:
        with state.writing():
            named.put(state, "a", 1)
            named.put(state, "b", "x" * 100_000)

    with pytest.raises(StateOutOfReachError, match="disk is full; check that it runs"):
        fill()
    assert named.value_of(state, "a") is None
    state.close()


class Outage:
    """A database of which the server ends every connection, and takes no new one."""

    def __init__(self) -> None:
        self.url = database()
        self.address, self.name = self.url.replace("+psycopg", "").rsplit("/", 1)

    def cut(self) -> None:
        self._sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", self.name
        )

    def allow(self, answer: str) -> None:
        self._sql(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS {answer}")

    def _sql(self, statement: str, *values: str) -> None:
        with psycopg.connect(f"{self.address}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode(), values)


@pytest.mark.postgresql
def test_a_server_that_went_away_is_told_and_reached_again() -> None:
    outage = Outage()
    state = State.open(outage.url)

    def cut_within() -> None:
        with state.writing():
            named.put(state, "a", 1)
            outage.cut()
            named.put(state, "b", 1)

    with pytest.raises(StateOutOfReachError, match="cannot be used: terminating connection"):
        cut_within()
    outage.allow("false")
    with pytest.raises(StateOutOfReachError, match="not currently accepting connections"):
        named.put(state, "a", 1)
    outage.allow("true")
    assert named.value_of(state, "a") is None
    state.close()


@pytest.mark.postgresql
def test_a_hold_that_was_lost_with_its_connection_is_told() -> None:
    outage = Outage()
    state, other = State.open(outage.url), State.open(outage.url)
    with attempt(state, "work") as hold:
        assert hold is not None
        hold()
        with attempt(other, "work") as taken:
            assert taken is None
        outage.cut()
        with attempt(other, "work") as taken:
            assert taken is not None
        with pytest.raises(StateOutOfReachError, match="the hold of work was lost"):
            hold()
    with attempt(state, "work") as hold:
        assert hold is not None
    state.close()
    other.close()


def test_windows_that_another_process_took_in_are_not_taken_in_again(state: State) -> None:
    detectors.refuse_moved(state, "m", None)
    detectors.put(state, detectors.Detector("m", NOW, "", [], b"", {}), [], [])
    detectors.refuse_moved(state, "m", NOW)
    with pytest.raises(StateError, match="another process took in windows of m up to"):
        detectors.refuse_moved(state, "m", None)


def gone(*_: object, **__: object) -> Any:  # noqa: ANN401
    raise StateOutOfReachError("state cannot be used")


def test_evaluation_waits_for_the_state(
    state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(evaluating, "evaluated", lambda *_, **__: SimpleNamespace(results=0))
    honest = tasks.waiting

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        monkeypatch.setattr(tasks, "waiting", gone if len(pauses) == 1 else honest)
        return len(pauses) == 4

    settings = SimpleNamespace(
        cards=tmp_path,
        log=SimpleNamespace(partition="day"),
        evaluate=SimpleNamespace(every=timedelta(minutes=5)),
    )
    parts = Opened(tmp_path, cast("Settings", settings), {}, Store(str(tmp_path)), state)
    keep_evaluating(parts, wait, CollectorRegistry())
    assert pauses == [0.5, 5.0, 0.5, 0.5]
    assert [run.outcome for run in runs.newest(state, "evaluate")] == [runs.SUCCESS]


def test_reading_goes_on_without_the_state(
    state: State, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = SimpleNamespace(sources={"events": None})
    beat = read_in._Beat(cast("Opened", SimpleNamespace(state=state, settings=settings)))
    beats = [Heartbeat("events", "p", 1, 1, NOW, NOW)]
    with monkeypatch.context() as during:
        during.setattr(beats_of, "beat", gone)
        beat("events", beats, ["p"])
    assert "reading goes on, and windows stay open meanwhile" in caplog.text
    beat("events", beats, ["p"])
    assert heartbeats(state) == beats
