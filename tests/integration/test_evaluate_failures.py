"""Failed requests from the log to results, at once and bit by bit."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.simulate.world import World
from tests.services.evaluation import Evaluation

START = datetime(2026, 11, 2, tzinfo=UTC)
WORLD = World(11, START, 2, 100)
CARD = WORLD.card(1)
(MODEL,) = (line.split()[1] for line in CARD.splitlines() if line.startswith("model:"))
UNTIL = START + timedelta(days=4)


def failure(number: int, at: datetime, **keys: object) -> bytes:
    event = {"type": "failure", "event_id": f"f{number}", "model": MODEL}
    return json.dumps({**event, "event_time": at.isoformat(), **keys}).encode()


FIRST = [failure(i, START + timedelta(minutes=i), version="1", code="timeout") for i in range(40)]
OTHERS = [failure(100 + i, START + timedelta(hours=i), code="lost") for i in range(10)]
SILENT = [failure(200 + i, START + timedelta(days=2, hours=i), version="1") for i in range(5)]
"""On the third day there are no predictions at all."""


def told(service: Evaluation) -> dict[tuple[str, str, str, datetime], float | None]:
    """Value by metric, version, segment and day."""
    return {
        (row.metric, row.version, row.segment, row.start): row.value
        for metric in ("failures", "failure_rate", "predictions")
        for row in service.rows(metric)
    }


def test_failures_have_results_by_version_code_and_day(tmp_path: Path) -> None:
    at_once = Evaluation(tmp_path / "once", CARD)
    messages = [event.value for event in WORLD.events()]
    # Messages that come twice are one failure.
    at_once.send([*messages, *FIRST, *OTHERS, *SILENT, *FIRST[:7]])
    at_once.run(UNTIL)
    found = told(at_once)
    predictions = found["predictions", "1", "", START]
    assert predictions is not None
    assert found["failures", "1", "", START] == 40
    assert found["failures", "1", "@code=timeout", START] == 40
    assert found["failure_rate", "1", "", START] == 40 / (40 + predictions)
    assert found["failures", "unknown", "@code=lost", START] == 10
    assert found["failure_rate", "unknown", "", START] == 1
    # A day on which everything failed has results too; one on which nothing did is unknown.
    assert found["failure_rate", "1", "", START + timedelta(days=2)] == 1
    assert found["failure_rate", "1", "", START + timedelta(days=1)] is None

    late = Evaluation(tmp_path / "late", CARD)
    late.send([*messages, *FIRST[::2]])
    late.run(START + timedelta(days=2))
    late.send([*FIRST, *SILENT])
    late.run(START + timedelta(days=3))
    late.send(OTHERS)
    late.run(UNTIL)
    assert told(late) == found
    assert late.profiles() == at_once.profiles()
