"""The demo, as `make demo` runs it: quick, through the real path, with its incident in sight."""

import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.jobs.query import answer
from monitor.jobs.service import opened
from monitor.profiles.windows import HOUR, floor, seconds_of
from monitor.simulate.leaks import TOLERANCE
from monitor.simulate.world import World, demo_world
from monitor.state import incidents, ledger, reviews

pytestmark = pytest.mark.slow

PATIENCE = 300


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, float]:
    """What the demo printed, where it left its data, and the seconds it took."""
    place = tmp_path_factory.mktemp("demo") / "demo"
    begun = time.monotonic()
    command = [sys.executable, "-m", "monitor", "demo", "--fast", "--folder", str(place)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout, place, time.monotonic() - begun


def times(shown: str, pattern: str) -> list[float]:
    """How many times their noise the numbers of these lines differ, as the table says."""
    return [
        float(line.split()[-1]) for line in shown.splitlines() if re.match(rf"{pattern}\b", line)
    ]


def simulated(place: Path) -> World:
    """The world that the demo showed: it ends with the hour of its last prediction."""
    with answer(opened(place / "service.yaml"), "SELECT max(event_time) FROM predictions") as found:
        (last,) = found.read_all()[0].to_pylist()
    return demo_world(last + timedelta(hours=1))


def test_the_planted_incident_is_in_the_table(shown: tuple[str, Path, float]) -> None:
    text, _, _ = shown
    for pattern in ("feature_psi +income", "confidence_mean"):
        assert max(times(text, pattern), default=0.0) >= 3, pattern
    assert "Planted on" in text


def test_one_page_names_what_moved_and_since_when(shown: tuple[str, Path, float]) -> None:
    text, place, _ = shown
    (page,) = [
        one
        for one in incidents.listing(opened(place / "service.yaml").state)
        if one.tier is incidents.Tier.PAGE
    ]
    assert "income" in page.summary
    (planted,) = simulated(place).incidents
    assert f"Planted on {planted.start:%-d %B}:" in text
    assert abs(page.since - planted.start) <= timedelta(days=1)
    assert page.opened - page.since <= timedelta(days=2)
    # The table's last windows hold too few reviews of the team to show it at every hour.
    assert ("override", "@team=south", "up") in {
        (one.metric, one.segment, one.direction) for one in page.leads
    }


def test_the_planted_leaks_are_listed_and_no_others(shown: tuple[str, Path, float]) -> None:
    _, place, _ = shown
    leaks = reviews.leaks(opened(place / "service.yaml").state, "lending")
    world = simulated(place)
    # Audits look back from the end of the last whole window of six hours.
    closed = floor(seconds_of(world.end), 6 * HOUR) * 1_000_000 - TOLERANCE
    planted = {found for found, leak in world.leaks().items() if leak.effect < closed}
    assert {leak.prediction_id for leak in leaks} == planted
    assert {leak.consumer for leak in leaks} == {"crm"}
    assert {leak.effect for leak in leaks} == {"used"}
    with answer(opened(place / "service.yaml"), "SELECT prediction_id FROM leaks") as found:
        listed = found.read_all()["prediction_id"].to_pylist()
    assert listed == [leak.prediction_id for leak in leaks]


def test_what_nothing_happened_to_differs_no_more_than_by_chance(
    shown: tuple[str, Path, float],
) -> None:
    text, _, _ = shown
    # Of 250 numbers one or the other lies 3 times its noise away, hardly ever 4.5.
    alike = ("override +branch=(north|central)", "feature_psi +(age|loan_amount|late_payments)")
    for pattern in (*alike, "feature_psi +purpose"):
        assert max(times(text, pattern), default=0.0) < 4.5, pattern


def test_it_takes_the_real_path_and_accounts_for_every_message(
    shown: tuple[str, Path, float],
) -> None:
    text, place, _ = shown
    received = int(re.search(r"Read (\d+) messages", text)[1])  # type: ignore[index]
    accounts = ledger.accounts(opened(place / "service.yaml").state)
    assert sum(account.received for account in accounts) == received
    assert all(account.unbroken for account in accounts)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    command = [sys.executable, "-m", "monitor", "demo", "--folder", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "is not empty" in result.stderr
