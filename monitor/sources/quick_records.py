"""Record batches of kafka-python read in one go, at less than half the cost of its own reader.

kafka-python makes three objects of every record and calls a function for each of its numbers.
Here a record is what a source wants of it: offset, time, value and headers. What surrounds the
records (checksums, compression, transactions) stays the library's work. This reaches into its
private parts; a test holds both readers together, so that a release that moves them is noticed.
"""

# ruff: noqa: SLF001
from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.record.util import decode_varint

Headers = tuple[tuple[str, bytes | None], ...]


class Record(NamedTuple):
    """What a source wants of a record; the names are kafka-python's."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: Headers


def make_quick(consumer: KafkaConsumer) -> None:
    """Let `poll` of this consumer give `Record`s, read quickly."""
    consumer._fetcher.PartitionRecords = QuickRecords


class QuickRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    """The records that one fetch brought of one partition."""

    next_fetch_offset: int

    def _unpack_records(
        self, tp: TopicPartition, records: MemoryRecords, *_: object
    ) -> Iterator[Record]:
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(f"{tp} is damaged at offset {batch.base_offset}")
            # The format before headers and transactions.
            if batch.magic < 2:
                for old in batch:
                    self.next_fetch_offset = old.offset + 1
                    yield Record(old.offset, old.timestamp, old.value, ())
                continue
            if self._is_visible(batch):
                for record in records_of(batch):
                    self.next_fetch_offset = record[0] + 1
                    yield record
            self.bytes_read += batch.size_in_bytes
            # Compaction may have taken the batch's last records: go on after all of it.
            self.next_fetch_offset = batch.next_offset
        self.drain()

    def _is_visible(self, batch: Any) -> bool:  # noqa: ANN401
        """Whether this is no marker and of no aborted transaction, as read_committed wants it."""
        if batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return False
        return not batch.is_control_batch


def records_of(batch: Any) -> Iterator[Record]:  # noqa: ANN401
    """The records of a batch of format 2.

    Raises:
        CorruptRecordError: they are not as long as they say.
    """
    iter(batch)  # unpacks it
    data, pos = bytes(batch._buffer), batch._pos
    base_offset, base_time = batch.base_offset, batch.first_timestamp
    broker_time = batch.max_timestamp if batch.timestamp_type else None
    new, varint = tuple.__new__, decode_varint
    try:
        for _ in range(batch.records_count):
            length, pos = varint(data, pos)
            end = pos + length
            # One byte of attributes, which mean nothing yet. Then numbers of mostly one byte:
            # those are decoded here, as a call costs more than all the rest.
            byte = data[pos + 1]
            if byte < 0x80:
                since, pos = (byte >> 1) ^ -(byte & 1), pos + 2
            else:
                since, pos = varint(data, pos + 1)
            delta, pos = varint(data, pos)
            size, pos = varint(data, pos)
            if size > 0:
                pos += size
            size, pos = varint(data, pos)
            value = None
            if size >= 0:
                value = data[pos : pos + size]
                pos += size
            headers: Headers = ()
            if data[pos]:
                headers, pos = _headers(data, pos)
            else:
                pos += 1
            if pos != end:
                raise CorruptRecordError(f"a record of {length} bytes ends {end - pos} bytes away")
            at = base_time + since if broker_time is None else broker_time
            yield new(Record, (base_offset + delta, at, value, headers))
    except (IndexError, ValueError) as error:
        raise CorruptRecordError(f"a record is cut short: {error}") from error
    if pos != len(data):
        raise CorruptRecordError(f"{len(data) - pos} bytes follow the last record")


def _headers(data: bytes, pos: int) -> tuple[Headers, int]:
    """Headers that begin at a position, and the position after them."""
    count, pos = decode_varint(data, pos)
    if count < 0:
        raise CorruptRecordError("a record has less than no headers")
    headers = []
    for _ in range(count):
        size, pos = decode_varint(data, pos)
        key = data[pos : pos + size].decode()
        pos += size
        size, pos = decode_varint(data, pos)
        headers.append((key, data[pos : pos + size] if size >= 0 else None))
        pos += max(size, 0)
    return tuple(headers), pos
