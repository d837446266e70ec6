"""A simulated service takes every window once, calls for what was planted, and goes by people."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from monitor.cli import main
from monitor.jobs.again import reader_of
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated
from monitor.jobs.query import answer
from monitor.jobs.read_in import read_in
from monitor.jobs.service import Opened, opened
from monitor.simulate.folder import write
from monitor.simulate.incidents import income_in_thousands
from monitor.simulate.world import World
from monitor.state import audit, detectors, incidents, mutes, progress, results
from monitor.state.detectors import CheckState
from monitor.state.incidents import Incident, Status, Tier, What

SEED = 11
CONSUMERS = ("@consumer=crm", "@consumer=pricing")
MODEL = "lending"
START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BEGINS = START + 31 * DAY
END = START + 36 * DAY
NOW = END + timedelta(hours=1)
_WINDOWS = "{profile: 6h, detect: 6h, publish: 24h}"


def service(folder: Path) -> Opened:
    """Everything read in, nothing evaluated; by half days, published by the week."""
    incident = income_in_thousands(BEGINS, END)
    world = World(SEED, START, 36, 1_000, (incident,))
    paths = write(world, folder)
    windows = "{profile: 12h, detect: 12h, publish: 7d}"
    text = paths.card.read_text()
    assert _WINDOWS in text
    # Outcomes get their baseline while windows are taken in.
    text = text.replace(_WINDOWS, windows).replace("labels_after: 10d", "labels_after: 3d")
    paths.card.write_text(text)
    parts = opened(paths.service)
    read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
    return parts


def run(parts: Opened, until: datetime) -> None:
    evaluated(parts, Close(everything=True, until=until), now=NOW)


def found(parts: Opened) -> list[Incident]:
    return incidents.listing(parts.state, MODEL)


def states(parts: Opened) -> dict[str, CheckState]:
    return {check.check: check.state for check in detectors.checks(parts.state, MODEL)}


@dataclass(frozen=True)
class Told:
    """The service, and what it said two days after something went wrong."""

    parts: Opened
    before: list[Incident]
    learning: str
    opened: list[Incident]
    watch: bytes
    windows: list[detectors.Window]
    checks: dict[str, CheckState]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    parts = service(tmp_path_factory.mktemp("world"))
    run(parts, START + 10 * DAY)
    learning = detectors.checks(parts.state, MODEL)[0].words
    run(parts, BEGINS)
    before = found(parts)
    run(parts, BEGINS + 2 * DAY)
    at = detectors.known(parts.state, MODEL)
    assert at is not None
    windows = detectors.windows(parts.state, MODEL)
    yield Told(parts, before, learning, found(parts), at.watch, windows, states(parts))
    parts.state.close()


@pytest.fixture(scope="module")
def accepted(told: Told) -> Told:
    """The same after somebody took it for normal, until the end; no test may change it."""
    (page,) = told.opened
    state = told.parts.state
    incidents.act(state, page.id, What.ACCEPT, who="Ann", reason="a new unit", now=NOW)
    mutes.mute(state, MODEL, "volume", END + DAY, who="Ann", reason="campaign", now=NOW)
    run(told.parts, END)
    return told


@pytest.fixture
def own(accepted: Told, tmp_path: Path) -> Iterator[Told]:
    """A copy of that, which a test may change."""
    file = accepted.parts.file
    folder = shutil.copytree(file.parent, tmp_path / "own")
    parts = opened(folder / file.name)
    yield replace(accepted, parts=parts)
    parts.state.close()


def test_learning_is_told_and_nothing_is_called_before_anything_went_wrong(told: Told) -> None:
    assert told.learning == "learning 20/30 windows"
    assert told.before == []


def test_use_is_watched_as_the_usage_events_say_it(told: Told) -> None:
    known = detectors.known(told.parts.state, MODEL)
    assert known is not None
    wanted = ["use/used", "use/ignored", "use/blocked", *(f"use/{one}/used" for one in CONSUMERS)]
    assert [name for name in known.names if name.startswith("use/")] == wanted
    reader = reader_of(told.parts, MODEL)
    lag = (reader.late.lag or 0) * reader.length
    start, end = (int((START + days * DAY).timestamp()) for days in (5, 8))
    read = reader.read((start + lag, end + lag), reader.length, with_late=True)
    age = int(reader.card.reviews_after.total_seconds())
    for one in CONSUMERS:
        name = one.partition("=")[2]
        query = (
            "SELECT count(*), count(*) FILTER (WHERE u.used = 'used') FROM usage u "
            "JOIN predictions p ON p.event_id = u.prediction_id "
            f"WHERE u.consumer = '{name}' AND p.event_time >= to_timestamp({start}) "
            f"AND p.event_time < to_timestamp({end}) "
            f"AND u.event_time <= p.event_time + INTERVAL {age} SECOND"
        )
        with answer(told.parts, query) as rows:
            (said,) = zip(*(column.to_pylist() for column in rows.read_all()), strict=True)
        assert read.uses[one].sum(axis=0)[:2].tolist() == list(said)


def test_what_was_planted_is_one_page_with_what_moved_and_since_when(told: Told) -> None:
    (page,) = told.opened
    assert (page.tier, page.status) == (Tier.PAGE, Status.OPEN)
    assert page.id == f"lending-{page.opened:%Y-%m-%d}-1"
    assert BEGINS < page.opened <= BEGINS + 2 * DAY
    assert abs(page.since - BEGINS) <= DAY
    columns = {lead.column for lead in page.leads}
    assert "income" in columns
    income = next(lead for lead in page.leads if lead.column == "income" and lead.before)
    assert income.low <= income.effect <= income.high
    assert income.low > 0 if income.direction == "up" else income.high < 0
    assert income.before is not None
    assert income.after is not None
    grown = income.after / income.before
    assert grown > 1.1 if income.direction == "up" else grown < 0.9
    assert 0 < len(page.story["examples"]) <= 5
    assert page.story["runbook"] in ("features", "novelty", "predictions", "confidence")


def test_a_restart_at_any_time_changes_no_bit(told: Told, tmp_path: Path) -> None:
    parts = service(tmp_path)
    run(parts, BEGINS + 2 * DAY)
    at = detectors.known(parts.state, MODEL)
    assert at is not None
    assert at.watch == told.watch
    assert found(parts) == told.opened
    # Another service has another key for its reviewers, and so other profiles of them.
    ours, theirs = (
        [replace(window, inputs_hash="") for window in windows]
        for windows in (detectors.windows(parts.state, MODEL), told.windows)
    )
    assert ours == theirs
    parts.state.close()


def test_an_accepted_shift_calls_nobody_again(accepted: Told) -> None:
    state = accepted.parts.state
    (page,) = accepted.opened
    assert accepted.checks["all"] is CheckState.CRITICAL
    assert [one.id for one in found(accepted.parts)] == [page.id]
    assert incidents.untaken(state, MODEL) == []
    assert incidents.one(state, page.id).acts[0].taken == BEGINS + 2 * DAY
    assert mutes.said(state, MODEL)[0].taken == BEGINS + 2 * DAY
    checks = states(accepted.parts)
    assert checks["all"] is not CheckState.CRITICAL
    assert [name for name, one in checks.items() if one is CheckState.LEARNING] == ["drift"]
    assert "people" in checks
    assert audit.verify(state) == ""
    at = detectors.known(state, MODEL)
    assert at is not None
    assert at.upto == END


def mbm(told: Told, *arguments: str, code: int = 0) -> str:
    return said(told.parts.file, *arguments, code=code)


def said(file: Path, *arguments: str, code: int = 0) -> str:
    found = CliRunner().invoke(main, [*arguments, "-c", str(file)])
    assert found.exit_code == code, found.output
    # How far a long command has come is told beside what it says.
    return found.output if code else found.stdout


def test_a_backup_on_an_empty_machine_says_the_same(accepted: Told, tmp_path: Path) -> None:
    mbm(accepted, "backup", str(tmp_path / "state.backup"))
    here, there = accepted.parts.file.parent, tmp_path / "there"
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("state.db*"))
    file = there / accepted.parts.file.name
    said(file, "restore", str(tmp_path / "state.backup"))
    (page,) = found(accepted.parts)
    for arguments in (
        ("results", "--model", MODEL, "--format", "json"),
        ("incidents", "show", page.id),
        ("replay-verdict", page.id),
        ("audit", "list"),
    ):
        assert said(file, *arguments) == mbm(accepted, *arguments)
    parts = opened(file)
    assert found(parts) == found(accepted.parts)
    assert detectors.windows(parts.state, MODEL) == detectors.windows(accepted.parts.state, MODEL)
    assert evaluated(parts, Close(everything=True, until=END), now=NOW).results == 0
    parts.state.close()
    assert "is not overwritten" in said(file, "restore", str(tmp_path / "state.backup"), code=1)


def test_what_was_told_comes_out_to_the_bit_after_people_acted(own: Told) -> None:
    (page,) = found(own.parts)
    assert mbm(own, "replay-verdict", page.id).startswith("the same bits: ")
    assert mbm(own, "replay-verdict", f"{MODEL}@{END:%Y-%m-%d}T00:00Z").startswith("the same bits")
    with own.parts.state.writing() as connection:
        changed = sa.update(detectors.WINDOWS).where(detectors.WINDOWS.c.end == page.opened)
        connection.execute(changed.values(log_evidence=1.0))
    assert "it was 1.0" in mbm(own, "replay-verdict", page.id, code=3)
    mbm(own, "replay-verdict", "nothing", code=1)


def test_results_come_out_to_the_bit_and_what_differs_is_said(own: Told) -> None:
    # Two published windows, of which the first ended before the reference was frozen.
    begin = "2026-10-29"
    for metric in ("feature_psi", "accuracy", "override", "estimated_accuracy", "predictions"):
        shown = mbm(own, "replay-verdict", f"{MODEL}/{metric}@{begin}")
        assert re.match(rf"the same bits: \d+ results of {metric}, publish window", shown)
    one = ("--version", "1", "--segment", "")
    accuracy = f"{MODEL}/accuracy@{begin}"
    assert mbm(own, "replay-verdict", accuracy, *one).startswith("the same bits: 1 results")
    mbm(own, "replay-verdict", f"{MODEL}/label_maturity@{begin}", code=1)
    mbm(own, "replay-verdict", f"{MODEL}/accuracy@2020-01-01", code=1)
    mbm(own, "replay-verdict", f"{MODEL}/accuracy@then", code=2)
    with own.parts.state.writing() as connection:
        connection.execute(sa.update(results.RESULTS).values(rows=results.RESULTS.c.rows + 1))
    shown = mbm(own, "replay-verdict", accuracy, *one, code=3)
    assert re.search(r"accuracy \(1\): rows is (\d+), it was \d+", shown)
    with own.parts.state.writing() as connection:
        connection.execute(sa.update(results.RESULTS).values(rows=results.RESULTS.c.rows - 1))
    card = own.parts.file.parent / "cards" / f"{MODEL}.yaml"
    kept = card.read_text()
    card.write_text(
        f"{kept}approver: somebody-else\n".replace("approver: head-of-credit-risk\n", "")
    )
    assert "the card is another" in mbm(own, "replay-verdict", accuracy, *one, code=3)
    card.write_text(kept)


def test_a_backtest_finds_what_was_paged_and_writes_nothing(accepted: Told) -> None:
    before = detectors.known(accepted.parts.state, MODEL), found(accepted.parts)
    (page,) = found(accepted.parts)
    span = ("--from", "2026-10-01", "--to", f"{END:%Y-%m-%d}")
    shown = mbm(accepted, "backtest", "--model", MODEL, *span, "--format", "json")
    calls = [json.loads(line) for line in shown.splitlines() if line.startswith("{")]
    assert calls[0]["at"][:16] == f"{page.opened:%Y-%m-%dT%H:%M}"
    assert [call["tier"] for call in calls].count("page") == 1
    assert (detectors.known(accepted.parts.state, MODEL), found(accepted.parts)) == before


def test_people_see_and_end_incidents_on_the_command_line(own: Told) -> None:
    (page,) = found(own.parts)
    assert page.id in mbm(own, "incidents", "list", "--model", MODEL)
    shown = mbm(own, "incidents", "show", page.id)
    assert "income" in shown
    assert "Ann: accept, a new unit" in shown
    signed = ("--who", "Ann", "--reason", "again")
    assert "accepted already" in mbm(own, "incidents", "resolve", page.id, *signed, code=1)
    until = ("--model", MODEL, "--signal", "age", "--until", "2026-12-01")
    assert "age of lending is muted" in mbm(own, "incidents", "mute", *until, *signed)
    assert "accept incident" in mbm(own, "audit", "list", "--about", page.id)
    assert mbm(own, "audit", "verify").startswith("3 entries, unbroken")
    status = mbm(own, "status")
    assert "detector" in status
    assert "incidents" in status


def test_a_window_that_is_closed_before_its_time_is_taken_when_it_ends(own: Told) -> None:
    state = own.parts.state
    for days in range(2):
        # With no end named, all up to the end of the last event's week is closed.
        evaluated(own.parts, Close(everything=True), now=NOW + days * DAY)
        closed = progress.closed(state, MODEL, "inputs")
        assert closed is not None
        assert closed > NOW + days * DAY
        assert detectors.taken(state, MODEL) == END + days * DAY


def test_a_detector_that_is_to_learn_anew_says_so(own: Told) -> None:
    state = own.parts.state
    (file,) = (own.parts.file.parent / "cards").glob("*.yaml")
    text = file.read_text()
    window = re.search(r'window: \{from: "([^"]+)", to: "([^"]+)"\}', text)
    assert window
    later = window[0].replace(window[2], (END + 60 * DAY).isoformat())
    file.write_text(text.replace(window[0], later))
    parts = opened(own.parts.file)
    evaluated(parts, Close(everything=True), now=NOW + 2 * DAY)
    parts.state.close()
    found = {check.check: check for check in detectors.checks(state, MODEL)}
    assert found.keys() <= {"all", "drift"}
    assert found["all"].state is CheckState.LEARNING
    assert found["all"].words == "learning until the reference ends"
