"""People and consumers from messages to verdicts: divided, withheld, missed when silent."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.state.results import ResultRow
from tests.services.evaluation import Evaluation

START = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 6
DAILY = 192
UNTIL = START + timedelta(days=DAYS)
CARD = """\
model: credit
owner: {team: t, mail: t@example.org}
versions: ["1"]
contract: {prediction: {classes: [reject, approve], positive: approve}}
windows: {profile: 1h, detect: 6h, publish: 24h}
people: {fastest: 30s, run: 3}
use: {consumers: [app, crm, mail]}
"""
PEOPLE = {
    "north": ("ann", "bob", "cy"),
    "south": ("dee", "eve"),
    "east": ("flo", "gus", "hal"),
    "west": ("ida",),
}


def event(kind: str, number: int, time: datetime, **keys: object) -> bytes:
    base = {
        "type": kind,
        "event_id": f"{kind}{number}{keys.get('consumer', '')}",
        "model": "credit",
    }
    return json.dumps({**base, "event_time": time.isoformat(), **keys}).encode()


def world() -> Iterator[tuple[datetime, bytes]]:
    """Predictions, four in half an hour; `app` uses all of five days, `crm` some of all."""
    for i in range(DAYS * DAILY):
        made = START + timedelta(minutes=7.5 * i)
        predicted = "approve" if i % 3 else "reject"
        yield (
            made,
            event(
                "prediction",
                i,
                made,
                version="1",
                prediction=predicted,
                confidence=0.55 + i % 5 / 10,
            ),
        )
        about = {"prediction_id": f"prediction{i}", "prediction_time": made.isoformat()}
        team = tuple(PEOPLE)[i % 4]
        decided = made + timedelta(minutes=40)
        said = {
            "decision": "reject" if i % 10 == 1 else predicted,
            "team": team,
            "reviewer": PEOPLE[team][i // 4 % len(PEOPLE[team])],
            "review_started_at": (
                decided - timedelta(seconds=20 if i % 8 == 0 else 90)
            ).isoformat(),
        }
        yield decided, event("decision", i, decided, **about, **said)
        if i < (DAYS - 1) * DAILY:
            used = made + timedelta(minutes=5)
            yield used, event("usage", i, used, **about, consumer="app", used="used", value=2.5)
        if i % 8 == 0:
            used = made + timedelta(hours=3)
            state = {"used": "used" if i % 16 else "ignored", "action": "mail"}
            yield used, event("usage", i, used, **about, consumer="crm", **state)


MESSAGES = [message for _, message in world()]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """One batch, one run."""
    made = Evaluation(tmp_path_factory.mktemp("people"), CARD)
    made.send(MESSAGES)
    made.run(UNTIL)
    return made


def on_day(rows: list[ResultRow], day: int) -> dict[str, ResultRow]:
    start = START + timedelta(days=day)
    return {row.column_name: row for row in rows if row.start == start}


def test_a_consumer_is_missed_on_the_day_it_uses_nothing(service: Evaluation) -> None:
    rows = service.rows("consumer_silent")
    first, fifth, last = (on_day(rows, day) for day in (0, 4, 5))
    assert {row.reason for row in first.values()} == {"no window before this one has predictions"}
    assert (fifth["app"].value, last["app"].value) == (0.0, 1.0)
    assert last["app"].rows == 4 * DAILY
    # Twelve uses a day by this one, all but those of the last three hours before midnight.
    assert (last["crm"].value, last["crm"].rows) == (0.0, 4 * 12)
    # Declared, and never there.
    assert (last["mail"].value, last["mail"].reason) == (
        None,
        "it used nothing in the windows before",
    )


def test_uses_are_counted_by_consumer(service: Evaluation) -> None:
    (whole,) = service.rows("use_used", segment="", start=START)
    (crm,) = service.rows("use_used", segment="@consumer=crm", start=START)
    assert (whole.value, whole.rows) == ((192 + 12) / (192 + 24), 192 + 24)
    # 24 uses are too few to be shown of a group.
    assert (crm.value, crm.rows) == (None, 24)
    (unused,) = service.rows("unused_predictions", segment="", start=START + timedelta(days=5))
    assert (unused.value, unused.rows) == (1 - 12 / 192, 192)
    (worth,) = service.rows("used_value", segment="@consumer=app", start=START)
    assert (worth.value, worth.rows) == (2.5 * 192, 192)
    (delay,) = service.rows("use_delay_p50", segment="@consumer=app", start=START)
    assert (delay.lower or 0) <= 300 <= (delay.upper or 0)
    (action,) = service.rows("dependence", segment="", start=START)
    assert (action.value, action.rows) == (None, 24)


def test_teams_of_one_and_two_are_not_shown_and_those_of_three_are(service: Evaluation) -> None:
    shown = {
        team: service.rows("override", segment=f"@team={team}", start=START)[0] for team in PEOPLE
    }
    for number, team in enumerate(PEOPLE):
        mine = range(number, DAILY, 4)
        # Every tenth prediction is overridden, but every third of them is "reject" anyway.
        rate = sum(i % 10 == 1 and i % 3 != 0 for i in mine) / 48
        if team in ("north", "east"):
            assert (shown[team].value, shown[team].rows) == (rate, 48)
        else:
            assert (shown[team].value, shown[team].rows) == (None, 0)
            assert "fewer than 3 people" in shown[team].reason
    teams = on_day(service.rows("outlying_groups"), 0)["team"]
    assert (teams.value, teams.rows) == (0.0, 96)
    gaps = on_day(service.rows("team_override_gap"), 0)
    assert {team for team, gap in gaps.items() if gap.value is not None} == {"north", "east"}


def test_numbers_of_people_are_those_of_the_messages(service: Evaluation) -> None:
    (fast,) = service.rows("fast_reviews", segment="", start=START)
    assert (fast.value, fast.rows) == (0.125, DAILY)
    (number,) = service.rows("reviewers", segment="", start=START)
    assert number.value == 9
    bands = [service.rows("override", segment=f"@band=0.{n}-0.{n + 1}") for n in (5, 6, 7, 8)]
    assert [sum(row.start == START for row in band) for band in bands] == [1, 1, 1, 1]
    directions = on_day(service.rows("override_direction", segment=""), 0)
    assert directions["reject→approve"].value == 0
    assert directions["approve→reject"].rows == 128


def test_a_day_of_many_teams_keeps_fifty_and_loses_no_decision(tmp_path: Path) -> None:
    other = Evaluation(tmp_path, CARD)
    messages = []
    for i in range(240):
        made = START + timedelta(minutes=i)
        messages.append(event("prediction", i, made, version="1", prediction="approve"))
        about = {"prediction_id": f"prediction{i}", "decision": "reject"}
        # Thirty teams an hour, other ones each hour.
        team = f"team{i // 60 * 30 + i % 30:03}"
        messages.append(event("decision", i, made, **about, team=team))
    other.send(messages)
    other.run(START + timedelta(days=1))
    rows = other.rows("override")
    teams = {row.segment: row.rows for row in rows if row.segment.startswith("@team=")}
    assert len(teams) == 51
    assert teams.pop("@team=others") == 240 - 50 * 2
    assert teams == {f"@team=team{n:03}": 2 for n in range(50)}


def test_runs_in_between_and_late_uses_end_like_a_single_run(
    service: Evaluation, tmp_path: Path
) -> None:
    chance = random.Random(4)
    other = Evaluation(tmp_path, CARD)
    late = [message for message in MESSAGES if chance.random() < 0.3]
    held_back = set(late)
    other.send([message for message in MESSAGES if message not in held_back])
    other.run(START + timedelta(days=3, hours=5))
    other.run(UNTIL)
    chance.shuffle(late)
    other.send(late)
    other.run(UNTIL)
    assert other.profiles() == service.profiles()
    assert other.results("publish") == service.results("publish")
