"""Both Kafka clients on a real broker: one suite, so that they can take each other's place."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from monitor.errors import OffsetGoneError, SourceError
from monitor.events.batch import RawBatch
from monitor.settings.secret import Secret
from monitor.settings.sources import Kafka, Security
from monitor.sources.base import Limit
from monitor.sources.kafka import KafkaSource, client_of
from tests.services.kafka import PASSWORD, USER, Broker
from tests.services.log import FakeLog, drain

LIMIT = Limit(rows=1000, size=1 << 20, seconds=0.3)
OTHER = {"confluent": "kafka-python", "kafka-python": "confluent"}

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

Open = Callable[..., KafkaSource]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as running:
        yield running


@pytest.fixture(params=["confluent", "kafka-python"])
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def topic(broker: Broker) -> str:
    name = f"events-{uuid.uuid4().hex[:8]}"
    broker.create_topic(name, partitions=2)
    return name


@pytest.fixture
def open_source(broker: Broker, topic: str, library: str) -> Iterator[Open]:
    opened: list[KafkaSource] = []

    def open_one(log: FakeLog, **options: object) -> KafkaSource:
        source = source_of(broker, topic, **{"client": library, **options})
        opened.append(source)
        source.start(log.marks)
        return source

    yield open_one
    for source in opened:
        source.close()


def source_of(broker: Broker, topic: str, **options: object) -> KafkaSource:
    place = {"bootstrap": broker.bootstrap, "topics": (topic,), "group": f"group-{topic}"}
    settings = Kafka.model_validate({**place, **options})
    return KafkaSource("events", settings, client_of(settings))


def numbered(begin: int, end: int) -> list[bytes]:
    return [b'{"n": %d}' % n for n in range(begin, end)]


def read(open_source: Open, log: FakeLog, limit: Limit = LIMIT) -> list[RawBatch]:
    # A member that stays open without polling would keep its partitions from the next one.
    source = open_source(log)
    try:
        return drain(source, log, limit)
    finally:
        source.close()


def test_every_message_comes_once_and_in_order(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 2500), partition=0)
    broker.produce(topic, numbered(2500, 4000), partition=1)
    log = FakeLog()
    batches = read(open_source, log)
    assert log.values() == numbered(0, 4000)
    assert all(batch.broker_ms.min() > 1_600_000_000_000 for batch in batches)
    assert {name.split("/")[2] for name in log.positions} == {"0", "1"}


def test_reading_resumes_after_the_mark_whatever_the_group_says(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 100))
    log = FakeLog()
    read(open_source, log)
    name = next(iter(log.positions))
    log.positions[name] = 39
    log.messages[name] = log.messages[name][:40]
    read(open_source, log)
    assert log.values() == numbered(0, 100)


def test_the_other_client_goes_on_where_this_one_stopped(
    broker: Broker, topic: str, open_source: Open, library: str
) -> None:
    log = FakeLog()
    broker.produce(topic, numbered(0, 50))
    read(open_source, log)
    broker.produce(topic, numbered(50, 90))
    source = open_source(log, client=OTHER[library])
    drain(source, log, LIMIT)
    assert log.values() == numbered(0, 90)


def test_a_tombstone_an_empty_value_and_headers_arrive_as_they_were(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, [None, b"", b"x"])
    broker.produce(topic, [b"y"], headers=[("ce_id", b"7"), ("empty", b"")])
    batches = read(open_source, log := FakeLog())
    assert log.values() == [None, b"", b"x", b"y"]
    headers = [header for batch in batches if batch.headers for header in batch.headers]
    assert headers[-1] == {"ce_id": b"7", "empty": b""}


def test_no_headers_cost_nothing(broker: Broker, topic: str, open_source: Open) -> None:
    broker.produce(topic, numbered(0, 3))
    assert [batch.headers for batch in read(open_source, FakeLog())] == [None]


def test_aborted_transactions_are_invisible_and_markers_are_no_lag(
    broker: Broker, topic: str, open_source: Open
) -> None:
    producer = broker.producer(**{"transactional.id": topic})
    producer.init_transactions()
    for values, keep in ((numbered(0, 10), True), (numbered(10, 20), False)):
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=0)
        producer.flush()
        producer.commit_transaction() if keep else producer.abort_transaction()
    source = open_source(log := FakeLog())
    drain(source, log, LIMIT)
    assert log.values() == numbered(0, 10)
    # 10 messages and a marker, twice: the mark lies on the last marker.
    assert list(log.positions.values()) == [21]
    assert all(s.position == s.end for s in source.standing().values())


def test_a_batch_keeps_its_limits(broker: Broker, topic: str, open_source: Open) -> None:
    broker.produce(topic, [b"x" * 100] * 300)
    log = FakeLog()
    by_rows = read(open_source, log, Limit(rows=70, size=1 << 20, seconds=1))
    assert [len(batch.values) for batch in by_rows] == [70, 70, 70, 70, 20]
    broker.produce(topic, [b"x" * 100] * 30 + [b"y" * 5000] + [b"x" * 100] * 30)
    by_size = read(open_source, log, Limit(rows=1000, size=1000, seconds=1))
    sizes = [sum(len(value or b"") for value in batch.values) for batch in by_size]
    assert max(size for size in sizes if size != 5000) <= 1000
    assert sizes.count(5000) == 1
    assert len(log.values()) == 361


def test_a_rewound_source_gives_the_same_messages_again(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 3000))
    source = open_source(log := FakeLog())
    first = source.poll(Limit(rows=500, seconds=1), 30)
    assert first is not None
    source.rewind(log.marks(first.partitions))
    drain(source, log, LIMIT)
    assert log.values() == numbered(0, 3000)


def test_a_topic_made_anew_is_another_partition_read_from_its_start(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 50))
    log = FakeLog()
    read(open_source, log)
    broker.delete_topic(topic)
    broker.create_topic(topic, partitions=2)
    broker.produce(topic, numbered(50, 200))
    read(open_source, log)
    assert Counter(log.values()) == Counter(numbered(0, 200))
    assert len({name.split("/")[1] for name in log.positions}) == 2


def test_a_topic_made_anew_under_a_running_reader_is_noticed(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 50))
    source = open_source(log := FakeLog())
    drain(source, log, LIMIT)
    broker.delete_topic(topic)
    broker.create_topic(topic, partitions=2)
    # More than the old one held, so that the old position exists in the new topic.
    broker.produce(topic, numbered(50, 200))
    for _ in range(60):
        if (batch := source.poll(LIMIT, 0.5)) is not None:
            log.append(batch)
        if len(log.values()) == 200:
            break
    assert Counter(log.values()) == Counter(numbered(0, 200))


def test_a_message_that_is_gone_stops_the_reader_until_the_loss_is_accepted(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 50))
    log = FakeLog()
    read(open_source, log)
    broker.produce(topic, numbered(50, 90))
    broker.delete_records(topic, 0, before=70)
    with pytest.raises(OffsetGoneError, match=rf"{topic}\[0\]@50.*accept_gaps"):
        read(open_source, log)
    source = open_source(log, accept_gaps=(f"{topic}[0]@50",))
    drain(source, log, LIMIT)
    assert log.values() == numbered(0, 50) + numbered(70, 90)


def test_records_deleted_after_they_were_stored_are_no_loss(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 50))
    log = FakeLog()
    read(open_source, log)
    broker.delete_records(topic, 0, before=50)
    broker.produce(topic, numbered(50, 60))
    read(open_source, log)
    assert log.values() == numbered(0, 60)


def test_latest_begins_at_the_end_and_remembers_it(
    broker: Broker, topic: str, open_source: Open
) -> None:
    broker.produce(topic, numbered(0, 50))
    source = open_source(log := FakeLog(), start="latest")
    drain(source, log, LIMIT)
    source.close()
    assert sorted(log.positions.values()) == [49]
    broker.produce(topic, numbered(50, 60))
    drain(open_source(log, start="latest"), log, LIMIT)
    assert log.values() == numbered(50, 60)


def test_two_members_share_the_partitions_and_nothing_comes_twice(
    broker: Broker, topic: str, open_source: Open
) -> None:
    log, lock = FakeLog(), threading.Lock()
    broker.produce(topic, numbered(0, 500), partition=0)
    broker.produce(topic, numbered(500, 1000), partition=1)
    first, second = open_source(log), open_source(log)
    members = {0: first, 1: second}
    owned: dict[int, set[str]] = {}

    def step(member: int) -> None:
        source = members[member]
        batch = source.poll(Limit(rows=50, seconds=0.2), 0.2)
        with lock:
            if batch is None:
                pass
            elif dict(batch.after) == log.marks(list(batch.after)):
                log.append(batch)
            else:
                source.rewind(log.marks(batch.partitions))
            owned[member] = set(source.standing())

    for _ in range(200):
        threads = [threading.Thread(target=step, args=(member,)) for member in members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(log.values()) == 1000 and len(owned[0]) == len(owned[1]) == 1:
            break
    assert owned[0].isdisjoint(owned[1])
    assert log.values() == numbered(0, 1000)
    second.close()
    broker.produce(topic, numbered(1000, 1010), partition=0)
    broker.produce(topic, numbered(1010, 1020), partition=1)
    drain(first, log, LIMIT)
    assert len(log.values()) == 1020


def test_a_missing_topic_is_named(broker: Broker, library: str) -> None:
    source = source_of(broker, "nowhere", client=library)
    with pytest.raises(SourceError, match="no topic nowhere"):
        source.start(FakeLog().marks)
    source.close()


def test_tls_and_scram_work_and_a_wrong_password_is_said_to_be_possible(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Broker(secure=True) as broker:
        broker.create_topic("events")
        broker.produce("events", numbered(0, 10))
        assert broker.security is not None
        security = Security(
            protocol="SASL_SSL",
            mechanism="SCRAM-SHA-512",
            username=USER,
            password=Secret(env="KAFKA_TEST_PASSWORD"),
            ca=broker.security.ca,
        )
        monkeypatch.setenv("KAFKA_TEST_PASSWORD", PASSWORD)
        source = source_of(broker, "events", client=library, security=security)
        source.start((log := FakeLog()).marks)
        drain(source, log, LIMIT)
        source.close()
        assert log.values() == numbered(0, 10)
        monkeypatch.setenv("KAFKA_TEST_PASSWORD", "not-the-password")
        with pytest.raises(SourceError, match="password") as caught:
            source_of(broker, "events", client=library, security=security)
        assert "not-the-password" not in str(caught.value)
