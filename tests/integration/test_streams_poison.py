"""Bad messages among 100,000 good ones: each in quarantine with its reason, nothing else lost."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.events.schema import Kind, Reason
from monitor.simulate.load import load_card, load_messages, load_models
from tests.services.kafka import Broker
from tests.streams.service import Home

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

GOOD = 100_000
MODELS = load_models(2)


def event(**changes: object) -> bytes:
    """A prediction with some keys changed; those that are None are left out."""
    whole = {
        "type": "prediction",
        "event_id": "bad",
        "event_time": "2026-01-05T00:00:00Z",
        "model": MODELS[0],
        "version": "1",
        "prediction": "low",
    }
    return json.dumps({k: v for k, v in {**whole, **changes}.items() if v is not None}).encode()


def ended(text: bytes) -> bytes:
    """A prediction with more JSON at its end."""
    return event()[:-1] + b"," + text + b"}"


POISON: tuple[tuple[Reason, bytes | None], ...] = (
    (Reason.TOMBSTONE, None),
    (Reason.TOMBSTONE, b"null"),
    (Reason.EMPTY, b""),
    (Reason.EMPTY, b" \t"),
    (Reason.BAD_JSON, event()[:-1]),
    (Reason.BAD_JSON, b"hello"),
    (Reason.BAD_JSON, event() + event()),
    (Reason.BAD_JSON, event() + b"\n" + event()),
    (Reason.BAD_JSON, ended(b"'a':1")),
    (Reason.NOT_AN_OBJECT, b"[" + event() + b"]"),
    (Reason.NOT_AN_OBJECT, b"17"),
    (Reason.BAD_UTF8, event(risk="~").replace(b"~", b"\xff\xfe")),
    (Reason.BAD_UTF8, event(risk="~").replace(b"~", b"\\ud800")),
    (Reason.DUPLICATE_KEY, ended(b'"version":"2"')),
    (Reason.DUPLICATE_KEY, ended(b'"note":{"a":1,"a":2}')),
    (Reason.TOO_DEEP, ended(b'"note":' + b"[" * 5_000 + b"]" * 5_000)),
    (Reason.TOO_LARGE, ended(b'"note":"' + b"x" * 1_000_000 + b'"')),
    (Reason.NOT_FINITE, ended(b'"confidence":NaN')),
    (Reason.NOT_FINITE, ended(b'"confidence":-Infinity')),
    (Reason.MISSING_KEY, event(event_id=None)),
    (Reason.MISSING_KEY, event(event_time=None)),
    (Reason.MISSING_KEY, event(version=None)),
    (Reason.MISSING_KEY, event(prediction=None)),
    (Reason.MISSING_KEY, event(model=None)),
    (Reason.WRONG_TYPE, event(version={"name": "1"})),
    (Reason.WRONG_TYPE, event(model=17)),
    (Reason.WRONG_TYPE, event(event_id=[1])),
    (Reason.BAD_TIME, event(event_time="2026-01-05T00:00:00")),
    (Reason.BAD_TIME, event(event_time="2026-02-30T00:00:00Z")),
    (Reason.FUTURE, event(event_time="2999-01-01T00:00:00Z")),
    (Reason.UNKNOWN_TYPE, event(type="predicton")),
    (Reason.UNKNOWN_MODEL, event(model="nobody")),
    (Reason.UNSUPPORTED_SCHEMA, event(schema=99)),
)
"""What is wrong, and the message."""


def service(folder: Path, origin: dict[str, Any]) -> Home:
    (folder / "cards").mkdir(parents=True)
    for model in MODELS:
        (folder / "cards" / f"{model}.yaml").write_text(load_card(model))
    settings = {
        "store": "data",
        "cards": "cards",
        "log": {"partition": "day"},
        "sources": {"events": origin},
        "ingest": {"batch": {"rows": 20_000}},
    }
    (folder / "service.yaml").write_text(json.dumps(settings))
    return Home(folder)


def mixed(bad: Sequence[bytes | None]) -> list[bytes | None]:
    """The good messages with the bad ones spread evenly among them, the first one in front."""
    every: list[bytes | None] = list(load_messages(1, GOOD, len(MODELS)))
    for n, message in enumerate(bad):
        every.insert(n * (GOOD // len(bad)), message)
    return every


def check(home: Home, bad: Sequence[tuple[Reason, bytes | None]]) -> None:
    """Every bad message is in quarantine with its reason, every good one in the log once."""
    listed, _ = home.mbm("quarantine", "list", "--limit", "1000", "--format", "json")
    found = [json.loads(line) for line in listed.splitlines()]
    found.sort(key=lambda one: int(one["position"].rpartition("@")[2]))
    assert [one["reason"] for one in found] == [reason for reason, _ in bad]
    log = home.log().read(["event_id", "kind"], f"kind = '{Kind.PREDICTION}'").read_all()
    ids = {json.loads(message)["event_id"] for message in load_messages(1, GOOD, len(MODELS))}
    assert log.num_rows == GOOD
    assert set(log["event_id"].to_pylist()) == ids


def test_poison_in_files_is_set_aside_line_by_line(tmp_path: Path) -> None:
    # A line can be neither a tombstone nor hold a line break, and an empty one is none.
    bad = [(why, text) for why, text in POISON if text and b"\n" not in text and text.strip()]
    path = tmp_path / "events"
    path.mkdir()
    lines = [message or b"" for message in mixed([text for _, text in bad])]
    (path / "all.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    home = service(tmp_path / "home", {"files": {"path": str(path)}})
    home.mbm("ingest", "--once")
    check(home, bad)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as found:
        found.create_topic("events")
        # The one that is too large for us is too large for the client's own limit as well.
        limits = {"message.max.bytes": 1_040_000, "queue.buffering.max.messages": 2 * GOOD}
        producer = found.producer(**limits)
        for message in mixed([text for _, text in POISON]):
            producer.produce("events", message, partition=0)
        assert producer.flush(60) == 0
        yield found


@pytest.mark.parametrize("client", ["confluent", "kafka-python"])
def test_poison_from_kafka_is_set_aside_message_by_message(
    client: str, broker: Broker, tmp_path: Path
) -> None:
    kafka = {"bootstrap": broker.bootstrap, "topics": ["events"], "group": client, "client": client}
    home = service(tmp_path / "home", {"kafka": kafka})
    said, _ = home.mbm("ingest", "--once")
    assert f"{GOOD + len(POISON)} messages" in said
    check(home, POISON)
