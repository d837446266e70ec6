"""Messages from quarantine decoded once more, by the cards of today."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice

import numpy as np

from monitor.events.batch import RawBatch
from monitor.events.schema import Reason
from monitor.jobs import service
from monitor.jobs.kept import kept_from
from monitor.jobs.service import Opened
from monitor.log.events import EventLog
from monitor.log.quarantine import Quarantined, quarantined
from monitor.log.quarantine import replay as stored
from monitor.told import Told, tell_nobody

BATCH = 10_000
"""Messages that are decoded together."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did.

    Attributes:
        tried: messages that were decoded again.
        taken_in: those that became rows now.
    """

    tried: int
    taken_in: int


def replay(
    parts: Opened,
    *,
    source: str | None = None,
    reason: str | None = None,
    since: datetime | None = None,
    now: datetime,
    told: Told = tell_nobody,
) -> Replayed:
    """What was taken in of the messages in quarantine that fit.

    Messages of sources that the settings no longer name are read as native ones. Those of which
    only the beginning was kept, because they are too large, are not tried.

    Args:
        parts: of the service.
        source: only of this one.
        reason: only for this one.
        since: only those that came since; aware.
        now: aware; the clock.
        told: after each batch, of how many messages were tried, and of how many.
    """
    log = EventLog.open(parts.store, parts.settings.log.partition)
    service.define_contracts(parts.store, parts.cards)
    decoder = service.decoder(parts.settings, parts.cards, service.hash_key(parts.settings))
    kept = kept_from(parts.state, parts.cards)
    found = quarantined(log, source=source, reason=reason, since=since)
    open_ones = [m for m in found if not m.is_replayed and m.reason != Reason.TOO_LARGE]
    taken = tried = 0
    for batch in _batches(open_ones):
        taken += stored(log, decoder.decode(batch, now=now, kept_from=kept).rows)
        tried += len(batch.values)
        told("messages", tried, len(open_ones))
    return Replayed(len(open_ones), taken)


def _batches(messages: Iterable[Quarantined]) -> Iterator[RawBatch]:
    ordered = sorted(messages, key=lambda m: (m.source, m.partition, m.offset))
    for source, group in groupby(ordered, key=lambda m: m.source):
        while some := list(islice(group, BATCH)):
            yield _batch(source, some)


def _batch(source: str, messages: Sequence[Quarantined]) -> RawBatch:
    partitions = tuple(sorted({message.partition for message in messages}))
    index = {name: i for i, name in enumerate(partitions)}
    headers = [_headers(message.headers) for message in messages]
    return RawBatch(
        source=source,
        values=[message.payload for message in messages],
        headers=headers if any(headers) else None,
        partitions=partitions,
        partition=np.array([index[m.partition] for m in messages], np.int32),
        offsets=np.array([m.offset for m in messages], np.int64),
        broker_ms=np.array(
            [(m.time - _EPOCH) // _MILLISECOND if m.time else -1 for m in messages], np.int64
        ),
        after={},
        upto={},
    )


def _headers(text: str | None) -> Mapping[str, bytes]:
    known: dict[str, str] = json.loads(text) if text else {}
    return {name: value.encode() for name, value in known.items()}
