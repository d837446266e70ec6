"""Weekly reports: what they say, that they come once, and that nothing written can steer them."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from monitor.cards.card import Card
from monitor.cards.report import WeeklyReport
from monitor.cli import main
from monitor.errors import MonitorError
from monitor.jobs import reports
from monitor.jobs.notices import LEASE, Notifier
from monitor.jobs.weekly import week_of, weekly
from monitor.outputs.pictures import png
from monitor.render import report as words
from monitor.settings.notices import Notices
from monitor.state import incidents, progress
from monitor.state.database import State
from tests.pages import DAY, END, HOSTILE, Service, incident, service
from tests.services.smtp import Mailbox

WEEK = "2026-W11"
"""The week that ends on Sunday, 15 March 2026."""

MONDAY = datetime(2026, 3, 16, 9, tzinfo=UTC)
SITE = "https://mbm.example.org"


@pytest.fixture
def loan(tmp_path: Path) -> Iterator[Service]:
    made = service(tmp_path, text="Overrides rose", is_calm=True)
    yield made
    made.state.close()


def with_report(card: Card, **keys: object) -> Card:
    return card.model_copy(update={"report": WeeklyReport.model_validate(keys)})


def settings_of(mailbox: Mailbox) -> Notices:
    smtp = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "from": "mbm@example.org",
    }
    link = f"{SITE}/incidents/{{incident}}"
    return Notices.model_validate({"channels": {"mail": {"smtp": smtp}}, "incident_url": link})


class Clocked:
    """A service whose reports are written and sent at a time that the test moves."""

    def __init__(self, loan: Service, mailbox: Mailbox, card: Card) -> None:
        self.loan, self.now, self.cards = loan, MONDAY, {"loan": card}
        self.broken: list[str] = []
        self.settings = settings_of(mailbox)
        self.notifier = Notifier(loan.state, self.settings, CollectorRegistry(), lambda: self.now)

    def tick(self, after: timedelta = timedelta(0)) -> tuple[int, tuple[int, int]]:
        self.now += after
        due, self.broken = reports.write_due(self.loan.state, self.settings, self.cards, self.now)
        return due, self.notifier.tell(self.cards)


def parts_of(mail: EmailMessage) -> tuple[str, str, dict[str, bytes]]:
    """Plain text, HTML and pictures of a mail."""
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    pictures = {
        str(part["Content-ID"]).strip("<>"): part.get_content()
        for part in mail.walk()
        if part.get_content_type() == "image/png"
    }
    return text.get_content(), page.get_content(), pictures


def test_a_report_comes_once_with_text_page_and_pictures(loan: Service, mailbox: Mailbox) -> None:
    clocked = Clocked(loan, mailbox, with_report(loan.cards["loan"], to=["ada@example.org"]))
    assert clocked.tick() == (1, (1, 0))
    assert clocked.tick(timedelta(days=2)) == (0, (0, 0))
    (mail,) = mailbox.mails
    assert mailbox.to == [["ada@example.org"]]
    assert mail["Subject"].startswith(f"loan, {WEEK}: ")
    assert mail["List-Unsubscribe"].strip().startswith("<mailto:mbm@example.org?subject=")
    assert mail["Auto-Submitted"] == "auto-generated"
    text, page, pictures = parts_of(mail)
    assert "What moved most: Override rate, version 2, now 14 % (12 % to 16 %)" in text
    assert "the week before 21 %" in text
    assert f"{SITE}/models/loan" in text
    shown = re.findall(r'<img src="cid:(\w+)" alt="[^"]+"', page)
    assert shown == list(pictures)
    assert shown
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())
    assert len(mail.as_bytes()) < words.MOST_BYTES


def test_a_report_is_made_once_and_keeps_none_from_the_others(
    loan: Service, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = with_report(loan.cards["loan"])
    clocked = Clocked(loan, mailbox, card)
    clocked.cards = {"broken": card.model_copy(update={"model": "broken"}), "loan": card}
    made: list[str] = []
    compose = reports.composed

    def composed(
        state: State, settings: Notices, card: Card, week: str, drill: reports.Drill
    ) -> dict[str, object]:
        made.append(card.model)
        if card.model == "broken":
            raise ZeroDivisionError
        return compose(state, settings, card, week, drill)

    monkeypatch.setattr(reports, "composed", composed)
    monkeypatch.setattr(progress, "closed", lambda *_: MONDAY)
    assert clocked.tick() == (1, (1, 0))
    assert clocked.broken == ["broken"]
    assert clocked.tick(timedelta(minutes=5)) == (0, (0, 0))
    assert made == ["broken", "loan", "broken"]


def test_a_server_that_is_down_loses_no_report(loan: Service, mailbox: Mailbox) -> None:
    clocked = Clocked(loan, mailbox, with_report(loan.cards["loan"]))
    mailbox.down = True
    assert clocked.tick() == (1, (0, 1))
    mailbox.down = False
    assert clocked.tick(timedelta(minutes=6)) == (0, (1, 0))
    assert mailbox.to == [["credit@example.org"]]


def test_a_death_between_sending_and_recording_repeats_the_same_message(
    loan: Service, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DiedError(Exception):
        pass

    def die(_: str) -> None:
        raise DiedError

    clocked = Clocked(loan, mailbox, with_report(loan.cards["loan"]))
    with monkeypatch.context() as patch:
        patch.setattr("monitor.jobs.notices.reach", die)
        with pytest.raises(DiedError):
            clocked.tick()
    assert clocked.tick(LEASE + timedelta(seconds=1)) == (0, (1, 0))
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_report_waits_until_its_week_is_closed(loan: Service, mailbox: Mailbox) -> None:
    # Results are closed up to the 20th, a Friday.
    clocked = Clocked(loan, mailbox, with_report(loan.cards["loan"]))
    clocked.now = MONDAY + timedelta(days=7)
    assert clocked.tick() == (0, (0, 0))


def test_who_asks_for_no_report_gets_none(loan: Service, mailbox: Mailbox) -> None:
    assert Clocked(loan, mailbox, loan.cards["loan"]).tick() == (0, (0, 0))
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("keys", "now", "week"),
    [
        ({}, "2026-03-16T06:59:59", None),
        ({}, "2026-03-16T07:00:00", WEEK),
        ({}, "2026-03-22T06:59:00", WEEK),
        ({}, "2026-03-22T08:00:00", None),
        ({"timezone": "America/New_York"}, "2026-03-16T10:59:00", None),
        ({"timezone": "America/New_York"}, "2026-03-16T11:00:00", WEEK),
        ({"timezone": "Pacific/Auckland", "at": "00:30"}, "2026-03-15T11:31:00", "2026-W10"),
        ({"day": "thursday", "at": "18:00"}, "2026-03-19T18:00:00", WEEK),
        ({"day": "sunday", "at": "23:59"}, "2026-03-15T23:59:30", "2026-W10"),
    ],
)
def test_a_report_is_due_at_the_owners_time(
    keys: dict[str, str], now: str, week: str | None
) -> None:
    moment = datetime.fromisoformat(f"{now}+00:00")
    if week is None:
        assert reports.due(WeeklyReport.model_validate(keys), moment) != WEEK
    else:
        assert reports.due(WeeklyReport.model_validate(keys), moment) == week


def test_the_state_comes_first_in_words(loan: Service) -> None:
    calm = weekly(loan.state, loan.cards["loan"], "2026-W10", SITE)
    assert calm.words[0].startswith(("A quiet week", "No incident"))
    incidents.add(loan.state, incident(opened=datetime(2026, 3, 11, tzinfo=UTC), summary="It rose"))
    told = weekly(loan.state, loan.cards["loan"], WEEK, SITE)
    assert told.words[0] == "1 incident opened, not ended: It rose."
    assert told.words[-1] == "Every window was complete."
    assert told.incidents[0].lead == 0.0
    assert any("overdue" in one for one in told.assumptions)


def test_a_week_without_results_is_said_plainly(loan: Service) -> None:
    with pytest.raises(MonitorError, match="no published results of 2025-W01"):
        weekly(loan.state, loan.cards["loan"], "2025-W01", SITE)
    with pytest.raises(ValueError, match="write 2026-W12"):
        week_of("last week")


def test_nothing_written_can_steer_a_report(tmp_path: Path, mailbox: Mailbox) -> None:
    hostile = f"{HOSTILE}\r\nBcc: eve@example.org\n[x](javascript:alert(1))"
    made = service(tmp_path, HOSTILE.replace("@", ""), HOSTILE, hostile, is_calm=True)
    (card,) = made.cards.values()
    incidents.add(made.state, incident(card.model, summary=hostile, opened=END - 8 * DAY))
    told = weekly(made.state, card, WEEK, SITE)
    assert "\n" not in told.subject
    for page in (words.page(told, mail=True), words.page(told, mail=False)):
        assert not re.search(r"<script|<img src=x|\n", page)
    written = words.markdown(told)
    assert "<script" not in written
    assert "](javascript" not in written
    assert not any(one.startswith("Bcc") for one in words.text(told).splitlines())
    clocked = Clocked(made, mailbox, with_report(card))
    clocked.cards = {card.model: with_report(card)}
    assert clocked.tick()[0] == 1
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mailbox.to == [["credit@example.org"]]
    made.state.close()


def test_a_report_with_all_it_may_hold_stays_small(loan: Service) -> None:
    told = weekly(loan.state, loan.cards["loan"], WEEK, SITE)
    change = replace(told.changes[0], of="f" * 100, chart=None)
    full = replace(
        told,
        changes=(change,) * 8,
        incidents=(replace(words.Event("i" * 60, "s" * 200, "open", END, 3.0, "page", True, True)),)
        * 20,
        parts=tuple((name, (change,) * 12) for name in "abcd"),
        slices=("s" * 200,) * 20,
        assumptions=("a" * 300,) * 20,
    )
    assert len(words.page(full, mail=True).encode()) < words.MOST_BYTES


def test_pictures_are_drawn_whatever_stands_in_them(loan: Service) -> None:
    told = weekly(loan.state, loan.cards["loan"], WEEK, SITE)
    for chart in words.charts(told):
        assert png(chart).startswith(b"\x89PNG")


CARD_SETTINGS = "store: .\nstate: sqlite:///state.db\ncards: cards\n"


def test_the_command_writes_files_and_sends(
    tmp_path: Path, loan: Service, mailbox: Mailbox
) -> None:
    file = tmp_path / "service.yaml"
    smtp = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "from": "mbm@example.org",
    }
    channels = json.dumps({"channels": {"mail": {"smtp": smtp}}})
    sources = "sources: {events: {files: {path: events}}}\n"
    file.write_text(f"{CARD_SETTINGS}{sources}notices: {channels}\n")

    def run(*more: str) -> tuple[int, str]:
        common = ["report", "-c", str(file), "--model", "loan", "--week", WEEK]
        done = CliRunner().invoke(main, [*common, *more])
        return done.exit_code, done.output + str(done.exception or "")

    code, said = run()
    assert code == 0
    assert said.startswith(f"# loan, {WEEK}\n")
    assert "\\" not in said
    for name, begin in (("r.html", "<!doctype html>"), ("r.md", "# loan"), ("r.txt", "# loan")):
        assert run("--out", str(tmp_path / name))[0] == 0
        assert (tmp_path / name).read_text().startswith(begin)
    assert "<svg" in (tmp_path / "r.html").read_text()
    code, said = run("--send")
    assert code == 0, said
    assert said.startswith("1 reports written")
    assert "0 reports written" in run("--send")[1]
    assert [mail["Subject"][:14] for mail in mailbox.mails if "W11" in mail["Subject"]] == [
        "loan, 2026-W11"
    ]
    assert run("--week", "nonsense")[0] == 2
