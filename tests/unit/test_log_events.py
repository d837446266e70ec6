"""A batch is one commit, and only where the log stands."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from monitor.errors import LogError, PositionConflictError
from monitor.events.batch import NOTHING, Tally
from monitor.events.schema import EVENTS
from monitor.log.compact import compact
from monitor.log.events import EventLog
from monitor.log.files import Storage
from monitor.log.rewrite import files
from monitor.log.store import Store
from tests.services.rows import START, at, outcome, positions, prediction, quarantined, store, table


@pytest.fixture
def place(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "log"))


def put(log: EventLog, after: Mapping[str, int]) -> int:
    """One message for each of these partitions."""
    rows = [
        table([prediction(f"{name}{mark}", offset=mark + 1)], name) for name, mark in after.items()
    ]
    return log.append(
        pa.concat_tables(rows),
        after=after,
        upto={name: mark + 1 for name, mark in after.items()},
        tallies={name: Tally(1, 1, 0, {}, 1) for name in after},
    )


def test_rows_marks_and_account_are_one_commit(place: Store) -> None:
    log = EventLog.open(place)
    assert log.marks(["p", "q"]) == {"p": NOTHING, "q": NOTHING}
    assert put(log, {"p": NOTHING, "q": NOTHING}) == 1
    assert log.version() == 1
    assert EventLog.open(place).marks(["p", "q"]) == {"p": 0, "q": 0}
    first, second = log.changes(0, 1).ledger
    assert (first.partition, first.after, first.upto, first.tally.stored) == ("p", -1, 0, 1)
    assert (second.partition, second.version) == ("q", 1)


def test_a_batch_without_rows_advances_the_marks(place: Store) -> None:
    log = EventLog.open(place)
    tally = Tally(7, 0, 0, {"not_ours": 7}, 0)
    log.append(EVENTS.empty_table(), after={"p": NOTHING}, upto={"p": 6}, tallies={"p": tally})
    assert log.marks(["p"]) == {"p": 6}
    changes = log.changes(0, 1)
    assert changes.windows == {}
    assert changes.ledger[0].tally == tally


def test_of_two_stale_handles_one_writes(place: Store) -> None:
    first, second = EventLog.open(place), EventLog.open(place)
    put(first, {"p": NOTHING})
    with pytest.raises(PositionConflictError) as refused:
        put(second, {"p": NOTHING})
    assert refused.value.partitions == {"p"}
    assert positions(first) == [("p", 0)]


def test_a_sleeper_does_not_write_the_partition_that_was_taken_from_it(place: Store) -> None:
    sleeper, other = EventLog.open(place), EventLog.open(place)
    put(sleeper, {"0": NOTHING, "1": NOTHING})
    put(other, {"0": 0})
    with pytest.raises(PositionConflictError) as refused:
        put(sleeper, {"0": 0, "1": 0})
    assert refused.value.partitions == {"0"}
    put(sleeper, {"1": 0})
    put(other, {"0": 1})
    assert positions(other) == [("0", 0), ("0", 1), ("0", 2), ("1", 0), ("1", 1)]


def test_a_handle_refreshed_for_one_partition_does_not_forget_the_other(place: Store) -> None:
    sleeper, other = EventLog.open(place), EventLog.open(place)
    put(sleeper, {"0": NOTHING, "1": NOTHING})
    put(other, {"0": 0})
    assert sleeper.marks(["1"]) == {"1": 0}
    with pytest.raises(PositionConflictError):
        put(sleeper, {"1": 0, "0": 0})


def test_a_foreign_delete_does_not_stop_a_writer(place: Store) -> None:
    log = EventLog.open(place)
    put(log, {"p": NOTHING})
    put(log, {"q": NOTHING})
    DeltaTable(log.table.uri).delete("partition = 'q'")
    put(log, {"p": 0})
    assert positions(log) == [("p", 0), ("p", 1)]


def test_a_lost_answer_does_not_write_twice(place: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog.open(place)
    real = DeltaTable.create_write_transaction
    lost: list[int] = []

    def losing(self: DeltaTable, *args: object, **kwargs: object) -> None:
        real(self, *args, **kwargs)  # type: ignore[arg-type]
        if not lost:
            lost.append(1)
            raise OSError("connection reset")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", losing)
    assert put(log, {"p": NOTHING}) == 1
    assert lost
    assert positions(log) == [("p", 0)]


def test_a_conflict_leaves_no_file_behind(place: Store) -> None:
    first, second = EventLog.open(place), EventLog.open(place)
    put(first, {"p": NOTHING})
    with pytest.raises(PositionConflictError):
        put(second, {"p": NOTHING})
    assert len(list(Path(place.uri).rglob("*.parquet"))) == 1


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"no folder")
    with pytest.raises(LogError, match=r"(?s)full/a.parquet cannot be written: .*make room"):
        Storage(str(tmp_path), {}).write("full/a.parquet", b"x")


def test_another_partitioning_is_refused(place: Store) -> None:
    EventLog.open(place, "month")
    with pytest.raises(LogError, match=r"log\.partition: month"):
        EventLog.open(place, "day")


def test_a_table_with_deletion_vectors_is_refused(place: Store) -> None:
    DeltaTable.create(
        place.table("events"),
        EVENTS,
        partition_by=["day", "kind"],
        configuration={"delta.enableDeletionVectors": "true"},
    )
    with pytest.raises(LogError, match="deletion vectors"):
        EventLog.open(place)


def test_another_programs_table_is_refused(place: Store) -> None:
    write_deltalake(place.table("events"), pa.table({"x": [1]}))
    with pytest.raises(LogError, match="partitioned by"):
        EventLog.open(place)


def test_months_hold_their_days(place: Store) -> None:
    log = EventLog.open(place, "month")
    store(log, *(prediction(f"{k}", at(days=k)) for k in range(-5, 5)))
    assert {dict(f.partition)["day"] for f in files(log.table.current())} == {
        "2026-10-01",
        "2026-11-01",
    }
    found = log.scan(kind="prediction", start=at(days=-3), end=at(days=2), columns=["event_id"])
    assert found.read_all().num_rows == 5


def test_windows_are_told_per_kind_and_model(place: Store) -> None:
    log = EventLog.open(place)
    store(
        log,
        prediction("a"),
        prediction("b", at(minutes=4)),
        prediction("c", at(minutes=6)),
        prediction("d", at(hours=1), model="churn"),
        outcome("o", "a", at(days=1), model=None),
        quarantined("bad_json", at(minutes=12)),
    )
    t = int(START.timestamp())
    assert log.changes(0, 1).windows == {
        ("prediction", "credit"): ((t, t + 600),),
        ("prediction", "churn"): ((t + 3600, t + 3900),),
        ("outcome", ""): ((t + 86_400, t + 86_700),),
        ("quarantine", ""): ((t + 600, t + 900),),
    }


def test_many_windows_are_joined_and_all_covered(place: Store) -> None:
    log = EventLog.open(place)
    store(log, *(prediction(f"{k}", at(hours=k * (1 + k % 3))) for k in range(100)))
    (ranges,) = log.changes(0, 1).windows.values()
    assert len(ranges) == 64
    for k in range(100):
        second = int(at(hours=k * (1 + k % 3)).timestamp())
        assert any(start <= second < end for start, end in ranges)


def test_compaction_and_deletion_make_no_window_dirty(place: Store) -> None:
    log = EventLog.open(place)
    for k in range(8):
        put(log, {"p": k - 1})
    before = log.version()
    assert compact(log.table) == 7
    DeltaTable(log.table.uri).delete('"offset" = 3')
    changes = log.changes(before, log.version())
    assert (changes.windows, changes.ledger) == ({}, ())
    assert len(positions(log)) == 7


def test_a_foreign_append_is_read_for_its_windows(place: Store) -> None:
    log = EventLog.open(place)
    write_deltalake(log.table.uri, table([prediction("a", at(days=2))]), mode="append")
    t = int(at(days=2).timestamp())
    assert log.changes(0, 1).windows == {("prediction", "credit"): ((t, t + 300),)}


def test_a_scan_is_half_open_and_keeps_every_value(place: Store) -> None:
    log = EventLog.open(place)
    events = [prediction(f"{k}", at(minutes=k), score=k / 8) for k in range(4)]
    store(log, *events, prediction("x", at(minutes=1), model="o'neil"))
    columns = ["event_id", "numeric", "category", "score", "risk", "day"]
    scan = log.scan(kind="prediction", start=at(minutes=1), end=at(minutes=3), columns=columns)
    rows = sorted(scan.read_all().to_pylist(), key=lambda row: row["event_id"])
    assert scan.schema == pa.schema([EVENTS.field(name) for name in columns])
    assert [row["event_id"] for row in rows] == ["1", "2", "x"]
    assert rows[0] == {
        "event_id": "1",
        "numeric": [1.0, None],
        "category": ["a"],
        "score": 0.125,
        "risk": None,
        "day": date(2026, 11, 2),
    }
    one = log.scan(
        kind="prediction", start=START, end=at(days=1), columns=["score"], model="o'neil"
    )
    assert one.read_all().num_rows == 1


def test_a_pinned_scan_does_not_see_what_came_later(place: Store) -> None:
    log = EventLog.open(place)
    version = store(log, prediction("a"))
    store(log, prediction("b"))
    compact(log.table, fewest=2)
    scan = log.scan(
        kind="prediction", start=START, end=at(days=1), columns=["event_id"], version=version
    )
    assert scan.read_all()["event_id"].to_pylist() == ["a"]


def test_a_scan_of_one_model_reads_a_part_of_a_file(place: Store) -> None:
    log = EventLog.open(place)
    rows = [prediction(f"{k}", model=f"m{k // 100:03}") for k in range(30_000)]
    store(log, *rows)
    columns = ["event_id", "model"]
    one = log.scan(
        kind="prediction",
        start=START,
        end=START + timedelta(days=1),
        columns=columns,
        model="m250",
    ).read_all()
    assert set(one["model"].to_pylist()) == {"m250"}
    assert one.num_rows == 100
    (file,) = files(log.table.current())
    assert pq.ParquetFile(log.table.storage.open(file.path)).num_row_groups == 3
