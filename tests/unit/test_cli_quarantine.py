"""Replay from quarantine through the command: what a new card makes sense of comes in, once."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from monitor.cli import main
from monitor.jobs.current_cards import LOOK_SECONDS, CurrentCards
from monitor.jobs.read_in import read_in
from monitor.jobs.replay import Replayed, replay
from monitor.jobs.service import opened
from monitor.log.quarantine import REPLAY
from monitor.outputs.totals import Totals, totals
from monitor.state.heartbeats import heartbeats
from monitor.state.ledger import Account

NOW = datetime(2026, 3, 2, tzinfo=UTC)
CARD = """\
model: {model}
owner: {{team: t, mail: t@example.org}}
versions: ["1"]
contract:
  prediction: {{classes: [no, yes], positive: yes}}
  features: {{x: {{type: number}}}}
"""
SERVICE = """\
store: ./data
cards: ./cards
sources:
  events: {files: {path: ./events}}
"""


def event(model: str, number: int, **more: object) -> str:
    known = {
        "type": "prediction",
        "event_id": f"{model}-{number}",
        "event_time": f"2026-03-01T00:00:{number:02d}Z",
        "model": model,
        "version": "1",
        "features": {"x": number},
        "prediction": "yes",
        "probability": 0.9,
    }
    return json.dumps({**known, **more})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("cards", "events"):
        (tmp_path / name).mkdir()
    (tmp_path / "service.yaml").write_text(SERVICE)
    (tmp_path / "cards" / "a.yaml").write_text(CARD.format(model="a"))
    lines = [event("a", 1), event("b", 2), event("b", 3), "{broken", event("a", 4)]
    (tmp_path / "events" / "1.jsonl").write_text("\n".join(lines) + "\n")
    read_in(
        opened(tmp_path / "service.yaml"), lambda: False, once=True, registry=CollectorRegistry()
    )
    return tmp_path


def run(place: Path, *arguments: str) -> list[dict[str, object]]:
    asked = [*arguments, "-c", str(place / "service.yaml"), "--format", "json"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_list_tells_reason_detail_and_bytes(place: Path) -> None:
    found = run(place, "quarantine", "list")
    assert [row["reason"] for row in found] == ["bad_json", "unknown_model", "unknown_model"]
    assert found[0]["payload"] == "{broken"
    assert [row["payload"] for row in run(place, "quarantine", "list", "--reason", "bad_json")] == [
        "{broken"
    ]


def test_a_new_card_takes_its_messages_in_once(place: Path) -> None:
    (place / "cards" / "b.yaml").write_text(CARD.format(model="b"))
    parts = opened(place / "service.yaml")
    come: list[tuple[str, int, int]] = []
    told = replay(parts, now=NOW, told=lambda *far: come.append(far))
    assert told == Replayed(tried=3, taken_in=2)
    assert come == [("messages", 3, 3)]
    assert replay(parts, now=NOW) == Replayed(tried=1, taken_in=0)
    found = run(place, "query", "SELECT event_id, x, replay_of FROM b ORDER BY x")
    assert [row["event_id"] for row in found] == ["b-2", "b-3"]
    assert [row["replay_of"] for row in found] == [f"file/events/1.jsonl@{n}" for n in (1, 2)]
    done = {row["position"]: row["is_replayed"] for row in run(place, "quarantine", "list")}
    assert list(done.values()).count(True) == 2
    waiting = run(place, "quarantine", "list", "--waiting", "--limit", "1")
    assert [row["payload"] for row in waiting] == ["{broken"]


def test_a_replayed_message_counts_once_in_the_account() -> None:
    read = Account("file/a", 1, 4, 5, 2, 3, {}, 2, unbroken=True)
    again = Account(REPLAY, 1, 1, 2, 2, 0, {}, 2, unbroken=True)
    found = totals([read, again])
    assert found == Totals(5, 2, 3, replayed=2, ignored=0, broken=())
    assert found.is_even


def test_heartbeats_of_files_and_sources_that_are_gone_are_dropped(place: Path) -> None:
    (place / "events" / "2.jsonl").write_text(event("a", 5) + "\n")
    (place / "events" / "1.jsonl").unlink()
    parts = opened(place / "service.yaml")
    read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
    assert [beat.partition for beat in heartbeats(parts.state)] == ["file/events/2.jsonl"]


def test_cards_change_with_their_files_and_stay_where_these_have_mistakes(place: Path) -> None:
    now = [0.0]
    cards = opened(place / "service.yaml").cards
    current = CurrentCards(place / "cards", cards, lambda: now[0])
    (place / "cards" / "b.yaml").write_text("model: b\n")
    assert not current.changed()
    now[0] += LOOK_SECONDS
    assert not current.changed()
    assert list(current.cards) == ["a"]
    (place / "cards" / "b.yaml").write_text(CARD.format(model="b"))
    now[0] += LOOK_SECONDS
    assert current.changed()
    assert list(current.cards) == ["a", "b"]
    now[0] += LOOK_SECONDS
    assert not current.changed()


def test_a_reference_file_of_a_card_is_put_in_force_by_evaluation(place: Path) -> None:
    (place / "cards" / "a.yaml").write_text(
        CARD.format(model="a") + "reference: {file: ../training.jsonl}\n"
    )
    lines = [event("a", n, event_id=f"t-{n}") for n in range(1, 50)]
    (place / "training.jsonl").write_text("\n".join([*lines, "{broken"]) + "\n")
    asked = ["evaluate", "--once", "-c", str(place / "service.yaml")]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    shown = run(place, "reference", "show", "a")
    assert [(row["by"], row["rows"], row["source"]) for row in shown] == [
        ("card", 49, "file training.jsonl")
    ]


def test_a_reference_file_without_rows_says_what_it_holds(place: Path) -> None:
    (place / "other.jsonl").write_text(event("b", 1) + "\n{broken\n")
    asked = ["reference", "set", "a", "--file", str(place / "other.jsonl")]
    result = CliRunner().invoke(main, [*asked, "-c", str(place / "service.yaml")])
    assert result.exit_code == 1
    assert "no predictions in file other.jsonl" in result.stderr
    assert "unknown_model 1" in result.stderr
