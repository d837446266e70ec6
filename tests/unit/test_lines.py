"""A published number beyond a line of the card opens one incident until it was back inside."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from monitor.cards.card import Card
from monitor.jobs.lines import watch_lines
from monitor.state import incidents, results
from monitor.state.database import State
from monitor.state.incidents import Tier
from tests.results import ROW

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CARD = Card.model_validate(
    yaml.safe_load(
        """\
model: credit
owner: {team: x, mail: team@example.org}
versions: ["3"]
contract: {prediction: {classes: ["no", "yes"]}}
alarms:
  thresholds: [{metric: feature_psi, column: age, above: 0.2, tier: page}]
"""
    )
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State.open(f"sqlite:///{tmp_path}/state.db")
    yield opened
    opened.close()


def publish(state: State, *values: float | None) -> list[int]:
    """Incidents opened by each of these days, one after the other."""
    found = []
    for day, value in enumerate(values):
        start = START + day * DAY
        results.add(state, [replace(ROW, value=value, start=start, end=start + DAY)])
        found.append(watch_lines(state, CARD, start + DAY))
    return found


def test_a_number_that_stays_beyond_opens_one_incident(state: State) -> None:
    assert publish(state, 0.1, 0.25, 0.3, None, 0.3, 0.2, 0.21) == [0, 1, 0, 0, 0, 0, 1]
    second, first = incidents.listing(state, "credit")
    assert (first.tier, first.opened) == (Tier.THRESHOLD, START + 2 * DAY)
    assert first.summary == "credit: feature_psi age is 0.25, above 0.2"
    assert first.story["severity"] == "page"
    assert second.opened == START + 7 * DAY


def test_other_columns_stages_and_segments_are_not_meant(state: State) -> None:
    others = [
        replace(ROW, column_name="income"),
        replace(ROW, stage="canary"),
        replace(ROW, segment="sex=female"),
    ]
    results.add(state, others)
    assert watch_lines(state, CARD, START + DAY) == 0
