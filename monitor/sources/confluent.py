"""The Kafka client of the library confluent-kafka."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

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

# librdkafka's own codes begin with "_" and are public all the same.
END = KafkaError._PARTITION_EOF  # noqa: SLF001
NO_OFFSET = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001

FATAL = frozenset(
    {
        KafkaError._FATAL,  # noqa: SLF001
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)
"""What waiting doesn't heal; librdkafka retries everything else by itself."""


class ConfluentClient:
    """A member of a consumer group; fills the role `Client`."""

    def __init__(self, settings: Kafka) -> None:
        """A client that has reached its brokers.

        Raises:
            SourceError: the brokers don't answer, or refuse us.
        """
        self._kafka = settings
        self._trouble: KafkaError | None = None
        common = _settings(settings) | {"error_cb": self._remember}
        try:
            self._admin = AdminClient(common)
            self._consumer = Consumer({**common, **_consuming(settings), **settings.options})
            self._cluster = self._admin.list_topics(timeout=TIMEOUT_SECONDS).cluster_id
        except (KafkaException, ValueError) as error:
            raise self._failure(error) from error
        self._positions: dict[Place, int] = {}

    def cluster(self) -> str:
        return str(self._cluster)

    def topics(self, names: Sequence[str]) -> Mapping[str, Topic]:
        asked = TopicCollection(list(names))
        found = {}
        futures = self._admin.describe_topics(asked, request_timeout=TIMEOUT_SECONDS)
        for name, future in futures.items():
            try:
                topic = future.result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue
                raise self._failure(error) from error
            found[name] = Topic(_url_safe(str(topic.topic_id)), len(topic.partitions))
        return found

    def bounds(self, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        try:
            return {
                place: self._consumer.get_watermark_offsets(
                    TopicPartition(*place), timeout=TIMEOUT_SECONDS
                )
                for place in places
            }
        except KafkaException as error:
            raise self._failure(error) from error

    def subscribe(self, topics: Sequence[str], owner: Owner) -> None:
        def assigned(_: Consumer, partitions: list[TopicPartition]) -> None:
            self._begin(owner.arrived([(p.topic, p.partition) for p in partitions]))

        def revoked(_: Consumer, partitions: list[TopicPartition]) -> None:
            places = [(p.topic, p.partition) for p in partitions]
            owner.left(places)
            for place in places:
                self._positions.pop(place, None)

        self._consumer.subscribe(
            list(topics), on_assign=assigned, on_revoke=revoked, on_lost=revoked
        )

    def fetch(self, rows: int, wait: float) -> list[tuple[Place, Run]]:
        try:
            messages = self._consumer.consume(rows, wait)
        except KafkaException as error:
            raise self._failure(error) from error
        if self._trouble is not None and self._trouble.code() in FATAL:
            raise self._failure(None)
        return self._runs(messages) if messages else []

    def seek(self, offsets: Mapping[Place, int]) -> None:
        # Consumer.seek() refuses a partition whose fetching has not begun yet.
        self._consumer.incremental_unassign([TopicPartition(*place) for place in offsets])
        self._begin(offsets)

    def position(self, place: Place) -> int:
        return self._positions[place]

    def end(self, place: Place) -> int:
        _, high = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
        return int(high)

    def commit(self, offsets: Mapping[Place, int]) -> None:
        places = [TopicPartition(*place, offset) for place, offset in offsets.items()]
        if places:
            self._consumer.commit(offsets=places, asynchronous=True)

    def close(self) -> None:
        self._consumer.close()

    def _begin(self, offsets: Mapping[Place, int]) -> None:
        self._positions |= offsets
        self._consumer.incremental_assign(
            [TopicPartition(*place, offset) for place, offset in offsets.items()]
        )

    def _runs(self, messages: list[Message]) -> list[tuple[Place, Run]]:
        """Neighbours of one partition as a run; ends of partitions move positions only."""
        runs = []
        # Mapped over the methods themselves: half the time of calling them one by one.
        topics, numbers = list(map(Message.topic, messages)), list(map(Message.partition, messages))
        changes = np.diff(np.array(numbers)) != 0
        if topics.count(topics[0]) < len(topics):
            changes |= [a != b for a, b in pairwise(topics)]
        cuts = (np.flatnonzero(changes) + 1).tolist()
        for begin, end in pairwise([0, *cuts, len(messages)]):
            place, part = cast(Place, (topics[begin], numbers[begin])), messages[begin:end]
            if any(map(Message.error, part)):
                part = [m for m in part if not self._is_event(m, place)]
            # A message fetched before its partition left is none of ours.
            if part and place in self._positions:
                run = _run(part)
                self._positions[place] = max(self._positions[place], run.offsets[-1] + 1)
                runs.append((place, run))
        return runs

    def _is_event(self, message: Message, place: Place) -> bool:
        """Whether this is no message but news of its partition, which is dealt with."""
        error = message.error()
        if error is None:
            return False
        code = error.code()
        if code in (NO_OFFSET, KafkaError.OFFSET_OUT_OF_RANGE):
            raise OffsetGoneError(
                f"Kafka no longer holds offset {self._positions.get(place)} of "
                f"{place[0]}[{place[1]}]: {error.str()}; restart to learn what is lost"
            )
        if code in FATAL or error.fatal():
            raise self._failure(KafkaException(error))
        if code == END and place in self._positions:
            end = cast(int, message.offset())
            self._positions[place] = max(self._positions[place], end)
        return True

    def _remember(self, error: KafkaError) -> None:
        self._trouble = error

    def _failure(self, error: Exception | None) -> SourceError:
        reasons = dict.fromkeys(_reason(e) for e in (error, self._trouble) if e is not None)
        security = self._kafka.security
        user = security.username
        hint = f" and knows the user name {user!r} with its password" if user else ""
        return SourceError(
            f"Kafka at {self._kafka.bootstrap}: {'; '.join(reasons)}; "
            f"check that a broker answers there in {security.protocol}{hint}"
        )


def _reason(error: Exception | KafkaError) -> str:
    """What the library says in words, without its codes."""
    cause = error.args[0] if isinstance(error, KafkaException) else error
    return cause.str() if isinstance(cause, KafkaError) else str(cause)


def _settings(kafka: Kafka) -> dict[str, Any]:
    security = kafka.security
    settings = {
        "bootstrap.servers": kafka.bootstrap,
        "client.id": "mbm",
        "security.protocol": security.protocol,
        "sasl.mechanism": security.mechanism,
        "sasl.username": security.username,
        "sasl.password": security.password and security.password.reveal(),
        "ssl.ca.location": security.ca and str(security.ca),
        "ssl.certificate.location": security.certificate and str(security.certificate),
        "ssl.key.location": security.key and str(security.key),
        "ssl.key.password": security.key_password and security.key_password.reveal(),
        "topic.metadata.refresh.interval.ms": REFRESH_SECONDS * 1000,
        # Its own log goes to standard error past ours; what matters comes as errors.
        "log_level": 0,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _consuming(kafka: Kafka) -> dict[str, Any]:
    return {
        "group.id": kafka.group,
        "partition.assignment.strategy": "cooperative-sticky",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "check.crcs": True,
        "queued.max.messages.kbytes": PREFETCH_BYTES >> 10,
        "fetch.message.max.bytes": PREFETCH_BYTES >> 3,
    }


def _run(messages: list[Message]) -> Run:
    headers: list[Mapping[str, bytes]] | None = None
    if any(map(Message.headers, messages)):
        pairs = [cast(Sequence[tuple[str, bytes | None]], m.headers() or ()) for m in messages]
        headers = [{key: value or b"" for key, value in items} for items in pairs]
    return Run(
        list(map(Message.value, messages)),
        cast(list[int], list(map(Message.offset, messages))),
        [time for _, time in map(Message.timestamp, messages)],
        headers,
    )


def _url_safe(topic_id: str) -> str:
    """The id as Kafka's own tools print it; librdkafka uses another alphabet."""
    return topic_id.rstrip("=").replace("+", "-").replace("/", "_")
