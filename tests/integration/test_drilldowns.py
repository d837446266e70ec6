"""Drill-downs of weeks: made once, bounded in number, and never in the way of a report."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from prometheus_client import CollectorRegistry

from monitor.cards.card import Card
from monitor.jobs import drilldown, reports, sampled_drift
from monitor.jobs.notices import Notifier
from monitor.jobs.read_in import read_in
from monitor.jobs.reference_rows import MOST, ReferenceRows
from monitor.jobs.sample import inputs_of
from monitor.jobs.service import Opened, opened
from monitor.log import drilldowns
from monitor.log.drilldowns import Drilldowns
from monitor.log.store import Store
from monitor.metrics.base import Undefined
from monitor.outputs import evidently
from monitor.outputs.evidently import MISSING, Limits, Tables
from monitor.render import report as words
from monitor.simulate import folder
from monitor.simulate.world import demo_world
from tests.integration.test_reports import MONDAY, WEEK, parts_of, settings_of, with_report
from tests.pages import HOSTILE, Service, service
from tests.services.smtp import Mailbox

PAGE = b"<!doctype html><p>each feature</p>"


def test_only_the_newest_of_a_model_are_kept(tmp_path: Path) -> None:
    kept = Drilldowns(Store(str(tmp_path / "data")))
    assert kept.weeks("loan") == []
    assert kept.get("loan", WEEK) is None
    weeks = [f"2026-W{n:02}" for n in range(1, drilldowns.KEPT + 3)]
    for week in weeks:
        kept.put("../loan", week, PAGE + week.encode())
    kept.put(HOSTILE, WEEK, PAGE)
    assert kept.weeks("../loan") == weeks[: -drilldowns.KEPT - 1 : -1]
    assert kept.get("../loan", weeks[-1]) == PAGE + weeks[-1].encode()
    assert kept.get("../loan", weeks[0]) is None
    assert kept.get("../loan", "../../state") is None
    assert kept.weeks(HOSTILE) == [WEEK]
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    world = demo_world(datetime(2026, 3, 14, tzinfo=UTC), days=2, per_day=200)
    path = folder.write(world, tmp_path_factory.mktemp("drilled")).service
    made = opened(path)
    read_in(made, lambda: False, once=True, registry=CollectorRegistry())
    return made


@pytest.fixture
def drilled(parts: Opened, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Tables]]:
    """What Evidently was asked for, whose place somebody quick has taken."""
    asked: list[Tables] = []

    def page(tables: Tables, html: Path, limits: Limits) -> str:
        assert limits == drilldown.LIMITS
        asked.append(tables)
        html.write_bytes(PAGE)
        return ""

    start = datetime(2026, 3, 12, tzinfo=UTC).timestamp()
    span = (int(start), int(start) + 86_400)
    rows = inputs_of(parts, parts.cards["lending"], span, most=MOST)
    side = ReferenceRows("r", rows, np.zeros(rows.num_rows, np.int64))
    monkeypatch.setattr(drilldown, "reference_rows", lambda *_: side)
    monkeypatch.setattr(evidently, "page", page)
    yield asked
    Drilldowns(parts.store)._storage.delete([drilldowns._path("lending", WEEK)])


def test_a_week_is_taken_apart_once(parts: Opened, drilled: list[Tables]) -> None:
    card = parts.cards["lending"]
    assert drilldown.made(parts, card, WEEK) == ""
    assert drilldown.made(parts, card, WEEK) == ""
    (tables,) = drilled
    assert "income" in tables.numbers
    assert tables.reference.num_rows > 100
    assert tables.current.num_rows > tables.reference.num_rows
    assert Drilldowns(parts.store).get("lending", WEEK) == PAGE
    assert drilldown.made(parts, card, "2020-W01") == "no predictions"


def test_columns_without_values_are_left_out(
    parts: Opened, drilled: list[Tables], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = sampled_drift.tables_of

    def hollow(*sides: object) -> Tables:
        found = of(*sides)  # type: ignore[arg-type]
        place = found.current.column_names.index("income")
        nulls = pa.nulls(found.current.num_rows, pa.float64())
        return replace(found, current=found.current.set_column(place, "income", nulls))

    monkeypatch.setattr(drilldown, "tables_of", hollow)
    assert drilldown.made(parts, parts.cards["lending"], WEEK) == ""
    (tables,) = drilled
    assert "income" not in {*tables.numbers, *tables.reference.column_names}
    assert tables.reference.column_names == tables.current.column_names


def test_a_failure_is_a_sentence(
    parts: Opened, drilled: list[Tables], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = parts.cards["lending"]
    monkeypatch.setattr(evidently, "page", lambda *_: "Evidently took more than 180 s")
    assert drilldown.made(parts, card, WEEK) == "Evidently took more than 180 s"

    def broken(*_: object) -> str:
        raise RuntimeError("secret")

    monkeypatch.setattr(evidently, "page", broken)
    assert drilldown.made(parts, card, WEEK) == "RuntimeError; see the log"
    monkeypatch.setattr(drilldown, "reference_rows", lambda *_: Undefined("no reference"))
    assert drilldown.made(parts, card, WEEK) == "no reference"
    assert Drilldowns(parts.store).weeks("lending") == []
    assert drilled == []
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert drilldown.made(parts, card, WEEK) is None
    assert drilldown.made(parts, with_report(card, attach=True), WEEK) == MISSING


@pytest.fixture
def loan(tmp_path: Path) -> Iterator[Service]:
    made = service(tmp_path, text="Overrides rose", is_calm=True)
    yield made
    made.state.close()


@pytest.mark.parametrize("attach", [True, False])
def test_a_report_links_it_and_brings_it_along_where_that_is_wanted(
    attach: bool, loan: Service, mailbox: Mailbox
) -> None:
    card, settings = with_report(loan.cards["loan"], attach=attach), settings_of(mailbox)
    pages = {("loan", WEEK): PAGE}
    notifier = Notifier(
        loan.state,
        settings,
        CollectorRegistry(),
        lambda: MONDAY,
        page=lambda model, week: pages.get((model, week)),
    )
    cards = {"loan": card}
    asked = reports.write_due(loan.state, settings, cards, MONDAY, lambda *_: "")
    assert asked == (1, [])
    assert notifier.tell(cards) == (1, 0)
    (mail,) = mailbox.mails
    text, page, _ = parts_of(mail)
    link = f"https://mbm.example.org/models/loan/drilldowns/{WEEK}"
    assert f'<a href="{link}">' in page
    assert link in text
    found = [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()]
    assert found == ([(f"drilldown-{WEEK}.html", PAGE.decode())] if attach else [])
    assert len(page.encode()) < words.MOST_BYTES


def test_a_report_says_why_it_has_none(loan: Service, mailbox: Mailbox) -> None:
    card, settings = with_report(loan.cards["loan"], attach=True), settings_of(mailbox)
    notifier = Notifier(loan.state, settings, CollectorRegistry(), lambda: MONDAY)
    reports.write_due(loan.state, settings, {"loan": card}, MONDAY, lambda *_: f"{HOSTILE}\nBcc: x")
    assert notifier.tell({"loan": card}) == (1, 0)
    (mail,) = mailbox.mails
    text, page, _ = parts_of(mail)
    assert "There is no drill-down by Evidently this week: " in text
    assert "<script" not in page
    assert mail["Bcc"] is None
    assert "drilldowns" not in page
    assert list(mail.iter_attachments()) == []


def test_drill_downs_hold_up_mails_for_a_bounded_time_and_come_later_whoever_leads(
    loan: Service,
) -> None:
    card = loan.cards["loan"]
    cards = {name: card.model_copy(update={"model": name}) for name in ("a", "b", "c", "d")}
    seconds, asked = 0.0, []

    def made(one: Card, week: str) -> str:
        nonlocal seconds
        seconds += drilldown.ROUND.total_seconds()
        asked.append((one.model, week))
        return ""

    def begun() -> drilldown.Rounds:
        """A round in a process that knows nothing of those before."""
        rounds = drilldown.Rounds(loan.state, made, lambda: seconds)
        rounds.begin()
        return rounds

    rounds = begun()
    said = [rounds(one, WEEK) for one in cards.values()]
    assert said == ["", drilldown.LATER, drilldown.LATER, drilldown.LATER]
    assert rounds.go_on(cards) == 0
    assert begun().go_on(cards) == 1
    assert begun().go_on({"d": cards["d"]}) == 1
    assert begun().go_on(cards) == 0
    assert asked == [("a", WEEK), ("b", WEEK), ("d", WEEK)]


def test_a_drill_down_whose_process_died_is_made_again(loan: Service) -> None:
    asked = []

    def dies(one: Card, week: str) -> str:
        asked.append(week)
        raise KeyboardInterrupt

    drilldown.Rounds(loan.state, dies)(loan.cards["loan"], WEEK)
    for _ in range(2):
        rounds = drilldown.Rounds(loan.state, dies)
        rounds.begin()
        with pytest.raises(KeyboardInterrupt):
            rounds.go_on(loan.cards)
    assert asked == [WEEK, WEEK]
