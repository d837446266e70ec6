"""Feedback finds its prediction, whenever either comes."""

from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from monitor.log.events import EventLog, Partition
from monitor.log.feedback import FeedbackLog, State
from monitor.log.ledger import Windows
from monitor.log.resolve import Resolved, resolve
from monitor.log.rewrite import files, read_file
from monitor.log.store import Store
from tests.services.rows import START, at, outcome, prediction, store

HORIZON = {"credit": timedelta(days=30), "churn": timedelta(days=60)}


class Logs:
    """Both tables of a new log."""

    def __init__(self, path: Path, partition: Partition = "day") -> None:
        self.events = EventLog.open(Store(str(path)), partition)
        self.feedback = FeedbackLog.open(Store(str(path)))

    def resolve(self, now: datetime = START) -> Resolved:
        upto = self.events.version()
        return resolve(self.events, self.feedback, upto_version=upto, horizon=HORIZON, now=now)

    def rows(self, state: State) -> list[dict[str, Any]]:
        table = self.feedback.table
        live = [f for f in files(table.current()) if ("state", state) in f.partition]
        rows = [row for file in live for row in read_file(table, file).to_pylist()]
        return sorted(rows, key=lambda row: (row["event_time"], row["label"] or ""))


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def test_an_outcome_without_time_finds_its_prediction_over_the_horizon(logs: Logs) -> None:
    store(logs.events, prediction("a", at(days=-29)), prediction("b", at(days=-31)))
    store(logs.events, outcome("o1", "a"), outcome("o2", "b"))
    assert logs.resolve() == Resolved(version=2, read=2, found=1)
    (found,) = logs.rows(State.FOUND)
    assert found["prediction_time"] == at(days=-29)
    assert found["day"] == at(days=-29).date()
    assert found["label"] == "yes"
    assert len(logs.rows(State.WAITING)) == 1


def test_a_stated_time_is_looked_for_on_that_day_alone(logs: Logs) -> None:
    store(logs.events, prediction("a", at(days=-80)), prediction("b", at(days=-80)))
    store(
        logs.events,
        outcome("o1", "a", prediction_time=at(days=-80, hours=1)),
        outcome("o2", "b", prediction_time=at(days=-2)),
    )
    logs.resolve()
    assert [row["prediction_time"] for row in logs.rows(State.FOUND)] == [at(days=-80)]
    assert [row["stated_time"] for row in logs.rows(State.WAITING)] == [at(days=-2)]


def test_a_prediction_that_comes_late_is_found_then(logs: Logs) -> None:
    store(logs.events, outcome("o1", "a"))
    assert logs.resolve() == Resolved(version=1, read=1)
    store(logs.events, prediction("a", at(days=-3)))
    before = logs.feedback.version()
    assert logs.resolve() == Resolved(version=2, found=1, late=1)
    assert logs.rows(State.WAITING) == []
    start = int(at(days=-3).timestamp())
    gained: Windows = logs.feedback.changes(before, logs.feedback.version()).windows
    assert gained == {("outcome", "credit"): ((start, start + 300),)}


def test_the_horizon_makes_an_orphan_that_a_late_prediction_still_ends(logs: Logs) -> None:
    store(logs.events, outcome("o1", "a"))
    logs.resolve()
    assert logs.resolve(now=at(days=29)).orphaned == 0
    assert logs.resolve(now=at(days=31)) == Resolved(version=1, orphaned=1)
    assert logs.resolve(now=at(days=32)).orphaned == 0
    assert logs.feedback.count(State.ORPHANED) == 1
    store(logs.events, prediction("a", at(days=-1)))
    assert logs.resolve(now=at(days=33)).late == 1
    assert logs.feedback.count(State.ORPHANED) == 0


def test_without_a_model_two_models_with_that_id_are_ambiguous(logs: Logs) -> None:
    store(
        logs.events,
        prediction("a"),
        prediction("a", model="churn"),
        prediction("b", model="churn"),
        outcome("o1", "a", at(hours=1), model=None),
        outcome("o2", "b", at(hours=2), model=None),
        outcome("o3", "a", at(hours=3), model="churn"),
    )
    assert logs.resolve() == Resolved(version=1, read=3, found=2, ambiguous=1)
    assert [row["model"] for row in logs.rows(State.FOUND)] == ["churn", "churn"]


def test_the_same_id_of_another_model_is_not_found(logs: Logs) -> None:
    store(logs.events, prediction("a", model="churn"), outcome("o1", "a"))
    assert logs.resolve() == Resolved(version=1, read=1)


def test_every_revision_is_kept(logs: Logs) -> None:
    store(logs.events, prediction("a"))
    store(logs.events, outcome("o1", "a", at(days=1), label="no"))
    store(logs.events, outcome("o2", "a", at(days=2)))
    logs.resolve()
    assert [row["label"] for row in logs.rows(State.FOUND)] == ["no", "yes"]


def test_a_prediction_sent_again_later_counts_with_its_earliest_time(logs: Logs) -> None:
    store(logs.events, prediction("a", at(hours=3)), prediction("a"), outcome("o", "a"))
    assert logs.resolve().found == 1
    assert [row["prediction_time"] for row in logs.rows(State.FOUND)] == [START]


def test_a_run_without_news_does_nothing(logs: Logs) -> None:
    store(logs.events, prediction("a"), outcome("o1", "a"), outcome("o2", "b"))
    logs.resolve()
    version = logs.feedback.version()
    assert logs.resolve() == Resolved(version=1)
    assert logs.feedback.version() == version


def test_the_order_of_arrival_changes_nothing(tmp_path: Path) -> None:
    events = [
        prediction("a", at(days=-5)),
        outcome("o1", "a"),
        outcome("o2", "b", prediction_time=at(days=-40)),
        prediction("b", at(days=-40)),
    ]
    seen = set()
    for number, order in enumerate(list(permutations(events))[::3]):
        logs = Logs(tmp_path / str(number))
        for event in order:
            store(logs.events, event)
            logs.resolve(now=at(days=400))
        found = logs.rows(State.FOUND)
        seen.add(tuple(sorted((r["id_lo"], r["p_lo"], r["prediction_time"]) for r in found)))
    (result,) = seen
    assert len(result) == 2


def test_killed_before_any_commit_the_next_run_ends_the_same(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(logs.events, outcome("o1", "a"), outcome("o2", "b"))
    logs.resolve()
    store(logs.events, prediction("a"), prediction("c"), outcome("o3", "c"))
    commit = type(logs.feedback.table).commit
    for survived in range(2):
        left = survived

        def dying(*args: object, **kwargs: object) -> int:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            return int(commit(*args, **kwargs))  # type: ignore[arg-type]

        monkeypatch.setattr(type(logs.feedback.table), "commit", dying)
        with pytest.raises(KeyboardInterrupt):
            logs.resolve()
    monkeypatch.setattr(type(logs.feedback.table), "commit", commit)
    logs.resolve()
    found = logs.rows(State.FOUND)
    assert len(found) == len({row["id_lo"] for row in found}) == 2
    assert len(logs.rows(State.WAITING)) == 1


def test_monthly_partitions_resolve_too(tmp_path: Path) -> None:
    logs = Logs(tmp_path, "month")
    store(logs.events, prediction("a", at(days=-20)), outcome("o", "a"))
    assert logs.resolve().found == 1
    assert logs.rows(State.FOUND)[0]["day"] == date(2026, 10, 1)


@pytest.mark.parametrize("partition", ["day", "month"])
def test_found_rows_are_read_by_the_time_of_the_prediction(
    tmp_path: Path, partition: Partition
) -> None:
    logs = Logs(tmp_path, partition)
    ids = {"a": at(days=-4), "b": at(days=-4, hours=1), "c": at(days=-3)}
    store(logs.events, *(prediction(name, time) for name, time in ids.items()))
    store(logs.events, prediction("d", at(days=-4), model="churn"))
    store(logs.events, *(outcome(f"o{name}", name) for name in ids), outcome("waits", "e"))
    store(logs.events, outcome("od", "d", model="churn"))
    logs.resolve()

    def found(start: datetime, end: datetime, model: str = "credit") -> list[datetime]:
        batches = logs.feedback.scan(
            model=model,
            start=start,
            end=end,
            columns=["prediction_time", "kind"],
            by_month=partition == "month",
        )
        rows = [row for batch in batches for row in batch.to_pylist()]
        assert {row["kind"] for row in rows} <= {"outcome"}
        return sorted(row["prediction_time"] for row in rows)

    assert found(at(days=-4), at(days=-3)) == [ids["a"], ids["b"]]
    assert found(at(days=-4, minutes=1), at(days=-2)) == [ids["b"], ids["c"]]
    assert found(at(days=-4), at(days=-3), "churn") == [at(days=-4)]
    assert found(START, at(days=1)) == []


def test_steps_that_split_a_backlog_end_the_same(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.log.resolve.STEP_ROWS", 2)
    for k in range(5):
        store(logs.events, prediction(f"{k}"), outcome(f"o{k}", f"{4 - k}"))
    assert logs.resolve() == Resolved(version=5, read=5, found=5)
    assert logs.resolve() == Resolved(version=5)
