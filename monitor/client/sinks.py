"""Where a model service's events go: a topic of Kafka, or a file for trying things out."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from monitor.client.buffer import Message, Sink

PATIENCE: Final = 10.0
"""How long one batch may take before it is sent again [s]."""

MOST_BYTES: Final = 1_000_000
"""Size of one message from which brokers refuse it by default [bytes]."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A topic of Kafka.

    Attributes:
        bootstrap: brokers as "host:port", with commas between them.
        topic: that the monitor reads.
        options: further options of the client library that is used, such as security_protocol,
            in kafka-python's spelling with confluent-kafka not installed, else in librdkafka's.
    """

    bootstrap: str
    topic: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def open(self) -> Sink:
        """A sink that has reached its brokers."""
        if importlib.util.find_spec("confluent_kafka") is not None:
            return _Confluent(self)
        return _KafkaPython(self)


@dataclass(frozen=True, slots=True)
class File:
    """A file of JSON lines, which a source of kind `files` reads; for one writing process."""

    path: str | Path

    def open(self) -> Sink:
        """A sink that appends."""
        return _Lines(Path(self.path))


class _Lines:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def send(self, batch: Sequence[Message]) -> int:
        self._file.write(b"".join(value + b"\n" for _, value in batch))
        self._file.flush()
        return 0

    def close(self) -> None:
        self._file.close()


class _Confluent:
    def __init__(self, to: Kafka) -> None:
        from confluent_kafka import Producer

        self._topic = to.topic
        self._failed: list[Any] = []
        self._refused = 0
        self._producer = Producer(
            {
                "bootstrap.servers": to.bootstrap,
                "compression.type": "lz4",
                "linger.ms": 5,
                "delivery.timeout.ms": int(PATIENCE * 1000),
                "log_level": 0,
                **to.options,
            }
        )

    def send(self, batch: Sequence[Message]) -> int:
        self._failed, self._refused = [], 0
        for key, value in batch:
            self._producer.produce(self._topic, value, key, on_delivery=self._delivered)
        left = self._producer.flush(2 * PATIENCE)
        if self._failed or left:
            raise ConnectionError(f"{self._failed[0] if self._failed else 'no answer'}")
        return self._refused

    def close(self) -> None:
        self._producer.purge()
        self._producer.flush(0)

    def _delivered(self, error: Any, message: Any) -> None:  # noqa: ANN401 - the library's own
        del message
        if error is None:
            return
        from confluent_kafka import KafkaError

        if error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG):
            self._refused += 1
        else:
            self._failed.append(error)


class _KafkaPython:
    def __init__(self, to: Kafka) -> None:
        from kafka import KafkaProducer

        self._topic = to.topic
        self._producer = KafkaProducer(
            **{
                "bootstrap_servers": to.bootstrap.split(","),
                "compression_type": "lz4",
                "linger_ms": 5,
                # Ids tell repetitions apart, so the brokers need not.
                "enable_idempotence": False,
                "max_block_ms": int(PATIENCE * 1000),
                "delivery_timeout_ms": int(2 * PATIENCE * 1000),
                "request_timeout_ms": int(PATIENCE * 1000),
                **to.options,
            }
        )

    def send(self, batch: Sequence[Message]) -> int:
        from kafka.errors import MessageSizeTooLargeError

        sent = []
        refused = 0
        for key, value in batch:
            try:
                sent.append(self._producer.send(self._topic, value, key))
            except MessageSizeTooLargeError:
                refused += 1
        self._producer.flush(2 * PATIENCE)
        for future in sent:
            try:
                future.get(0)
            except MessageSizeTooLargeError:
                refused += 1
        return refused

    def close(self) -> None:
        self._producer.close(0)
