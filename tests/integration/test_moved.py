"""An id that was sent again with another time counts once after maintenance."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from monitor.cli.status import _models
from monitor.jobs.maintain import Maintained, maintain
from monitor.jobs.service import Opened
from monitor.outputs.exposition import known
from monitor.simulate.world import World
from monitor.state.moved import moved
from tests.services.evaluation import Evaluation

START = datetime(2026, 11, 2, tzinfo=UTC)
WORLD = World(11, START, 2, 200)
CARD = WORLD.card(1).replace("profile: 6h", "profile: 15m")
UNTIL = START + timedelta(days=3)
assert "profile: 15m" in CARD


def upkeep(service: Evaluation) -> Maintained:
    return maintain(service.store, "day", service.state, service.cards, now=service.now)


def later(message: bytes, by: timedelta) -> bytes:
    """The same event with another time."""
    event = json.loads(message)
    time = datetime.fromisoformat(event["event_time"]) + by
    return json.dumps({**event, "event_time": time.isoformat()}).encode()


def test_windows_are_restated_as_if_nothing_had_been_sent_again(tmp_path: Path) -> None:
    messages = [event.value for event in WORLD.events()]
    predictions = [m for m in messages if json.loads(m)["type"] == "prediction"]
    plain, service = Evaluation(tmp_path, CARD), Evaluation(tmp_path, CARD)
    for one in (plain, service):
        one.send(messages)
        one.run(UNTIL)
    assert service.results("publish") == plain.results("publish")
    again = [later(m, timedelta(minutes=20 + k)) for k, m in enumerate(predictions[:60])]
    service.send(again)
    service.run(UNTIL)
    assert service.profiles() != plain.profiles()
    before = service.revisions()

    assert upkeep(service).moved == 60
    service.run(UNTIL)
    assert service.profiles() == plain.profiles()
    assert service.results("publish") == plain.results("publish")
    assert len(service.revisions()) > len(before)
    (model,) = service.cards
    assert moved(service.state, model) == 60
    assert known(service.state, service.cards[model], {}).moved == 60
    (shown,) = _models(cast(Opened, service))
    assert "60 predictions moved across windows" in shown["detail"]

    # The same copies once more, and nothing at all.
    service.send(again)
    service.run(UNTIL)
    assert upkeep(service).moved == 0
    service.run(UNTIL)
    assert service.profiles() == plain.profiles()
    assert moved(service.state, model) == 60
    assert moved(plain.state, model) is None
