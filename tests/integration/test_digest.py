"""The mail about all models: worst first, small for any number, once, and harmless."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from monitor.cli import main
from monitor.errors import ConfigurationError, MonitorError
from monitor.jobs import reports
from monitor.jobs.digest import digest
from monitor.jobs.notices import LEASE, Notifier
from monitor.render import digest as words
from monitor.render.digest import Digest, Entry
from monitor.render.report import MOST_BYTES
from monitor.settings.notices import Notices
from monitor.settings.service import load_settings
from monitor.state import incidents, progress
from monitor.state.database import State
from monitor.state.incidents import Tier
from tests.integration.test_reports import MONDAY, SITE, WEEK, parts_of, settings_of
from tests.pages import DAY, END, HOSTILE, cards_in, fill, incident, result
from tests.services.smtp import Mailbox


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.open(f"sqlite:///{tmp_path}/state.db")
    yield made
    made.close()


def with_digest(mailbox: Mailbox, **keys: object) -> Notices:
    settings = settings_of(mailbox).model_dump(by_alias=True)
    return Notices.model_validate({**settings, "digest": {"to": ["lead@example.org"], **keys}})


def test_the_worst_comes_first_and_the_quiet_are_only_named(state: State, tmp_path: Path) -> None:
    cards = cards_in(tmp_path / "cards", "calm", "ticketed", "paged", "silent")
    for name in ("ticketed", "paged"):
        fill(state, name)
    days = [END - n * DAY for n in range(14)]
    from monitor.state import results

    results.add(state, [result("override", 0.1, model="calm", start=d - DAY, end=d) for d in days])
    progress.close(state, "calm", "inputs", END)
    opened = END - 7 * DAY
    incidents.add(state, incident("ticketed", tier=Tier.TICKET, opened=opened, since=opened - DAY))
    incidents.add(state, incident("paged", opened=opened, since=opened - 2 * DAY))
    calm = {**cards, "calm": cards["calm"].model_copy(update={"assumptions": ()})}
    made = digest(state, calm, WEEK, SITE)
    assert [one.model for one in made.entries] == ["paged", "ticketed", "silent", "calm"]
    assert made.words[0] == "2 of 4 models with incidents that are not ended."
    assert made.words[1].startswith("2 incidents opened this week, none of them ended; half were")
    assert "within 36 hours" in made.words[1]
    assert "1 model without results of this week." in made.words
    assert "3 assumptions of 3 models overdue for review." in made.words
    paged, _, silent, quiet = made.entries
    assert "Found 48 hours after it likely began." in paged.more
    assert "1 assumption overdue for review." in paged.more
    assert any(one.startswith("What moved most: Override rate, version 2") for one in paged.more)
    assert silent.words == "No results of this week."
    assert quiet.is_quiet
    assert "## Quiet\n\ncalm\n" in words.text(made)
    assert f"{SITE}/models/paged" in words.text(made)


def test_a_week_that_nobody_has_is_said_plainly(state: State, tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match="no model has published results of 2025-W01"):
        digest(state, cards_in(tmp_path / "cards", "loan"), "2025-W01", SITE)


def test_it_comes_once_at_its_own_time(state: State, tmp_path: Path, mailbox: Mailbox) -> None:
    cards = cards_in(tmp_path / "cards", "loan", "never")
    fill(state)
    settings = with_digest(mailbox, timezone="Europe/Berlin", at="11:00")
    now = MONDAY
    registry = CollectorRegistry()
    notifier = Notifier(state, settings, registry, lambda: now)

    def shown(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    # Nine in London is ten in Berlin.
    assert reports.write_due(state, settings, cards, now) == (0, [])
    now += timedelta(hours=1)
    mailbox.down = True
    assert reports.write_due(state, settings, cards, now) == (1, [])
    assert notifier.tell(cards) == (0, 1)
    assert shown("mbm_reports_waiting", channel="mail") == 1
    assert shown("mbm_reports_sent_total", outcome="failed") == 1
    assert reports.write_due(state, settings, cards, now) == (0, [])
    mailbox.down = False
    now += timedelta(minutes=6)
    assert notifier.tell(cards) == (1, 0)
    assert shown("mbm_reports_waiting", channel="mail") == 0
    assert shown("mbm_reports_sent_total", outcome="sent") == 1
    now += timedelta(days=3)
    assert reports.write_due(state, settings, cards, now) == (0, [])
    assert notifier.tell(cards) == (0, 0)
    (mail,) = mailbox.mails
    assert mailbox.to == [["lead@example.org"]]
    assert mail["Subject"] == f"All models, {WEEK}: No incident is open on any of 2 models."
    assert "no%20more%20reports%20of%20all%20models" in mail["List-Unsubscribe"]
    text, page, pictures = parts_of(mail)
    assert "What moved most: Override rate" in text
    assert f'<a href="{SITE}/models/loan">loan</a>' in page
    assert pictures == {}


def test_a_death_between_sending_and_recording_repeats_the_same_message(
    state: State, tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DiedError(Exception):
        pass

    def die(_: str) -> None:
        raise DiedError

    cards, settings, now = cards_in(tmp_path / "cards", "loan"), with_digest(mailbox), MONDAY
    fill(state)
    notifier = Notifier(state, settings, CollectorRegistry(), lambda: now)
    assert reports.write_due(state, settings, cards, now) == (1, [])
    with monkeypatch.context() as patch:
        patch.setattr("monitor.jobs.notices.reach", die)
        with pytest.raises(DiedError):
            notifier.tell(cards)
    now += LEASE + timedelta(seconds=1)
    assert notifier.tell(cards) == (1, 0)
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_it_waits_for_windows_but_not_for_ever(
    state: State, tmp_path: Path, mailbox: Mailbox
) -> None:
    cards, settings = cards_in(tmp_path / "cards", "loan", "stuck"), with_digest(mailbox)
    fill(state)
    fill(state, "stuck")
    with state.writing() as connection:
        moved = progress.CLOSED.update().values(upto=END - 10 * DAY)
        connection.execute(moved.where(progress.CLOSED.c.model == "stuck"))
    assert reports.write_due(state, settings, cards, MONDAY) == (0, [])
    assert reports.write_due(state, settings, cards, MONDAY + reports.PATIENCE) == (1, [])


def test_three_hundred_models_stay_small(state: State, tmp_path: Path, mailbox: Mailbox) -> None:
    names = [f"a-model-with-a-rather-long-name-{n:03}" for n in range(300)]
    told = Entry(
        "", "Credit · how much hangs on it: high", "s" * 200, ("m" * 200, "n" * 60, "o" * 60)
    )
    for entry in (told, Entry("", "é" * 900, HOSTILE * 20, (HOSTILE * 20,) * 5)):
        entries = tuple(
            Entry(name, entry.about, entry.words if n < 200 else "", entry.more)
            for n, name in enumerate(names)
        )
        made = Digest(WEEK, END.date(), END.date(), SITE, ("It rose.",) * 6, entries)
        assert len(words.page(made).encode()) < MOST_BYTES
        document = {
            "model": reports.ALL,
            "subject": made.subject,
            "text": words.text(made),
            "page": words.page(made),
            "pictures": [],
            "to": ["lead@example.org"],
        }
        smtp = settings_of(mailbox).channels["mail"].smtp
        assert smtp is not None
        mail = reports.mailed(smtp, document, "i", MONDAY)
        assert len(mail.as_bytes()) < MOST_BYTES
        assert "More with something to tell" in document["text"]
        assert f'href="{SITE}/"' in document["page"]


def test_nothing_written_can_steer_it(state: State, tmp_path: Path, mailbox: Mailbox) -> None:
    hostile = f"{HOSTILE}\r\nBcc: eve@example.org\n[x](javascript:alert(1))"
    name = HOSTILE.replace("@", "")
    cards = cards_in(tmp_path / "cards", name, feature=HOSTILE, text=hostile)
    fill(state, name, HOSTILE, segment=f"plan={hostile}")
    incidents.add(state, incident(name, summary=hostile, opened=END - 8 * DAY))
    made = digest(state, cards, WEEK, SITE)
    page = words.page(made)
    assert "<script" not in page
    assert "<img" not in page
    assert "<script" not in words.markdown(made)
    assert "](javascript" not in words.markdown(made)
    assert not any(one.startswith("Bcc") for one in words.text(made).splitlines())
    settings = with_digest(mailbox)
    assert reports.write_due(state, settings, cards, MONDAY) == (1, [])
    notifier = Notifier(state, settings, CollectorRegistry(), lambda: MONDAY)
    assert notifier.tell(cards) == (1, 0)
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mailbox.to == [["lead@example.org"]]


SETTINGS = """\
store: .
state: sqlite:///state.db
cards: cards
sources: {events: {files: {path: events}}}
"""


def test_the_command_writes_files_and_sends(state: State, tmp_path: Path, mailbox: Mailbox) -> None:
    fill(state)
    cards_in(tmp_path / "cards", "loan")
    file = tmp_path / "service.yaml"
    smtp = f"host: 127.0.0.1, port: {mailbox.port}, security: none, from: mbm@example.org"
    digested = "digest: {to: [lead@example.org]}"
    file.write_text(
        f"{SETTINGS}notices: {{channels: {{mail: {{smtp: {{{smtp}}}}}}}, {digested}}}\n"
    )

    def run(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["report", "-c", str(file), "--week", WEEK, *more])
        return done.exit_code, done.output + str(done.exception or "")

    code, said = run("--digest")
    assert code == 0, said
    assert said.startswith(f"# All models, {WEEK}\n")
    for name, begin in (("d.html", "<!doctype html>"), ("d.md", "# All"), ("d.txt", "# All")):
        assert run("--digest", "--out", str(tmp_path / name))[0] == 0
        assert (tmp_path / name).read_text().startswith(begin)
    code, said = run("--digest", "--send")
    assert said.startswith("1 reports written")
    assert "0 reports written" in run("--digest", "--send")[1]
    assert [m["Subject"] for m in mailbox.mails if m["Subject"].startswith("All models")] == [
        f"All models, {WEEK}: No incident is open on any of 1 model."
    ]
    assert run("--digest", "--model", "loan")[0] == 2
    assert run()[0] == 2


def test_a_digest_needs_mail(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(f"{SETTINGS}notices: {{digest: {{to: [lead@example.org]}}}}\n")
    with pytest.raises(ConfigurationError, match="needs a channel that mails"):
        load_settings(file)
