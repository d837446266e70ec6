"""CPU of reading a topic with a client library and nothing else."""

from typing import Any

from bench.child import answer, cpu


def consume(client: str, bootstrap: str, models: int, count: int, group: str) -> dict[str, Any]:
    """CPU seconds of reading `count` messages of the topic."""
    read = _confluent if client == "confluent" else _kafka_python
    return {"cpu": cpu(lambda: read(bootstrap, f"events-{models}", count, group))}


def _confluent(bootstrap: str, topic: str, count: int, group: str) -> None:
    from confluent_kafka import Consumer

    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    while count > 0:
        count -= sum(message.value() is not None for message in consumer.consume(10_000, 1.0))
    consumer.close()


def _kafka_python(bootstrap: str, topic: str, count: int, group: str) -> None:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    )
    while count > 0:
        found = consumer.poll(timeout_ms=1000, max_records=10_000)
        count -= sum(len(record.value) > 0 for records in found.values() for record in records)
    consumer.close()


if __name__ == "__main__":
    answer(consume)
