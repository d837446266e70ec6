"""`mbm run` over a real broker with the settings of README: events in, numbers out, and its end."""

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from monitor.jobs.service import opened
from monitor.simulate.world import demo_world
from monitor.state import ledger
from monitor.state.heartbeats import heartbeats
from tests.services.kafka import Broker, free_ports

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

README = Path(__file__).parents[2] / "README.md"
TOPIC = "model-events"
PATIENCE = 400.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        broker.create_topic(TOPIC, partitions=2)
        yield broker


def settings(broker: Broker) -> tuple[str, int]:
    """The settings that README shows, with this broker and free ports, and the port of serve."""
    text = README.read_text().partition("```yaml\n")[2].partition("```")[0]
    known = yaml.safe_load(text)
    known["sources"]["events"]["kafka"]["bootstrap"] = broker.bootstrap
    serve, ingest, evaluate, schedule = free_ports(4)
    known["serve"] = {"listen": f"127.0.0.1:{serve}"}
    known["ingest"] = {"metrics": f"127.0.0.1:{ingest}", "batch": {"seconds": 0.5}}
    known["evaluate"] = {"metrics": f"127.0.0.1:{evaluate}", "every": "1s"}
    known["schedule"] = {"metrics": f"127.0.0.1:{schedule}"}
    return yaml.safe_dump(known), serve


def page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_events_of_a_topic_come_out_under_metrics_and_all_stops_as_told(
    broker: Broker, tmp_path: Path
) -> None:
    world = demo_world(datetime.now(UTC) - timedelta(hours=2), days=8, per_day=150)
    messages = [event.value for event in world.events()]
    for partition in (0, 1):
        broker.produce(TOPIC, messages[partition::2], partition=partition)
    text, port = settings(broker)
    (tmp_path / "service.yaml").write_text(text)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "lending.yaml").write_text(world.card())
    command = [sys.executable, "-m", "monitor", "run", "-c", str(tmp_path / "service.yaml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            until = time.monotonic() + PATIENCE
            shown = ""
            while "mbm_confidence_mean_ratio{" not in shown and time.monotonic() < until:
                assert process.poll() is None
                time.sleep(0.5)
                shown = page(f"http://127.0.0.1:{port}/metrics")
            assert 'mbm_confidence_mean_ratio{model="lending",version="1"}' in shown
            assert "ready" in page(f"http://127.0.0.1:{port}/readyz")
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
        finally:
            process.kill()
    state = opened(tmp_path / "service.yaml").state
    accounts = ledger.accounts(state)
    assert sum(account.received for account in accounts) == len(messages)
    assert all(account.unbroken for account in accounts)
    assert all(beat.position == beat.end for beat in heartbeats(state))


def test_mistakes_end_it_at_once_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("store: ./data\n")
    command = [sys.executable, "-m", "monitor", "run", "-c", str(tmp_path / "service.yaml")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert "sources: is missing" in result.stderr
