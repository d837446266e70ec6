"""The SDK against a real broker, with either client library, and while the broker is away."""

import json
import time
from collections.abc import Iterator

import pytest

from monitor.client import Client, Kafka, sinks
from monitor.client.buffer import Sink
from tests.services.kafka import Broker

pytestmark = pytest.mark.kafka

PATIENCE = 90.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


class Through:
    """A topic through the client library that is named."""

    def __init__(self, library: str, to: Kafka) -> None:
        self._library, self._to = library, to

    def open(self) -> Sink:
        if self._library == "confluent":
            return sinks._Confluent(self._to)
        return sinks._KafkaPython(self._to)


def held(broker: Broker, topic: str) -> list[dict[str, object]]:
    """All events of a topic."""
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5_000,
    )
    values = [json.loads(message.value) for message in consumer]
    consumer.close()
    return values


@pytest.mark.parametrize("library", ["confluent", "kafka_python"])
def test_events_arrive_also_after_the_broker_was_away(broker: Broker, library: str) -> None:
    topic = f"told-{library.replace('_', '-')}"
    broker.create_topic(topic)
    to = Through(library, Kafka(broker.bootstrap, topic))
    told = Client(model="m", version="1", to=to, buffer=500)
    for number in range(300):
        told.predicted("yes", event_id=f"before-{number}", features={"x": number})
    assert told.flush(PATIENCE)
    broker.kill()
    slowest = 0.0
    for number in range(800):
        began = time.perf_counter()
        told.predicted("yes", event_id=f"during-{number}")
        slowest = max(slowest, time.perf_counter() - began)
    counts = told.counts()
    assert slowest < 1.0
    assert counts["waiting"] <= 500
    assert counts["dropped_full"] >= 300
    broker.restart()
    assert told.flush(PATIENCE)
    told.predicted("yes", event_id="after", features={"too large": "y" * 2_000_000})
    told.predicted("yes", event_id="last")
    assert told.close(PATIENCE)
    counts = told.counts()
    ids = [event["event_id"] for event in held(broker, topic)]
    # At least once: what was in flight when the broker died may stand twice.
    assert len(set(ids)) == counts["sent"]
    assert {f"before-{n}" for n in range(300)} | {"during-0", "last"} <= set(ids)
    assert counts["accepted"] == counts["sent"]
    assert counts["dropped_invalid"] == 1
