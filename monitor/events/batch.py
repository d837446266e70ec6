"""Messages on their way into the log: as they came, then as rows with an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NOTHING = -1
"""The mark of a partition of which nothing was stored yet."""


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Messages as a source gave them, n of them.

    Attributes:
        source: name of the source in the settings.
        values: n messages; None is a tombstone.
        headers: n mappings, or None when no message has any.
        partitions: ids of the partitions in this batch; an id names its cluster and topic
            so that a topic made anew is another partition.
        partition: index into `partitions` per message, shape (n,).
        offsets: position in the partition per message, shape (n,); ascending per partition.
        broker_ms: time the broker gave, Unix milliseconds, shape (n,); -1 where unknown.
        after: per partition the mark that its part of the batch starts after.
        upto: per partition the mark that holds once the batch is stored; it may lie beyond
            the last message, for logs have holes.
    """

    source: str
    values: Sequence[bytes | None]
    headers: Sequence[Mapping[str, bytes]] | None
    partitions: tuple[str, ...]
    partition: NDArray[np.int32]
    offsets: NDArray[np.int64]
    broker_ms: NDArray[np.int64]
    after: Mapping[str, int]
    upto: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one partition's part of a batch, in messages.

    `received == stored + quarantined + sum(ignored.values())`, exactly. One stored message
    may be several rows.

    Attributes:
        received: messages read.
        stored: messages that became event rows.
        quarantined: messages that became quarantine rows.
        ignored: messages that are none of our business, by reason.
        rows: event rows made of the stored messages.
    """

    received: int
    stored: int
    quarantined: int
    ignored: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch as rows of the log.

    Attributes:
        rows: table with the schema `EVENTS`, events and quarantine together, sorted by kind,
            day, model and event time.
        tallies: per partition of the batch.
        unknown_versions: events per (model, version) that no card knows [rows].
        unknown_keys: envelope keys outside the contract, with the messages that had them.
    """

    rows: pa.Table
    tallies: Mapping[str, Tally]
    unknown_versions: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unknown_keys: Mapping[str, int] = field(default_factory=dict)
