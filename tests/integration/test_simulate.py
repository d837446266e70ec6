"""The simulated world in a real broker."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.simulate.live import PAST, lasting_world
from tests.services.kafka import Broker

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


def run_until_sent(broker: Broker, cards: Path, wanted: int) -> None:
    command = ["-m", "monitor", "simulate", "--kafka", broker.bootstrap, "--topic", "world"]
    process = subprocess.Popen(
        [sys.executable, *command, "--cards", str(cards)], stdout=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 120
        while held(broker) < wanted:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
        assert said.endswith("messages sent\n")
    finally:
        process.kill()
    assert process.returncode == 0


def held(broker: Broker) -> int:
    """Messages of the topic."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "counts"})
    low, high = consumer.get_watermark_offsets(TopicPartition("world", 0), timeout=10)
    consumer.close()
    return int(high - low)


def test_all_that_has_happened_arrives(broker: Broker, tmp_path: Path) -> None:
    broker.create_topic("world")
    now = datetime.now(UTC)
    world = lasting_world(now.replace(minute=0, second=0, microsecond=0) - PAST, now, 1)
    (tmp_path / "lending.yaml").write_text(world.card())
    past = Counter(event.value for event in world.events() if event.time < now)
    run_until_sent(broker, tmp_path, past.total())
    assert not past - Counter(messages(broker))


def messages(broker: Broker) -> list[bytes]:
    """All messages of the topic."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    wanted = held(broker)
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reads"})
    consumer.assign([TopicPartition("world", 0, OFFSET_BEGINNING)])
    found: list[bytes] = []
    while len(found) < wanted:
        found += [message.value() or b"" for message in consumer.consume(10_000, 5.0)]
    consumer.close()
    return found
