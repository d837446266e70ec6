"""The Kafka client of the library kafka-python."""

import base64
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from kafka import (
    ConsumerRebalanceListener,
    KafkaAdminClient,
    KafkaConsumer,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
    for_code,
)

from monitor.errors import OffsetGoneError, SourceError
from monitor.settings.sources import Kafka
from monitor.sources.gathered import Run
from monitor.sources.kafka_client import (
    PREFETCH_BYTES,
    REFRESH_SECONDS,
    TIMEOUT_SECONDS,
    Owner,
    Place,
    Topic,
)
from monitor.sources.quick_records import Record, make_quick

TIMEOUT_MS = int(TIMEOUT_SECONDS * 1000)

SLICE_SECONDS = 0.2
"""Longest single poll: partitions that arrive during one rest until it ends."""


class KafkaPythonClient:
    """A member of a consumer group; fills the role `Client`."""

    def __init__(self, settings: Kafka) -> None:
        """A client that has reached its brokers.

        Raises:
            SourceError: the brokers don't answer, or refuse us.
        """
        self._kafka = settings
        common = _settings(settings)
        with self._failures():
            self._admin = KafkaAdminClient(**common)
            self._consumer = KafkaConsumer(**{**common, **_consuming(settings), **settings.options})
        make_quick(self._consumer)
        self._listener = _Listener(self._consumer)

    def cluster(self) -> str:
        with self._failures():
            return str(self._admin.describe_cluster()["cluster_id"])

    def topics(self, names: Sequence[str]) -> Mapping[str, Topic]:
        found = {}
        with self._failures():
            for topic in self._admin.describe_topics(list(names)):
                error = for_code(topic["error_code"])
                if error is UnknownTopicOrPartitionError:
                    continue
                if topic["error_code"]:
                    raise error(topic["name"])
                number = base64.urlsafe_b64encode(UUID(str(topic["topic_id"])).bytes)
                name = number.decode().rstrip("=")
                found[topic["name"]] = Topic(name, len(topic["partitions"]))
        return found

    def bounds(self, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        partitions = [TopicPartition(*place) for place in places]
        with self._failures():
            low = self._consumer.beginning_offsets(partitions, timeout_ms=TIMEOUT_MS)
            high = self._consumer.end_offsets(partitions, timeout_ms=TIMEOUT_MS)
        return {(tp.topic, tp.partition): (low[tp], high[tp]) for tp in partitions}

    def subscribe(self, topics: Sequence[str], owner: Owner) -> None:
        self._owner = owner
        self._consumer.subscribe(topics=list(topics), listener=self._listener)
        # Joining before the topics are known would assign nothing until the next refresh.
        with self._failures():
            for topic in topics:
                self._consumer.partitions_for_topic(topic)

    def fetch(self, rows: int, wait: float) -> list[tuple[Place, Run]]:
        until = time.monotonic() + wait
        while True:
            left = max(until - time.monotonic(), 0.0)
            found = self._polled(rows, min(left, SLICE_SECONDS))
            self._settle()
            runs = [
                ((tp.topic, tp.partition), _run(records))
                for tp, records in found.items()
                if tp in self._listener.settled
            ]
            if runs or left <= SLICE_SECONDS:
                return runs

    def seek(self, offsets: Mapping[Place, int]) -> None:
        for place, offset in offsets.items():
            self._consumer.seek(TopicPartition(*place), offset)

    def position(self, place: Place) -> int:
        return int(self._consumer.position(TopicPartition(*place)))

    def end(self, place: Place) -> int:
        end = self._consumer.highwater(TopicPartition(*place))
        return -1 if end is None else int(end)

    def commit(self, offsets: Mapping[Place, int]) -> None:
        if offsets:
            self._consumer.commit_async(
                {
                    TopicPartition(*place): OffsetAndMetadata(offset, "", -1)
                    for place, offset in offsets.items()
                }
            )

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=TIMEOUT_MS)
        self._admin.close()

    def _polled(self, rows: int, wait: float) -> Mapping[TopicPartition, list[Record]]:
        with self._failures():
            try:
                found = self._consumer.poll(timeout_ms=int(wait * 1000), max_records=rows)
            except NoOffsetForPartitionError:
                # Seen before the listener was told of the partition, which then says where.
                return {}
        return cast(Mapping[TopicPartition, list[Record]], found)

    def _settle(self) -> None:
        """Pass on what the listener heard, in this thread."""
        while self._listener.news:
            is_arrival, partitions = self._listener.news.popleft()
            places = [(tp.topic, tp.partition) for tp in partitions]
            if is_arrival:
                self.seek(self._owner.arrived(places))
                self._listener.settled |= partitions
                self._consumer.resume(*partitions)
            else:
                self._listener.settled -= partitions
                self._owner.left(places)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Errors of the library as ours."""
        where = f"Kafka at {self._kafka.bootstrap}"
        try:
            yield
        except (OffsetOutOfRangeError, LogTruncationError) as error:
            raise OffsetGoneError(
                f"{where} no longer holds what is to be read next: {error}; "
                "restart to learn what is lost"
            ) from error
        except KafkaTimeoutError as error:
            user = self._kafka.security.username
            hint = f" or the user name {user!r} or its password is wrong" if user else ""
            raise SourceError(
                f"{where}: {error}; no broker answers there, it expects another "
                f"security protocol{',' + hint if hint else ''}"
            ) from error
        except KafkaError as error:
            raise SourceError(f"{where}: {error}") from error


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes news of partitions; new ones rest until the reader has said where to begin.

    kafka-python calls it in its own thread, where nothing may block.

    Attributes:
        news: (whether they arrived, partitions) in order.
        settled: partitions that may be read.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self.news: deque[tuple[bool, set[TopicPartition]]] = deque()
        self.settled: set[TopicPartition] = set()
        self._consumer = consumer

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._consumer.pause(*assigned)
        for partition in assigned:
            # Any position will do; without one it would look for the group's.
            self._consumer.seek(partition, 0)
        self.news.append((True, set(assigned)))

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.news.append((False, set(revoked)))

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.news.append((False, set(lost)))


def _settings(kafka: Kafka) -> dict[str, Any]:
    security = kafka.security
    settings = {
        "bootstrap_servers": kafka.bootstrap.split(","),
        "client_id": "mbm",
        "bootstrap_timeout_ms": TIMEOUT_MS,
        "metadata_max_age_ms": REFRESH_SECONDS * 1000,
        "security_protocol": security.protocol,
        "sasl_mechanism": security.mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password and security.password.reveal(),
        "ssl_cafile": security.ca and str(security.ca),
        "ssl_certfile": security.certificate and str(security.certificate),
        "ssl_keyfile": security.key and str(security.key),
        "ssl_password": security.key_password and security.key_password.reveal(),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _consuming(kafka: Kafka) -> dict[str, Any]:
    return {
        "group_id": kafka.group,
        "partition_assignment_strategy": (CooperativeStickyAssignor,),
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
        "fetch_max_bytes": PREFETCH_BYTES,
        "max_partition_fetch_bytes": PREFETCH_BYTES >> 3,
        "metrics_enabled": False,
    }


def _run(records: list[Record]) -> Run:
    headers: list[Mapping[str, bytes]] | None = None
    if any(r.headers for r in records):
        headers = [{key: value or b"" for key, value in r.headers} for r in records]
    return Run(
        [r.value for r in records],
        [r.offset for r in records],
        [r.timestamp for r in records],
        headers,
    )
