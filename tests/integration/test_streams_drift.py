"""Over real weather, a service calls for an instrument that changed and not for the seasons."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.streams import raw
from tests.streams.cards import WEATHER
from tests.streams.service import files, home

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.timeout(600)]

FORTNIGHT = 14
VISIBILITY = "feat_4"
CARD = f"""\
model: rain
owner: {{team: weather, mail: weather@example.org}}
versions: ["1"]
contract:
  prediction: {{classes: ["0", "1"], positive: "1"}}
  features:
    {VISIBILITY}: {{type: number}}
"""
FROM = datetime(1965, 1, 1, tzinfo=UTC)
MONITORED = datetime(1970, 1, 1, tzinfo=UTC)
UNTIL = datetime(1971, 3, 25, tzinfo=UTC)
"""The end of a block of four weeks, after two winters."""


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Incidents of a service with five years of reference and more than one of monitoring."""
    folder = tmp_path_factory.mktemp("weather")
    (folder / "events").mkdir()
    stream = replace(
        WEATHER,
        card=CARD,
        reference=(FROM, MONITORED),
        profile_days=FORTNIGHT,
        detect_days=FORTNIGHT,
        publish_days=26 * FORTNIGHT,
    )
    lines = [
        line
        for line in raw.messages(stream, "predictions")
        if FROM <= datetime.fromisoformat(json.loads(line)["event_time"]) < UNTIL
    ]
    with gzip.open(folder / "events" / "some.jsonl.gz", "wb") as file:
        file.write(b"\n".join(lines))
    service = home(folder / "home", {stream: files(folder / "events")})
    service.work()
    listed, _ = service.mbm("incidents", "list", "--model", stream.model, "--format", "json")
    return [json.loads(line) for line in listed.splitlines()]


def test_winters_call_nobody(called: list[dict[str, Any]]) -> None:
    assert [one["id"] for one in called if one["tier"] == "page"] == []


def test_the_change_of_the_visibility_is_a_slow_ticket_with_its_time(
    called: list[dict[str, Any]],
) -> None:
    tickets = [one for one in called if one["tier"] == "slow"]
    first = min(tickets, key=lambda one: one["opened"])
    assert VISIBILITY in first["summary"]
    assert "1970-01" <= first["since"] <= first["opened"] < "1971"
    assert len(tickets) <= 2
