"""Who is told of what, by the example configuration of Alertmanager."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from monitor.render.alert import Addresses
from monitor.render.alert_rules import ALERTS, rule
from tests.services.alertmanager import EXAMPLE, INSTALL, Alertmanager, example
from tests.services.receiver import Receiver
from tests.services.require import require_program
from tests.services.smtp import Mailbox

pytestmark = pytest.mark.prometheus

PAGE = {"scope": "model", "severity": "critical", "model": "m", "owner": "o@example.org"}
TICKET = {**PAGE, "severity": "warning"}


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"scope": "service", "severity": "critical", "part": "serve"}, "platform-pagerduty"),
        ({"scope": "service", "severity": "warning", "source": "events"}, "platform-slack"),
        ({"scope": "service", "severity": "info", "reason": "features"}, "nobody"),
        ({**PAGE, "pager": "lending-rota"}, "lending-pagerduty,owner-mail"),
        ({**PAGE, "pager": "fraud-rota"}, "fraud-opsgenie,owner-mail"),
        ({**PAGE, "pager": "new-rota"}, "any-rota-webhook,owner-mail"),
        (PAGE, "owner-mail"),
        ({**PAGE, "pager": "lending-rota", "team": "pricing"}, "lending-pagerduty,owner-mail"),
        ({**TICKET, "pager": "lending-rota"}, "owner-mail"),
        ({**TICKET, "team": "pricing"}, "pricing-slack"),
        ({"alertname": "SomebodyElses"}, "owner-mail"),
    ],
)
def test_routes_lead_to_owner_and_rota(labels: Mapping[str, str], receivers: str) -> None:
    amtool = require_program("amtool", INSTALL)
    given = [f"{name}={value}" for name, value in labels.items()]
    command = [amtool, "config", "routes", "test", f"--config.file={EXAMPLE}"]
    command += [f"--verify.receivers={receivers}", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


RULES = {alert.name: rule(alert, Addresses()) for alert in ALERTS}
LENDING = {"owner": "owner@example.org", "team": "lending", "pager": "lending-rota"}


def firing(name: str, **labels: str) -> dict[str, object]:
    """An alert as Prometheus sends it, with the words of its rule."""
    scope = LENDING if RULES[name]["labels"]["scope"] == "model" else {}
    known = {"alertname": name, **RULES[name]["labels"], **scope, **labels}
    words = {
        kind: text.replace("{{ $labels.model }}", labels.get("model", ""))
        for kind, text in RULES[name]["annotations"].items()
    }
    return {"labels": known, "annotations": words}


@pytest.fixture
def alertmanager(mailbox: Mailbox, receiver: Receiver, tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(example(mailbox.port, receiver.url, tmp_path)) as alertmanager:
        yield alertmanager


def wait_until(is_so: Callable[[], object], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)


def inhibited(alertmanager: Alertmanager) -> set[tuple[str, str]]:
    """Alert and model of what is held back."""
    held = [one["labels"] for one in alertmanager.alerts() if one["status"]["inhibitedBy"]]
    return {(labels["alertname"], labels.get("model", "")) for labels in held}


def test_a_page_reaches_the_rota_and_the_owner_with_words_and_links(
    alertmanager: Alertmanager, mailbox: Mailbox, receiver: Receiver
) -> None:
    alertmanager.fire(firing("MbmNoPredictions", model="lending"))
    wait_until(lambda: receiver.posted and mailbox.mails)
    (page,), (mail,) = receiver.posted, mailbox.mails
    assert page.path == "/pagerduty"
    assert page.document["routing_key"] == "key-of-pagerduty-lending"
    said = page.document["payload"]
    assert said["summary"] == "lending makes no predictions"
    assert (said["severity"], said["component"]) == ("critical", "lending")
    assert said["custom_details"]["owner"] == "owner@example.org"
    assert page.document["links"][0]["href"].endswith("/runbook/MbmNoPredictions")
    assert mailbox.to == [["owner@example.org"]]
    assert mail["Subject"] == "[firing] lending makes no predictions"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "What to do: http://127.0.0.1:9464/runbook/MbmNoPredictions" in text.get_content()


def test_every_kind_of_receiver_is_reached(
    alertmanager: Alertmanager, mailbox: Mailbox, receiver: Receiver
) -> None:
    alertmanager.fire(
        firing("MbmNoPredictions", model="fraud", pager="fraud-rota"),
        firing("MbmNoPredictions", model="churn", pager="new-rota"),
        firing("MbmUnknownVersion", model="price", version="9", team="pricing"),
    )
    wait_until(lambda: len(receiver.posted) == 3 and len(mailbox.mails) == 2)
    by_path = {posted.path.split("/")[1]: posted for posted in receiver.posted}
    assert set(by_path) == {"opsgenie", "webhook", "slack"}
    assert by_path["opsgenie"].headers["Authorization"] == "GenieKey key-of-opsgenie"
    assert by_path["opsgenie"].document["responders"] == [
        {"name": "fraud-rota", "type": "schedule"}
    ]
    assert by_path["webhook"].headers["Authorization"] == "Bearer key-of-webhook"
    assert by_path["slack"].document["channel"] == "#pricing-models"


def test_a_sick_service_does_not_page_for_models_but_for_leaks(
    alertmanager: Alertmanager, mailbox: Mailbox, receiver: Receiver
) -> None:
    alertmanager.fire(firing("MbmAbsent", part="ingest"))
    wait_until(lambda: receiver.posted)
    alertmanager.fire(
        firing("MbmNoPredictions", model="lending"),
        firing("MbmUnknownVersion", model="lending", version="9"),
        firing("MbmReviewLeak", model="lending", version="1"),
    )
    wait_until(lambda: len(receiver.posted) == 2 and mailbox.mails)
    held = {name for name, _ in inhibited(alertmanager)}
    assert held == {"MbmNoPredictions", "MbmUnknownVersion"}
    classes = [posted.document["payload"]["class"] for posted in receiver.posted]
    assert classes == ["MbmAbsent", "MbmReviewLeak"]
    assert [mail["Subject"].split()[1] for mail in mailbox.mails] == ["lending"]


def test_a_models_warnings_are_held_back_while_it_pages(
    alertmanager: Alertmanager, mailbox: Mailbox
) -> None:
    alertmanager.fire(firing("MbmNoPredictions", model="lending"))
    wait_until(lambda: mailbox.mails)
    alertmanager.fire(
        firing("MbmUnknownVersion", model="lending", version="9"),
        firing("MbmUnknownVersion", model="other", version="9", owner="x@example.org"),
    )
    wait_until(lambda: len(mailbox.mails) == 2)
    assert mailbox.to == [["owner@example.org"], ["x@example.org"]]
    assert inhibited(alertmanager) == {("MbmUnknownVersion", "lending")}


def test_another_incident_of_a_model_pages_while_the_first_is_open(
    alertmanager: Alertmanager, receiver: Receiver
) -> None:
    for number in ("1", "2"):
        alertmanager.fire(firing("MbmBehaviorShift", model="lending", incident_number=number))
        wait_until(lambda: len(receiver.posted) == int(number))  # noqa: B023 - asked at once
    keys = [posted.document["dedup_key"] for posted in receiver.posted]
    assert len(set(keys)) == 2
