"""A span's rows are those that delta-rs finds by predicate, whoever wrote the files."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from monitor.errors import LogError
from monitor.events.schema import EVENTS
from monitor.log import read, scan
from monitor.log.compact import compact
from monitor.log.events import EventLog
from monitor.log.files import Storage
from monitor.log.rewrite import files
from monitor.log.store import Store
from tests.services.rows import START, at, outcome, prediction, store, table

COLUMNS = ("event_id", "kind", "day", "model", "stage", "numeric", "category", "event_time", "risk")


@pytest.fixture
def place(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "log"))


def events(dice: random.Random, count: int) -> list[dict[str, object]]:
    """Predictions and outcomes of some models on three days."""
    return [
        (
            outcome(f"o{k}", f"{k}", at(minutes=dice.randrange(4_000)))
            if dice.random() < 0.1
            else prediction(
                f"{k}",
                at(minutes=dice.randrange(4_000)),
                model=dice.choice(["a", "credit", "credit2", "é'"]),
                stage=dice.choice([None, "full", "shadow"]),
                category=[dice.choice([None, "x", "y" * 40])],
            )
        )
        for k in range(count)
    ]


def found(rows: pa.Table) -> list[dict[str, object]]:
    return sorted(rows.to_pylist(), key=repr)


@pytest.mark.parametrize("partition", ["day", "month"])
def test_a_span_holds_what_delta_finds_by_predicate(
    place: Store, monkeypatch: pytest.MonkeyPatch, partition: Literal["day", "month"]
) -> None:
    monkeypatch.setattr("monitor.log.files.ROW_GROUP_ROWS", 7)
    dice = random.Random(5)
    log = EventLog.open(place, partition)
    for _ in range(4):
        store(log, *events(dice, 60))
    # Another program's file: lists named otherwise, no row of a stage.
    foreign = table(events(dice, 40))
    if partition == "month":
        foreign = foreign.set_column(
            0, EVENTS.field("day"), pa.array([START.date().replace(day=1)] * 40, pa.date32())
        )
    write_deltalake(log.table.uri, foreign, mode="append")
    for attempt in range(60):
        if attempt == 30:
            compact(log.table, fewest=2)
        start = at(minutes=dice.randrange(-100, 4_000))
        end = start + timedelta(minutes=dice.choice([1, 50, 3_000]))
        model = dice.choice([None, "credit", "é'", "zz"])
        rows = log.scan(kind="prediction", start=start, end=end, columns=COLUMNS, model=model)
        condition = read.all_of(
            "kind = 'prediction'",
            read.between("event_time", start, end),
            None if model is None else f"model = {read.text(model)}",
        )
        expected = found(log.read(COLUMNS, condition).read_all())
        assert found(rows.read_all()) == expected
        encoded = log.scan(
            kind="prediction", start=start, end=end, columns=COLUMNS, model=model, encoded=True
        )
        assert encoded.schema.field("model").type == scan.DICTIONARY
        assert encoded.schema.field("category").type == pa.list_(scan.DICTIONARY)
        assert encoded.schema.field("event_id").type == pa.string()
        assert found(encoded.read_all()) == expected


def test_rows_side_by_side_are_not_copied(place: Store) -> None:
    log = EventLog.open(place)
    store(log, *(prediction(f"{k}", at(seconds=k), numeric=[float(k)]) for k in range(100)))
    (batch,) = log.scan(
        kind="prediction", start=at(seconds=20), end=at(seconds=30), columns=["numeric"]
    )
    assert batch.column("numeric").offset == 20
    assert batch.column("numeric").flatten().to_pylist() == [float(k) for k in range(20, 30)]


def test_a_row_group_outside_the_span_is_not_read(
    place: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.log.files.ROW_GROUP_ROWS", 10)
    log = EventLog.open(place)
    store(log, *(prediction(f"{k}", at(seconds=k)) for k in range(100)))
    seen: list[list[str]] = []
    honest = pq.ParquetFile.read_row_group

    def counted(self: pq.ParquetFile, group: int, columns: list[str], **more: bool) -> pa.Table:
        seen.append(sorted(columns))
        return honest(self, group, columns, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    rows = log.scan(
        kind="prediction", start=at(seconds=15), end=at(seconds=40), columns=["event_id"]
    )
    assert rows.read_all().num_rows == 25
    # The first group holds rows before the span, the others are in it by their account.
    assert seen == [["event_id", "event_time"], ["event_id"], ["event_id"]]


def test_a_file_that_is_gone_or_broken_is_named(place: Store) -> None:
    log = EventLog.open(place)
    store(log, prediction("a"))

    def everything(end: datetime) -> pa.Table:
        return log.scan(kind="prediction", start=START, end=end, columns=["event_id"]).read_all()

    (file,) = files(log.table.current())
    Storage(log.table.uri, {}).write(file.path, b"no Parquet")
    with pytest.raises(LogError, match=r"part-.* cannot be read: "):
        everything(at(days=1))
    Path(log.table.uri, file.path).unlink()
    with pytest.raises(LogError, match=r"no longer has the file .*run it again"):
        everything(at(days=1))
    assert everything(START).num_rows == 0
