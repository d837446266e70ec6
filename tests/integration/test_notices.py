"""Notices through a real mail server and a real receiver: none lost, none twice, none forged."""

import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from monitor.cards.card import Card
from monitor.cli import main
from monitor.errors import ConfigurationError
from monitor.jobs.notices import LEASE, Notifier
from monitor.jobs.service import configuration, opened
from monitor.outputs.post import PostError, post
from monitor.settings.notices import Notices
from monitor.state import incidents, notices
from monitor.state.database import State
from monitor.state.incidents import Tier, What
from tests.incidents import LEAD, PAGE
from tests.incidents import NOON as NOW
from tests.services.certificate import self_signed
from tests.services.receiver import Receiver
from tests.services.smtp import Mailbox

HOUR = timedelta(hours=1)
NORTH = replace(
    LEAD,
    signal="features/income/location",
    segment="region=north",
    version="2",
    part=0.8,
    since=NOW - 3 * HOUR,
    effect=0.31,
    low=0.2,
    high=0.4,
    before=40_000.0,
    after=46_200.0,
)
INCIDENT = replace(
    PAGE,
    opened=NOW + HOUR,
    updated=NOW + HOUR,
    since=NOW - 3 * HOUR,
    evidence=3.1,
    summary="lending: income (location) in region=north moved since 2026-03-11 09:00 UTC",
    leads=(NORTH,),
)


def card(model: str = "lending", **keys: object) -> Card:
    prediction = {"classes": ["no", "yes"], "positive": "yes"}
    least = {
        "model": model,
        "owner": {"team": "lending", "mail": "owner@example.org", "pager": "lending-rota"},
        "versions": ["2"],
        "contract": {"features": {"income": {"type": "number"}}, "prediction": prediction},
    }
    return Card.model_validate(yaml.safe_load(yaml.safe_dump({**least, **keys})))


class Service:
    """A state with notices, at a clock that the test moves."""

    def __init__(self, state: State, channels: Mapping[str, object]) -> None:
        settings = Notices.model_validate({"channels": channels})
        self.state, self.now = state, NOW
        self.registry = CollectorRegistry()
        self.notifier = Notifier(state, settings, self.registry, lambda: self.now)
        self.cards = {"lending": card()}
        self.tell()

    def tell(self, after: timedelta = timedelta(0)) -> tuple[int, int]:
        self.now += after
        return self.notifier.tell(self.cards)

    def opened(self, **keys: object) -> str:
        return incidents.add(self.state, replace(INCIDENT, **keys)).id  # type: ignore[arg-type]

    def count(self, channel: str, outcome: str) -> float | None:
        labels = {"channel": channel, "outcome": outcome}
        return self.registry.get_sample_value("mbm_notifications_total", labels)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State.open(f"sqlite:///{tmp_path}/state.db")
    yield state
    state.close()


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    found: str = part.get_content()
    return found


def test_the_owner_gets_a_mail_with_words_and_links(state: State, mailbox: Mailbox) -> None:
    service = Service(state, {"mail": {"smtp": mailbox.settings()}})
    identity = service.opened()
    assert service.tell() == (1, 0)
    (mail,) = mailbox.mails
    assert mailbox.to == [["owner@example.org"]]
    assert mail["From"] == "Model Behavior Monitor <mbm@example.org>"
    assert (
        mail["Subject"] == f"[lending] Behavior shift: {INCIDENT.summary.removeprefix('lending: ')}"
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    said = body(mail, "plain")
    assert (
        "income, location up in region=north from 40,000 to 46,200 since 2026-03-11 09:00" in said
    )
    assert "UTC (by 0.31 sigma, version 2)" in said
    assert f"http://127.0.0.1:9464/incidents/{identity}" in said
    assert "http://127.0.0.1:9464/runbook/MbmBehaviorShift" in said
    assert "Owner: owner@example.org (lending)" in said
    assert "Rota: lending-rota" in said
    assert f"<a href='http://127.0.0.1:9464/incidents/{identity}'>" in body(mail, "html")


def test_each_incident_is_told_once_on_each_channel_and_so_is_its_end(
    state: State, mailbox: Mailbox, receiver: Receiver
) -> None:
    hook = {"webhook": {"url": f"{receiver.url}/hook"}}
    service = Service(state, {"mail": {"smtp": mailbox.settings()}, "hook": hook})
    identity = service.opened()
    assert [service.tell(HOUR) for _ in range(3)] == [(2, 0), (0, 0), (0, 0)]
    acts = {"who": "anna", "reason": "new product", "now": service.now}
    incidents.act(state, identity, What.ACK, **acts)  # type: ignore[arg-type]
    assert service.tell(HOUR) == (0, 0)
    incidents.act(state, identity, What.ACCEPT, **acts)  # type: ignore[arg-type]
    assert [service.tell(HOUR) for _ in range(2)] == [(2, 0), (0, 0)]
    assert "accepted as the new normal: income" in mailbox.mails[1]["Subject"]
    assert "accepted as the new normal by anna: new product" in body(mailbox.mails[1], "plain")
    assert [posted.document["event"] for posted in receiver.posted] == ["opened", "accept"]
    assert mailbox.mails[0]["Message-ID"] != mailbox.mails[1]["Message-ID"]
    assert (service.count("mail", "sent"), service.count("mail", "failed")) == (2, 0)


def test_what_happened_before_a_channel_was_there_is_not_told_on_it(
    state: State, mailbox: Mailbox
) -> None:
    service = Service(state, {})
    service.opened(opened=NOW - HOUR)
    late = Service(state, {"mail": {"smtp": mailbox.settings()}})
    assert late.tell() == (0, 0)
    late.opened()
    assert late.tell() == (1, 0)


def test_nothing_is_lost_while_the_server_is_down(state: State, mailbox: Mailbox) -> None:
    service = Service(state, {"mail": {"smtp": mailbox.settings()}})
    for day in range(3):
        service.opened(opened=NOW + (day + 1) * HOUR)
    mailbox.down = True
    # One try a round, for the others would only wait for the same server.
    assert service.tell() == (0, 1)
    tries = sum(service.tell(timedelta(minutes=1))[1] for _ in range(60))
    assert 24 <= tries <= 48
    waiting = notices.waiting(state)["mail"]
    assert waiting.count == 3
    assert "451" in waiting.error
    assert service.registry.get_sample_value("mbm_notices_waiting", {"channel": "mail"}) == 3
    mailbox.down = False
    assert sum(service.tell(timedelta(minutes=5))[0] for _ in range(3)) == 3
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 3
    assert notices.waiting(state) == {}


def test_a_broken_channel_does_not_hold_up_another(
    state: State, mailbox: Mailbox, receiver: Receiver
) -> None:
    receiver.status = 500
    hook = {"webhook": {"url": receiver.url}}
    service = Service(state, {"hook": hook, "mail": {"smtp": mailbox.settings()}})
    service.opened()
    assert service.tell() == (1, 1)
    assert "HTTP 500" in notices.waiting(state)["hook"].error
    assert len(mailbox.mails) == 1


def test_only_who_was_refused_is_tried_again(state: State, mailbox: Mailbox) -> None:
    to = ["a@example.org", "b@example.org"]
    service = Service(state, {"mail": {"smtp": mailbox.settings(to=to)}})
    mailbox.refuses = {"b@example.org"}
    service.opened()
    assert service.tell() == (0, 1)
    mailbox.refuses = set()
    assert service.tell(HOUR) == (1, 0)
    assert mailbox.to == [["a@example.org"], ["b@example.org"]]
    assert mailbox.mails[0]["Message-ID"] == mailbox.mails[1]["Message-ID"]


def test_a_ticket_that_becomes_a_page_is_told_again(state: State, mailbox: Mailbox) -> None:
    service = Service(state, {"mail": {"smtp": mailbox.settings()}})
    identity = service.opened(tier=Tier.TICKET)
    assert service.tell() == (1, 0)
    incidents.raise_to_page(state, identity, replace(INCIDENT, updated=NOW + 2 * HOUR))
    assert service.tell(HOUR) == (1, 0)
    assert service.tell(HOUR) == (0, 0)
    tiers = ["[lending] Possible behavior shift", "[lending] Behavior shift"]
    assert [mail["Subject"].split(": ")[0] for mail in mailbox.mails] == tiers
    assert mailbox.mails[0]["Message-ID"] != mailbox.mails[1]["Message-ID"]


def test_nobody_hears_of_an_end_before_the_beginning(state: State, mailbox: Mailbox) -> None:
    to = ["a@example.org", "b@example.org"]
    service = Service(state, {"mail": {"smtp": mailbox.settings(to=to)}})
    identity = service.opened()
    mailbox.down = True
    assert service.tell() == (0, 1)
    incidents.act(state, identity, What.ACCEPT, who="ann", reason="new", now=NOW + HOUR)
    mailbox.down, mailbox.refuses = False, {"b@example.org"}
    # The beginning is not due yet; the end is, and waits for it.
    assert service.tell() == (0, 0)
    # Who refuses mails for ever keeps nobody else from the end.
    assert service.tell(HOUR) == (0, 1)
    assert service.tell() == (0, 1)
    said = [mail["Subject"].split(": ")[0] for mail in mailbox.mails]
    ended = "[lending] Behavior shift accepted as the new normal"
    assert said == ["[lending] Behavior shift", ended]


def test_a_notice_that_cannot_be_written_holds_up_no_other(state: State, mailbox: Mailbox) -> None:
    service = Service(state, {"mail": {"smtp": mailbox.settings()}})
    key = notices.Key(service.opened(), notices.OPENED, "mail")
    notices.write(state, {key: {"incident": "of another release"}}, NOW)
    service.opened()
    assert service.tell() == (0, 1)
    assert service.tell() == (1, 0)
    assert "KeyError" in notices.waiting(state)["mail"].error


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/services/T/ SECRET",
        "http://127.0.0.1:9/services/T\x01SECRET",
        "http://user:SECRET@127.0.0.1/x",
        "http://127.0.0.1:SECRET/x",
        "http://[SECRET/x",
        "SECRET",
    ],
)
def test_an_address_that_is_none_is_told_without_the_secret(address: str) -> None:
    with pytest.raises(PostError) as error:
        post(address, {})
    assert "SECRET" not in f"{error.value}"


def test_a_receiver_that_answers_letter_by_letter_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.outputs.post.ALL_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as threads:

        def drip() -> int:
            talked, _ = server.accept()
            with talked:
                talked.recv(65_536)
                for place, letter in enumerate(itertools.cycle(b"HTTP/1.1 ")):
                    try:
                        talked.sendall(bytes([letter]))
                    except OSError:
                        return place
                    time.sleep(0.05)
            return 0

        dripped = threads.submit(drip)
        begin = time.monotonic()
        with pytest.raises(PostError):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/", {})
        assert time.monotonic() - begin < 5
        assert dripped.result() > 0


def test_a_card_chooses_its_channels(state: State, mailbox: Mailbox, receiver: Receiver) -> None:
    hook = {"webhook": {"url": receiver.url}}
    service = Service(state, {"hook": hook, "mail": {"smtp": mailbox.settings()}})
    service.cards = {"lending": card(alarms={"recipients": ["hook"]})}
    service.opened()
    assert service.tell() == (1, 0)
    assert (len(receiver.posted), mailbox.mails) == (1, [])


def test_a_webhook_gets_a_document_with_the_token_and_a_chat_a_message(
    state: State, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "t0ken")
    (tmp_path / "slack").write_text(f"{receiver.url}/services/T/B/x\n")
    channels = {
        "hook": {"webhook": {"url": f"{receiver.url}/hook", "token": {"env": "HOOK_TOKEN"}}},
        "chat": {"slack": {"url": {"file": str(tmp_path / "slack")}}},
    }
    service = Service(state, channels)
    identity = service.opened()
    assert service.tell() == (2, 0)
    hook, chat = receiver.posted
    assert hook.path == "/hook"
    assert hook.headers["Authorization"] == "Bearer t0ken"
    assert hook.headers["Idempotency-Key"] == hook.document["id"]
    assert hook.document["incident"] == identity
    assert (hook.document["model"], hook.document["tier"]) == ("lending", "page")
    assert (hook.document["owner"], hook.document["pager"]) == ("owner@example.org", "lending-rota")
    assert chat.path == "/services/T/B/x"
    assert chat.document["text"].startswith("*[lending] Behavior shift: income")
    assert f"<http://127.0.0.1:9464/incidents/{identity}|The incident>" in chat.document["text"]


def test_a_secret_that_is_missing_or_a_redirect_is_told_without_the_secret(
    state: State, receiver: Receiver, tmp_path: Path
) -> None:
    with Receiver() as elsewhere:
        receiver.status, receiver.location = 307, f"{elsewhere.url}/stolen"
        secret = tmp_path / "slack"
        secret.write_text(f"{receiver.url}/services/SECRET")
        channels = {
            "chat": {"slack": {"url": {"file": str(secret)}}},
            "hook": {"webhook": {"url": {"env": "NO_SUCH_VARIABLE"}}},
        }
        service = Service(state, channels)
        service.opened()
        assert service.tell() == (0, 2)
        assert elsewhere.posted == []
    errors = {name: one.error for name, one in notices.waiting(state).items()}
    assert "HTTP 307" in errors["chat"]
    assert "NO_SUCH_VARIABLE: is not set" in errors["hook"]
    assert "SECRET" not in errors["chat"]


HOSTILE = "x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script> <!channel> |\u2028\u202e"


def test_no_text_can_forge_headers_html_or_calls(
    state: State, mailbox: Mailbox, receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "slack").write_text(receiver.url)
    channels = {
        "mail": {"smtp": mailbox.settings()},
        "chat": {"slack": {"url": {"file": str(tmp_path / "slack")}}},
        "hook": {"webhook": {"url": receiver.url}},
    }
    service = Service(state, channels)
    lead = replace(NORTH, column=HOSTILE, segment=HOSTILE, version=HOSTILE, direction=HOSTILE)
    service.cards = {HOSTILE: card()}
    identity = service.opened(model=HOSTILE, summary=HOSTILE, leads=(lead,))
    assert service.tell() == (3, 0)
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mailbox.to == [["owner@example.org"]]
    assert len(mail.get_all("Subject", [])) == 1
    assert "\n" not in mail["Subject"]
    assert r"| \u202e]" in mail["Subject"]
    said = body(mail, "html")
    assert "<script" not in said
    assert "&lt;script&gt;" in said
    assert "\nBcc" not in body(mail, "plain")
    chat, hook = sorted((one.document for one in receiver.posted), key=lambda one: "id" in one)
    assert "<!channel>" not in chat["text"]
    assert "<script" not in chat["text"]
    assert hook["summary"] == HOSTILE
    for link in (line for line in body(mail, "plain").splitlines() if "incidents/" in line):
        assert "%0D%0ABcc" in link
        assert "<" not in link
    assert identity in hook["incident"]


def test_a_password_goes_only_to_a_server_that_is_trusted(state: State, tmp_path: Path) -> None:
    certificate, context = self_signed(tmp_path)
    (tmp_path / "password").write_text("pass\n")
    user = {"username": "mbm", "password": {"file": str(tmp_path / "password")}}
    with Mailbox(tls=context) as mailbox:
        kept = mailbox.settings(security="starttls", **user)
        service = Service(state, {"mail": {"smtp": kept}})
        service.opened()
        assert service.tell() == (0, 1)
        assert "certificate verify failed" in notices.waiting(state)["mail"].error
        assert mailbox.users == []
        trusted = Service(state, {"mail": {"smtp": {**kept, "ca": str(certificate)}}})
        assert (trusted.tell(HOUR), mailbox.users) == ((1, 0), ["mbm"])
        (tmp_path / "password").write_text("changed")
        trusted.opened(opened=NOW + 2 * HOUR)
        assert trusted.tell() == (0, 1)
        assert "SMTPAuthenticationError: (535" in notices.waiting(state)["mail"].error


SCRIPT = """
import json, sys
from datetime import datetime
from prometheus_client import CollectorRegistry
from monitor.cards.card import Card
from monitor.cli import main
from monitor.jobs.notices import Notifier
from monitor.settings.notices import Notices
from monitor.state.database import State
url, channels, card, at = sys.argv[1:]
settings = Notices.model_validate({"channels": json.loads(channels)})
clock = lambda: datetime.fromisoformat(at)
notifier = Notifier(State.open(url), settings, CollectorRegistry(), clock)
notifier.tell({"lending": Card.model_validate_json(card)})
"""


def test_a_process_killed_between_send_and_record_repeats_the_same_mail(
    state: State, mailbox: Mailbox, tmp_path: Path
) -> None:
    channels = {"mail": {"smtp": mailbox.settings()}}
    service = Service(state, channels)
    service.opened()
    given = (json.dumps(channels), card().model_dump_json(by_alias=True, exclude_none=True))
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"sqlite:///{tmp_path}/state.db", *given, NOW.isoformat()],
        env={**os.environ, "MBM_FAIL_AT": "after_notice"},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert killed.returncode == -9
    assert len(mailbox.mails) == 1
    # While the claim may still be alive nobody sends it; then it is sent, and recorded.
    assert [service.tell(wait) for wait in (LEASE / 2, LEASE, LEASE)] == [(0, 0), (1, 0), (0, 0)]
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert body(first, "plain") == body(second, "plain")


def test_what_a_leader_that_died_had_in_hand_the_next_one_tells_at_once(
    state: State, mailbox: Mailbox
) -> None:
    service = Service(state, {"mail": {"smtp": mailbox.settings()}})
    service.opened()
    begun = service.now
    notices.write(state, dict(service.notifier._new("mail", service.cards)), begun)
    assert notices.claim(state, "mail", begun, LEASE) is not None
    service.now += timedelta(seconds=20)
    assert service.notifier.tell(service.cards, alive_since=begun) == (0, 0)
    took_over = begun + timedelta(seconds=15)
    assert service.notifier.tell(service.cards, alive_since=took_over) == (1, 0)
    assert len(mailbox.mails) == 1


def test_two_processes_share_the_notices(state: State, mailbox: Mailbox, tmp_path: Path) -> None:
    channels = {"mail": {"smtp": mailbox.settings()}}
    service = Service(state, channels)
    for hour in range(20):
        service.opened(opened=NOW + hour * HOUR)
    other = State.open(f"sqlite:///{tmp_path}/state.db")
    settings = Notices.model_validate({"channels": channels})
    notifier = Notifier(other, settings, CollectorRegistry(), lambda: NOW)
    sent = [service.tell()[0], notifier.tell(service.cards)[0]]
    assert sum(sent) == 20
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails) == 20
    other.close()


def test_a_card_that_names_no_channel_of_the_settings_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    text = card(alarms={"recipients": ["mial"]}).model_dump_json(by_alias=True, exclude_none=True)
    (tmp_path / "cards/card.yaml").write_text(text)
    settings = {
        "store": "data",
        "cards": "cards",
        "sources": {"events": {"files": {"path": "events"}}},
        "notices": {"channels": {"mail": {"smtp": {"host": "h", "from": "a@example.org"}}}},
    }
    (tmp_path / "service.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(ConfigurationError, match=r'"mial".*did you mean "mail"'):
        configuration(tmp_path / "service.yaml")


def test_the_settings_in_the_documents_are_right() -> None:
    text = (Path(__file__).parents[2] / "docs/how-to/alerts.md").read_text()
    (block,) = re.findall(r"^```yaml\nnotices:\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    settings = Notices.model_validate(yaml.safe_load(block))
    assert set(settings.channels) == {"owners", "chat", "pager"}


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ({"smtp": {"host": "h", "from": "nobody"}}, "no mail address"),
        ({"smtp": {"host": "h", "from": "a@b", "username": "u"}}, "belong together"),
        ({"slack": {"url": "https://hooks.example.org/secret"}}, "a secret may not stand"),
        ({"webhook": {"url": "file:///etc/passwd"}}, "write http"),
        ({}, "exactly one of smtp, webhook or slack"),
    ],
)
def test_a_wrong_channel_is_refused_with_the_remedy(channel: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Notices.model_validate({"channels": {"one": channel}})


def test_evaluate_once_sends_what_is_due_before_it_ends(tmp_path: Path, mailbox: Mailbox) -> None:
    (tmp_path / "cards").mkdir()
    text = card().model_dump_json(by_alias=True, exclude_none=True)
    (tmp_path / "cards/card.yaml").write_text(text)
    settings = {
        "store": "data",
        "cards": "cards",
        "sources": {"events": {"files": {"path": "events"}}},
        "notices": {"channels": {"mail": {"smtp": mailbox.settings()}}},
    }
    (tmp_path / "service.yaml").write_text(yaml.safe_dump(settings))
    run = ["evaluate", "--once", "-c", str(tmp_path / "service.yaml")]
    first = CliRunner().invoke(main, run)
    assert (first.exit_code, first.output.splitlines()[-1]) == (0, "0 notices sent, 0 tries failed")
    state = opened(tmp_path / "service.yaml").state
    incidents.add(state, replace(INCIDENT, opened=datetime.now(UTC) + HOUR))
    state.close()
    mailbox.down = True
    assert "0 notices sent, 1 tries failed" in CliRunner().invoke(main, run).output
    said = CliRunner().invoke(main, ["status", "-c", str(tmp_path / "service.yaml")]).output
    assert "1 notices wait" in said
    assert "451" in said
