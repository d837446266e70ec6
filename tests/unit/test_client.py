"""The SDK of model services: right events, and never in the way of serving."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.client import Client, File
from monitor.client.buffer import Buffer, Message, Sink
from monitor.client.encode import InvalidEventError, encoded, instant
from monitor.events.batch import Decoded
from monitor.events.schema import Kind
from tests.messages import NOW, batch, decoder

PATIENCE = 20.0


class Taken:
    """A sink in memory that can be made to fail or to hang."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_failing = False
        self.gate = threading.Event()
        self.gate.set()
        self.opened = 0
        self.refused = 0

    def open(self) -> Sink:
        self.opened += 1
        return self

    def send(self, batch: Sequence[Message]) -> int:
        self.gate.wait(PATIENCE)
        if self.is_failing:
            raise ConnectionError("no broker answers")
        self.messages += batch
        return self.refused

    def close(self) -> None:
        pass

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(value) for _, value in self.messages]


def client(sink: Taken, **options: int) -> Client:
    return Client(model="loan", version="1", to=sink, **options)


def decoded(sink: Taken) -> Decoded:
    return decoder().decode(batch([value for _, value in sink.messages]), now=NOW)


def test_every_kind_of_event_is_understood_by_the_service() -> None:
    sink = Taken()
    told = client(sink)
    at = NOW - timedelta(hours=1)
    case = told.predicted(
        1,
        features={"amount": 40.5, "purpose": "car", "children": 2, "insured": True, "zip": "9000"},
        probability=0.8,
        attributes={"sex": "f"},
        stage="full",
        experiment={"key": "e", "variant": "b"},
        latency_ms=3.5,
        event_time=at,
    )
    told.decided(case, 0, reviewer="anna", review_started_at=at, event_time=at)
    told.outcome(case, 1, weight=2.0, prediction_time=at, event_time=at)
    told.used(case, consumer="app", used="ignored", event_time=at)
    told.failed("timeout", "after 3 s", event_time=at)
    told.deployed("2", stage="canary", traffic_share=0.1, event_time=at)
    assert told.close(PATIENCE)
    kinds = [event["type"] for event in sink.events()]
    assert kinds == ["prediction", "decision", "outcome", "usage", "failure", "deployment"]
    assert {key for key, _ in sink.messages[:4]} == {case.encode()}
    found = decoded(sink)
    stored = found.rows["kind"].to_pylist()
    assert Kind.QUARANTINE not in stored, found.rows["detail"].to_pylist()
    assert sorted(stored) == sorted(kinds)
    assert not found.unknown_keys
    assert not any(found.rows["violations"].to_pylist()[0] or [])


def test_numbers_of_numpy_are_numbers_and_nan_is_null() -> None:
    text = encoded(
        "prediction",
        {"a": np.float32(0.5), "b": np.int64(3), "c": float("nan"), "d": np.array([1.0, 2.0]),
         "e": Decimal("1.5"), "f": np.bool_(True), "g": float("inf")},
    )  # fmt: skip
    assert json.loads(text) == {
        "type": "prediction", "a": 0.5, "b": 3, "c": None, "d": [1.0, 2.0], "e": 1.5, "f": True,
        "g": None,
    }  # fmt: skip


def test_times_have_a_zone_or_are_refused() -> None:
    east = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert instant(east) == "2026-01-01T00:00:00.000000Z"
    with pytest.raises(InvalidEventError, match="has no zone"):
        instant(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake


def test_what_is_no_event_is_counted_and_never_raised() -> None:
    sink = Taken()
    told = client(sink)
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    for features in ({"x": object()}, {"x": {1, 2, object()}}, loop, {"x": "y" * 2_000_000}):
        assert told.predicted("yes", features=features)
    told.outcome("p", "yes", event_time=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake
    told.predicted("yes", features={"ok": 1})
    assert told.close(PATIENCE)
    counts = told.counts()
    assert (counts["dropped_invalid"], counts["sent"]) == (5, 1)


def test_serving_never_waits_and_the_newest_is_dropped_when_full() -> None:
    sink = Taken()
    sink.gate.clear()
    told = client(sink, buffer=10)
    began = time.monotonic()
    for number in range(1_000):
        told.predicted("yes", event_id=f"p{number}")
    assert time.monotonic() - began < PATIENCE / 4
    counts = told.counts()
    assert (counts["accepted"], counts["waiting"], counts["dropped_full"]) == (10, 10, 990)
    sink.gate.set()
    assert told.flush(PATIENCE)
    assert [event["event_id"] for event in sink.events()] == [f"p{n}" for n in range(10)]


def test_the_buffer_is_bounded_in_bytes_too() -> None:
    sink = Taken()
    sink.gate.clear()
    told = client(sink, buffer_bytes=10_000)
    for _ in range(20):
        told.predicted("yes", features={"x": "y" * 1_000})
    assert told.counts()["dropped_full"] > 10
    sink.gate.set()
    assert told.close(PATIENCE)


def test_what_failed_is_sent_again_in_order() -> None:
    sink = Taken()
    sink.is_failing = True
    told = client(sink)
    told.predicted("yes", event_id="first")
    told.predicted("yes", event_id="second")
    _wait_until(lambda: sink.opened >= 2)
    assert told.counts()["sent"] == 0
    sink.is_failing = False
    assert told.flush(PATIENCE)
    assert [event["event_id"] for event in sink.events()] == ["first", "second"]
    assert told.counts() == {"accepted": 2, "sent": 2, "waiting": 0}


def test_what_brokers_refuse_for_good_is_counted() -> None:
    sink = Taken()
    sink.refused = 1
    told = client(sink)
    told.predicted("yes")
    assert told.flush(PATIENCE)
    assert told.counts() == {"accepted": 1, "sent": 0, "dropped_refused": 1, "waiting": 0}


def test_closing_gives_up_in_time_and_counts_what_was_left() -> None:
    sink = Taken()
    sink.is_failing = True
    told = client(sink)
    told.predicted("yes")
    began = time.monotonic()
    assert not told.close(0.3)
    assert time.monotonic() - began < PATIENCE / 2
    told.predicted("yes")
    counts = told.counts()
    assert (counts["dropped_unsent"], counts["dropped_closed"], counts["waiting"]) == (1, 1, 0)


def test_trouble_is_told_once_and_not_for_every_event(caplog: pytest.LogCaptureFixture) -> None:
    sink = Taken()
    told = client(sink)
    with caplog.at_level(logging.WARNING, "monitor.client"):
        for _ in range(50):
            told.predicted(object())  # type: ignore[arg-type]
    assert len(caplog.records) == 1
    assert "no place in an event" in caplog.text
    assert told.close(PATIENCE)


def test_many_threads_lose_nothing() -> None:
    sink = Taken()
    told = client(sink)

    def serve(name: int) -> None:
        for number in range(200):
            told.predicted("yes", event_id=f"{name}-{number}")

    threads = [threading.Thread(target=serve, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.close(PATIENCE)
    assert len({event["event_id"] for event in sink.events()}) == 1_600
    assert told.counts()["sent"] == 1_600


_EXITING = """
from monitor.client import Client, File
import sys
def serve():
    told = Client(model="m", version="1", to=File(sys.argv[1]))
    for n in range(100):
        told.predicted("yes", event_id=f"p{n}")
serve()
"""


def test_the_end_of_a_process_sends_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "events.jsonl"
    subprocess.run([sys.executable, "-c", _EXITING, str(path)], check=True, timeout=PATIENCE * 3)
    assert len(path.read_text().splitlines()) == 100


_FORKING = """
from monitor.client import Client, File
import os, sys
told = Client(model="m", version="1", to=File(sys.argv[1]))
told.predicted("yes", event_id="parent")
told.flush()
child = os.fork()
told.predicted("yes", event_id=f"after-{'child' if child == 0 else 'parent'}")
assert told.flush(10)
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_tells_its_own_events_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, "-c", _FORKING, str(path)], check=True, timeout=PATIENCE * 3)
    names = sorted(json.loads(line)["event_id"] for line in path.read_text().splitlines())
    assert names == ["after-child", "after-parent", "parent"]


def test_it_loads_nothing_heavy() -> None:
    code = "import sys, monitor.client; print(*{n.partition('.')[0] for n in sys.modules})"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "pyarrow", "pydantic", "sqlalchemy", "kafka", "confluent_kafka", "click"}
    assert not heavy & set(loaded)
    assert {name for name in loaded if name == "monitor"} == {"monitor"}


def test_a_buffer_may_be_thrown_away() -> None:
    sink = Taken()
    buffer = Buffer(sink.open, 10, 1_000)
    assert buffer.close(0.1)
    buffer.put(b"k", b"v")
    assert buffer.counts()["dropped_closed"] == 1


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_file_is_read_as_a_source(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    told = Client(model="m", version="1", to=File(path))
    told.predicted("yes", features={"age": 30}, event_time=datetime.now(UTC))
    assert told.close(PATIENCE)
    (line,) = path.read_bytes().splitlines()
    assert json.loads(line)["features"] == {"age": 30}
