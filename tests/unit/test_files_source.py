"""Files and standard input as sources."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.errors import OffsetGoneError, SourceError
from monitor.settings.sources import Files
from monitor.sources.base import Limit
from monitor.sources.files import FINISHED, FilesSource
from monitor.sources.lines import LONGEST
from monitor.sources.parquet import ParquetReader
from monitor.sources.stdin import StdinSource
from tests.services.log import FakeLog, drain

LIMIT = Limit(rows=10, seconds=1)


def read(path: Path, log: FakeLog, limit: Limit = LIMIT, **options: object) -> FilesSource:
    source = FilesSource("events", Files.model_validate({"path": path, **options}))
    source.start(log.marks)
    drain(source, log, limit, wait=0)
    return source


def write(path: Path, lines: list[bytes]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def numbered(begin: int, end: int) -> list[bytes]:
    return [b'{"n":%d}' % n for n in range(begin, end)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_come_once_and_in_order(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, numbered(0, 95))
    log = FakeLog()
    read(tmp_path, log)
    assert log.values() == numbered(0, 95)
    assert list(log.messages) == [f"file/events/{name}"]
    read(tmp_path, log)
    assert len(log.values()) == 95


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
@pytest.mark.parametrize("stored", [1, 10, 34, 35])
def test_reading_resumes_after_the_mark(tmp_path: Path, name: str, stored: int) -> None:
    if name == "a.parquet":
        table = pa.table({"n": range(35)})
        pq.write_table(table, tmp_path / name, row_group_size=10)
    else:
        write(tmp_path / name, numbered(0, 35))
    log = FakeLog({f"file/events/{name}": stored - 1})
    read(tmp_path, log)
    assert log.values() == numbered(stored, 35)


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write(tmp_path / "b" / "2.jsonl", [b"three"])
    write(tmp_path / "b" / "1.jsonl.gz", [b"two"])
    write(tmp_path / "a.jsonl", [b"one"])
    write(tmp_path / "manifest.json", [b"no message"])
    write(tmp_path / ".hidden.jsonl", [b"no message"])
    log = FakeLog()
    read(tmp_path, log, Limit(rows=2))
    assert log.values() == [b"one", b"two", b"three"]


def test_a_pattern_chooses_and_a_single_file_may_have_any_name(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [b"a"])
    write(tmp_path / "b.jsonl", [b"b"])
    write(tmp_path / "events.txt", [b"c"])
    read(tmp_path, chosen := FakeLog(), pattern="b*")
    read(tmp_path / "events.txt", named := FakeLog())
    assert (chosen.values(), named.values()) == ([b"b"], [b"c"])


def test_blank_lines_and_line_ends_are_no_part_of_messages(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"one\r\n\r\n\ntwo\nthree")
    read(tmp_path, log := FakeLog())
    assert log.messages["file/events/a.jsonl"] == [(0, b"one"), (3, b"two"), (4, b"three")]


def test_a_finished_gzip_is_not_opened_again(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl.gz", numbered(0, 5))
    read(tmp_path, log := FakeLog())
    assert log.positions == {"file/events/a.jsonl.gz": FINISHED}
    (tmp_path / "a.jsonl.gz").write_bytes(b"would fail to unpack")
    read(tmp_path, log)
    assert len(log.values()) == 5


def test_following_waits_for_the_rest_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"one\ntw")
    log = FakeLog()
    source = read(tmp_path, log, follow=True)
    assert log.values() == [b"one"]
    with file.open("ab") as out:
        out.write(b"o\nthree\n")
    write(tmp_path / "b.jsonl", [b"four"])
    while len(log.values()) < 4:
        if (batch := source.poll(LIMIT, 2)) is not None:
            log.append(batch)
    assert log.values() == [b"one", b"two", b"three", b"four"]
    assert source.exhausted()
    assert all(s.position == s.end for s in source.standing().values())


def test_a_damaged_file_is_named_after_all_else_was_read(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl.gz", [os.urandom(2000).hex().encode() for _ in range(100)])
    whole = (tmp_path / "a.jsonl.gz").read_bytes()
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    write(tmp_path / "b.jsonl", [b"fine"])
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not really")
    log = FakeLog()
    with pytest.raises(SourceError, match=r"a\.jsonl\.gz is damaged.*c\.parquet"):
        read(tmp_path, log)
    assert log.messages["file/events/b.jsonl"] == [(0, b"fine")]
    good = len(log.messages["file/events/a.jsonl.gz"])
    assert 20 < good < 80
    (tmp_path / "a.jsonl.gz").write_bytes(whole)
    (tmp_path / "c.parquet").unlink()
    read(tmp_path, log)
    assert len(log.messages["file/events/a.jsonl.gz"]) == 100


def test_a_file_that_became_shorter_stops_the_source(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", numbered(0, 5))
    with pytest.raises(OffsetGoneError, match="has 5 lines"):
        read(tmp_path, FakeLog({"file/events/a.jsonl": 9}))
    source = read(tmp_path, log := FakeLog(), follow=True)
    write(tmp_path / "a.jsonl", numbered(0, 2))
    with pytest.raises(OffsetGoneError, match="shorter"):
        source.poll(LIMIT, 3)
    assert len(log.values()) == 5


def test_a_file_that_was_read_may_be_taken_away(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", numbered(0, 5))
    write(tmp_path / "b.jsonl.gz", numbered(5, 6))
    source = read(tmp_path, log := FakeLog(), follow=True)
    (tmp_path / "a.jsonl").unlink()
    (tmp_path / "b.jsonl.gz").unlink()
    write(tmp_path / "c.jsonl", numbered(6, 8))
    batch = source.poll(LIMIT, 3)
    assert batch is not None
    log.append(batch)
    assert log.values() == numbered(0, 8)
    assert list(source.standing()) == ["file/events/c.jsonl"]


def test_a_name_that_is_no_text_holds_no_other_file_up(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [b"fine"])
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl")), [b"lost"])
    log = FakeLog()
    with pytest.raises(SourceError, match=r"name of .*\\xff\.jsonl is not UTF-8; rename"):
        read(tmp_path, log)
    assert log.values() == [b"fine"]


def test_a_rewound_file_gives_the_same_messages_again(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl.gz", numbered(0, 25))
    source = FilesSource("events", Files(path=tmp_path))
    source.start((log := FakeLog()).marks)
    first = source.poll(LIMIT, 0)
    assert first is not None
    source.rewind(log.marks(first.partitions))
    drain(source, log, LIMIT, wait=0)
    assert log.values() == numbered(0, 25)


def test_a_line_without_end_takes_bounded_memory(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"x" * (3 * LONGEST) + b"\nshort\n")
    read(tmp_path, log := FakeLog())
    assert [len(value or b"") for value in log.values()] == [LONGEST, 5]


def test_a_row_of_parquet_is_a_json_object_without_its_nulls(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = pa.table(
        {"event_time": [at, at], "model": ["m", None], "features": [{"age": 3.5}, {"age": None}]}
    )
    pq.write_table(rows, tmp_path / "a.parquet")
    read(tmp_path, log := FakeLog())
    assert [json.loads(value or b"") for value in log.values()] == [
        {"event_time": "2026-03-01T12:00:00Z", "model": "m", "features": {"age": 3.5}},
        {"event_time": "2026-03-01T12:00:00Z", "features": {"age": None}},
    ]


def test_a_payload_column_holds_the_messages_themselves(tmp_path: Path) -> None:
    rows = pa.table({"payload": [b"{}", None, b"\xff"], "topic": ["a", "b", "c"]})
    pq.write_table(rows, tmp_path / "a.parquet")
    read(tmp_path, log := FakeLog())
    assert log.values() == [b"{}", None, b"\xff"]


def test_times_of_parquet_may_have_nanoseconds(tmp_path: Path) -> None:
    kind = pa.timestamp("ns", "UTC")
    at = pa.array([1_700_000_000_123_456_789], kind)
    rows = pa.table({"event_time": at, "inside": pa.StructArray.from_arrays([at], ["t"])})
    pq.write_table(rows, tmp_path / "a.parquet")
    read(tmp_path, log := FakeLog())
    text = "2023-11-14T22:13:20.123456Z"
    assert [json.loads(value or b"") for value in log.values()] == [
        {"event_time": text, "inside": {"t": text}}
    ]


def test_a_row_of_parquet_that_json_cannot_hold_holds_no_other_up(tmp_path: Path) -> None:
    far = pa.array([0, 1 << 62, 1], pa.timestamp("us", "UTC"))
    letters = pa.array([b"a", b"b", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"t": far, "s": letters}), tmp_path / "a.parquet")
    read(tmp_path, log := FakeLog())
    first, *others = log.values()
    assert json.loads(first or b"") == {"t": "1970-01-01T00:00:00Z", "s": "a"}
    assert all(b"cannot be written as JSON" in (other or b"") for other in others)
    assert len(others) == 2


def test_a_folder_without_files_and_a_missing_path_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file that matches"):
        read(tmp_path, FakeLog())
    with pytest.raises(SourceError, match="there is no"):
        read(tmp_path / "missing", FakeLog())


def test_standard_input_ends_with_its_last_line() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        os.write(writer, b"one\n\ntw")
        source = StdinSource("events", file)
        source.start((log := FakeLog()).marks)
        first = source.poll(Limit(seconds=0.05), 1)
        assert first is not None
        log.append(first)
        assert not source.exhausted()
        os.write(writer, b"o\nthree")
        os.close(writer)
        drain(source, log, LIMIT, wait=1)
    assert log.messages[source.partition] == [(0, b"one"), (2, b"two"), (3, b"three")]
    with pytest.raises(SourceError, match="cannot be read again"):
        source.rewind({source.partition: 0})


def test_wide_rows_of_parquet_are_decoded_a_few_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    texts = [f"{n}" * 1_000_000 for n in range(10)] * 4
    pq.write_table(pa.table({"payload": texts}), path, use_dictionary=False)
    reader = ParquetReader(path, 0)
    asked = []
    batches = reader._file.iter_batches

    def asking(rows: int, *rest: object) -> object:
        asked.append(rows)
        return batches(rows, *rest)

    reader._file.iter_batches = asking
    assert len(reader.read(40, 1 << 30)) == 40
    assert asked == [16]
