"""The whole way in one: a shift in Kafka becomes a page and a mail, no shift nothing."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from monitor.jobs.service import opened
from monitor.render.alert import Addresses
from monitor.render.alert_rules import files
from monitor.simulate.world import World
from monitor.state import notices
from tests.services.alertmanager import Alertmanager, example
from tests.services.kafka import Broker, free_ports
from tests.services.prometheus import Prometheus
from tests.services.receiver import Posted, Receiver
from tests.services.smtp import Mailbox

pytestmark = [pytest.mark.kafka, pytest.mark.prometheus, pytest.mark.slow]

SEED = 11
DAY = timedelta(days=1)
DAYS = 36
SHIFTED, CALM = "lending", "leasing"
FEATURES = ("income", "channel")
TOPIC = "model-events"
PATIENCE = 300.0
OWNERS = {SHIFTED: "lending-owners@example.org", CALM: "leasing-owners@example.org"}
WHERE = Addresses("https://mbm.example.org/runbook/{alert}", "https://grafana.example.org")


def world(now: datetime) -> World:
    """Five weeks up to now."""
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - (DAYS - 1) * DAY
    return World(SEED, start, DAYS, 200, ())


def predictions(world: World, model: str, now: datetime) -> list[bytes]:
    """What was predicted, with a few of the features, so that a run takes seconds.

    Of one model, income comes in thousands during the last days.
    """
    begins = world.end - 5 * DAY
    found = []
    for event in world.events():
        said = json.loads(event.value) if b'"type":"prediction"' in event.value else {}
        if said and event.time < now:
            features = {name: said["features"].get(name) for name in FEATURES}
            if model == SHIFTED and event.time >= begins and features["income"]:
                features["income"] /= 1_000
            said |= {"model": model, "version": "1", "features": features, "attributes": {}}
            found.append(json.dumps(said).encode())
    return found


def card(world: World, model: str) -> str:
    """A card with the rota and the owner that this test looks for."""
    known = yaml.safe_load(world.card(reference_days=28))
    contract = known["contract"]
    kept = {
        "model": model,
        "owner": {"team": model, "mail": OWNERS[model], "pager": "lending-rota"},
        "versions": ["1"],
        "windows": {"profile": "24h", "detect": "24h", "publish": "7d"},
        "contract": {
            "prediction": contract["prediction"],
            "features": {name: contract["features"][name] for name in FEATURES},
        },
    }
    kept |= {"alarms": {"pages_per_month": 0.5}}  # patient, so that chance says nothing here
    return yaml.safe_dump({"reference": known["reference"], "lateness": "0s", **kept})


def settings(folder: Path, broker: Broker, mailbox: Mailbox) -> list[str]:
    """Addresses to scrape of the service whose settings were written."""
    serve, ingest, evaluate, schedule = (f"127.0.0.1:{port}" for port in free_ports(4))
    channel = {"smtp": mailbox.settings(**{"from": "notices@example.org"})}
    links = "https://mbm.example.org/incidents/{incident}"
    known = {
        "store": "data",
        "cards": "cards",
        "sources": {"events": {"kafka": {"bootstrap": broker.bootstrap, "topics": [TOPIC]}}},
        "serve": {"listen": serve},
        "ingest": {"metrics": ingest, "batch": {"seconds": 0.5}},
        "evaluate": {"metrics": evaluate, "every": "2s"},
        "schedule": {"metrics": schedule},
        "notices": {"every": "1s", "channels": {"owners": channel}, "incident_url": links},
    }
    (folder / "service.yaml").write_text(yaml.safe_dump(known))
    return [serve, ingest, evaluate, schedule]


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`mbm run`, ended as an operator ends it."""
    command = [sys.executable, "-m", "monitor", "run", "-c", str(folder / "service.yaml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=40)
        finally:
            process.kill()


def wait_until(is_so: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.2)


def plain(mailbox: Mailbox, sender: str) -> list[tuple[list[str], str, str]]:
    """Recipients, subject and text of what a sender sent."""
    found = []
    for mail, to in zip(mailbox.mails, mailbox.to, strict=True):
        part = mail.get_body(("plain",))
        if part is not None and sender in mail["From"]:
            found.append((to, str(mail["Subject"]), str(part.get_content())))
    return found


def test_a_shift_pages_its_owner_and_no_shift_pages_nobody(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for name in ("cards", "alerts"):
        (tmp_path / name).mkdir()
    for name, text in files(WHERE).items():
        (tmp_path / name).write_text(text)
    rules = [tmp_path / name for name in files(WHERE)]
    with ExitStack() as stack:
        mailbox, receiver = stack.enter_context(Mailbox()), stack.enter_context(Receiver())
        config = example(mailbox.port, receiver.url, tmp_path)
        alertmanager = stack.enter_context(Alertmanager(config))
        broker = stack.enter_context(Broker())
        broker.create_topic(TOPIC, partitions=2)
        # Cards first: what no card names would go to quarantine.
        weeks = world(now)
        for partition, model in enumerate(OWNERS):
            (tmp_path / "cards" / f"{model}.yaml").write_text(card(weeks, model))
            broker.produce(TOPIC, predictions(weeks, model, now), partition=partition)
        targets = settings(tmp_path, broker, mailbox)
        told_since(tmp_path, weeks.start)
        prometheus = stack.enter_context(
            Prometheus({"mbm": targets}, rules, alertmanagers=[alertmanager.address])
        )
        process = stack.enter_context(running(tmp_path))
        wait_until(lambda: (receiver.posted and len(mailbox.mails) >= 2) or process.poll())
        assert process.poll() is None
        # The calm model was watched as long and as closely, and stands well.
        wait_until(lambda: len(states(prometheus)) == 2)
        found = states(prometheus)
        firing = prometheus.query('ALERTS{alertstate="firing"}')
        assert found == {SHIFTED: 2, CALM: 0}
        about = [(dict(one)["alertname"], dict(one).get("model")) for one in firing]
        assert about == [("MbmBehaviorShift", SHIFTED)]
        assert {rule["health"] for rule in prometheus.rules()} == {"ok"}
        # Looked at before the service ends, which would resolve the alert.
        pages(receiver.posted)
        mails(mailbox)


def states(prometheus: Prometheus) -> dict[str, float]:
    """How the detector says each model stands."""
    found = prometheus.query('mbm_check_state{check="shift"}')
    return {dict(labels)["model"]: value for labels, value in found.items()}


def told_since(folder: Path, start: datetime) -> None:
    """Have the channel be there for as long as the models are."""
    state = opened(folder / "service.yaml").state
    notices.begin(state, ["owners"], start)
    state.close()


def pages(posted: list[Posted]) -> None:
    (page,) = (one.document for one in posted)
    assert page["routing_key"] == "key-of-pagerduty-lending"
    assert page["payload"]["severity"] == "critical"
    assert page["payload"]["class"] == "MbmBehaviorShift"
    assert page["payload"]["summary"] == f"{SHIFTED} behaves in another way"
    details = page["payload"]["custom_details"]
    assert (details["owner"], details["team"]) == (OWNERS[SHIFTED], SHIFTED)
    assert "What moved: features of version" in details["description"]
    links = [link["href"] for link in page["links"]]
    assert links == [
        "https://mbm.example.org/runbook/MbmBehaviorShift",
        f"https://grafana.example.org/d/mbm-model?var-model={SHIFTED}",
    ]


def mails(mailbox: Mailbox) -> None:
    """One from Alertmanager, one from the service itself, both to the owner alone."""
    ((to, subject, text),) = plain(mailbox, "<mbm@example.org>") or plain(mailbox, "mbm@")
    assert to == [OWNERS[SHIFTED]]
    assert subject == f"[firing] {SHIFTED} behaves in another way"
    assert "What to do: https://mbm.example.org/runbook/MbmBehaviorShift" in text
    ((to, subject, text),) = plain(mailbox, "notices@example.org")
    assert to == [OWNERS[SHIFTED]]
    assert subject.startswith(f"[{SHIFTED}] Behavior shift: ")
    assert "income" in text
    assert re.search(r"https://mbm\.example\.org/incidents/lending-\d{4}-\d\d-\d\d-1\r?\n", text)
