"""A simulated stream with known leaks: exactly those are listed, whatever happens on the way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.simulate.card import service_text
from monitor.simulate.incidents import Incident, SkippedReview
from monitor.simulate.leaks import TOLERANCE, Leak
from monitor.simulate.rhythm import microseconds, moment
from monitor.simulate.world import World
from monitor.state import reviews
from monitor.state.database import State

pytestmark = pytest.mark.slow

START = datetime(2026, 10, 5, tzinfo=UTC)
DAYS = 5
WORLD = World(
    seed=17,
    start=START,
    days=DAYS,
    per_day=400,
    incidents=(
        Incident(
            "skip",
            START + timedelta(days=1),
            START + timedelta(days=DAYS),
            (SkippedReview("crm", 0.5), SkippedReview("pricing", 0.15)),
            (),
        ),
    ),
    duplicates=0.05,
)


def mbm(folder: Path, *words: str, fail_at: str = "") -> str:
    """What a command printed; one that is to be killed prints nothing."""
    command = [sys.executable, "-m", "monitor", *words, "-c", str(folder / "service.yaml")]
    environment = {**os.environ, "MBM_FAIL_AT": fail_at}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == (-signal.SIGKILL if fail_at else 0), done.stderr[-3000:]
    return done.stdout


def listed(folder: Path, *words: str) -> list[dict[str, Any]]:
    """The rows of `mbm reviews`."""
    text = mbm(folder, "reviews", "--model", "lending", "--format", "json", *words)
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service over a world that came in two halves, shuffled and with much twice."""
    place = tmp_path_factory.mktemp("world")
    for name in ("cards", "events"):
        (place / name).mkdir()
    (place / "cards/lending.yaml").write_text(WORLD.card(1))
    service = service_text().replace("*.jsonl.gz", "*.jsonl")
    (place / "service.yaml").write_text(service)
    messages = [event.value for event in WORLD.events()]
    chance = random.Random(4)
    chance.shuffle(messages)
    # Half of all comes when the other half is evaluated: reviews of what seemed a leak too.
    half = len(messages) // 2
    for part, some in enumerate((messages[:half], messages[half:])):
        (place / f"events/{part}.jsonl").write_bytes(b"\n".join(some) + b"\n")
        mbm(place, "ingest", "--once")
        for step in ("after_build", "after_reviews", "after_publish", ""):
            mbm(place, "evaluate", "--once", "--until", WORLD.end.isoformat(), fail_at=step)
    return place


def planted() -> Mapping[str, Leak]:
    """The leaks whose effect lies in the time that is closed for audits, by 6 hours."""
    closed = microseconds(WORLD.end) - TOLERANCE
    return {name: leak for name, leak in WORLD.leaks().items() if leak.effect < closed}


def test_exactly_the_planted_leaks_are_listed(folder: Path) -> None:
    expected = planted()
    assert len(expected) > 20
    assert {leak.review is None for leak in expected.values()} == {True, False}
    rows = listed(folder, "--leaks")
    held = {row["prediction_id"]: row for row in rows if row["status"] != "retracted"}
    assert held.keys() == expected.keys()
    assert len({row["prediction_id"] for row in rows}) == len(rows)
    for name, leak in expected.items():
        row = held[name]
        assert row["status"] == ("unreviewed" if leak.review is None else "reviewed")
        assert datetime.fromisoformat(row["effect_at"]) == moment(leak.effect)
        assert (row["review_at"] is None) == (leak.review is None)
        assert row["reason"] in ("low confidence", "sample")
        assert row["consumer"] in ("pricing", "crm")


def test_exactly_the_reviews_that_nobody_made_are_open(folder: Path) -> None:
    reviewed, required = set(), {}
    for event in WORLD.events():
        message = json.loads(event.value)
        if message["type"] == "decision":
            reviewed.add(message["prediction_id"])
    for row in listed(folder, "--open"):
        required[row["prediction_id"]] = row
        assert row["status"] == ("overdue" if row["age_seconds"] > 8 * 3600 + 60 else "open")
        assert row["due"] is not None
    assert required
    assert not required.keys() & reviewed
    assert not required.keys() & WORLD.leaks().keys()
    ages = [row["age_seconds"] for row in required.values()]
    assert ages == sorted(ages, reverse=True)


def test_another_run_changes_nothing_and_the_count_is_that_of_the_list(folder: Path) -> None:
    before = listed(folder)
    assert before == [*listed(folder, "--leaks"), *listed(folder, "--open")]
    assert "0 new results" in mbm(folder, "evaluate", "--once", "--until", WORLD.end.isoformat())
    assert listed(folder) == before
    assert listed(folder, "--leaks", "--limit", "3") == before[:3]


def test_the_published_numbers_are_those_of_the_lists(folder: Path) -> None:
    def values(metric: str) -> float:
        text = mbm(folder, "results", "--model", "lending", "--metric", metric, "--format", "json")
        rows = [json.loads(line) for line in text.splitlines()]
        whole = [row for row in rows if row["segment"] == "" and row["stage"] == ""]
        assert all(row["value"] is not None for row in whole)
        return sum(row["value"] for row in whole)

    leaks = [row for row in listed(folder, "--leaks") if row["status"] != "retracted"]
    assert values("review_leaks") == len(leaks)
    assert values("review_outstanding") == len(listed(folder, "--open"))


def test_a_model_without_a_policy_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    card = (folder / "cards/lending.yaml").read_text()
    begin, end = card.index("review:"), card.index("label_horizon")
    (tmp_path / "cards/lending.yaml").write_text(card[:begin] + card[end:])
    (tmp_path / "events").mkdir()
    (tmp_path / "service.yaml").write_text(service_text())
    command = [sys.executable, "-m", "monitor", "reviews", "--model", "lending"]
    done = subprocess.run(
        [*command, "-c", str(tmp_path / "service.yaml")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "declare one in its card: review" in done.stderr


def test_the_leaks_of_an_erased_person_leave_the_list_and_not_the_count(
    folder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    before = {row["prediction_id"] for row in listed(place, "--leaks")}
    subjects = {
        message["event_id"]: message["subject"]
        for message in (json.loads(event.value) for event in WORLD.events())
        if message["type"] == "prediction"
    }
    gone = min(before)
    mbm(place, "erase", "--subject", subjects[gone])
    assert {row["prediction_id"] for row in listed(place, "--leaks")} == before - {gone}
    standing = reviews.standing(State.open(f"sqlite:///{place}/data/state.db"), "lending")
    assert sum(one.leaks for one in standing.values()) == len(before)
