"""Our reader of record batches beside kafka-python's own."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from monitor.sources.quick_records import QuickRecords, records_of

PLACE = TopicPartition("t", 0)

records = st.lists(
    st.tuples(
        st.integers(0, 1 << 40),
        st.none() | st.binary(max_size=80),
        st.none() | st.binary(max_size=200),
        st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=70)), max_size=3),
    ),
    min_size=1,
    max_size=20,
)


def batch_of(rows: list[Any], codec: int = 0, *, transactional: bool = False) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=transactional,
        producer_id=7 if transactional else -1,
        producer_epoch=0 if transactional else -1,
        base_sequence=0 if transactional else -1,
        batch_size=1 << 24,
    )
    for offset, (time, key, value, headers) in enumerate(rows):
        assert builder.append(offset, time, key, value, headers)
    return bytes(builder.build())


def simple(count: int) -> list[Any]:
    return [(1000 + n, None, b"%d" % n, []) for n in range(count)]


@given(records, st.sampled_from([0, 1, 3]))
def test_both_readers_see_the_same(rows: list[Any], codec: int) -> None:
    data = batch_of(rows, codec)
    theirs = [(r.offset, r.timestamp, r.value, tuple(r.headers)) for r in DefaultRecordBatch(data)]
    assert [tuple(record) for record in records_of(DefaultRecordBatch(data))] == theirs


def test_a_cut_or_padded_batch_is_refused() -> None:
    data = batch_of(simple(3))
    for damaged in (data[:-1], data + b"\0"):
        with pytest.raises(CorruptRecordError):
            list(records_of(DefaultRecordBatch(damaged)))


def opened(
    kind: type[Fetcher.PartitionRecords], data: bytes, offset: int, aborted: list[Any] | None = None
) -> Fetcher.PartitionRecords:
    return kind(
        offset,
        PLACE,
        MemoryRecords(data),
        isolation_level=IsolationLevel.READ_COMMITTED,
        aborted_transactions=aborted,
    )


@pytest.mark.parametrize("offset", [0, 3, 9])
@pytest.mark.parametrize("take", [1, 4, 100])
def test_positions_move_as_the_librarys_do(offset: int, take: int) -> None:
    data = batch_of(simple(10))
    ours, theirs = (opened(kind, data, offset) for kind in (QuickRecords, Fetcher.PartitionRecords))
    for _ in itertools.count():
        if not ours:
            break
        mine, others = ours.take(take), theirs.take(take)
        assert [r.value for r in mine] == [r.value for r in others]
        assert ours.next_fetch_offset == theirs.next_fetch_offset
        assert bool(ours) is bool(theirs)


def test_a_damaged_checksum_is_noticed() -> None:
    data = bytearray(batch_of(simple(3)))
    data[-2] ^= 1
    with pytest.raises(CorruptRecordError, match="damaged"):
        opened(QuickRecords, bytes(data), 0).take(10)


def test_an_aborted_transaction_is_passed_over() -> None:
    class Aborted:
        producer_id, first_offset = 7, 0

    ours = opened(QuickRecords, batch_of(simple(5), transactional=True), 0, [Aborted()])
    assert ours.take(10) == []
    assert ours.next_fetch_offset == 5
