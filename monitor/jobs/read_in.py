"""Ingest over the parts of a service: its sources, by the cards in force, into its log."""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from prometheus_client import REGISTRY, CollectorRegistry

from monitor.errors import StateOutOfReachError
from monitor.events.batch import Decoded, RawBatch
from monitor.jobs import service
from monitor.jobs.current_cards import CurrentCards
from monitor.jobs.ingest import Ingest
from monitor.jobs.kept import kept_from
from monitor.jobs.service import Opened
from monitor.log.events import EventLog
from monitor.outputs.live import LiveMetrics
from monitor.state import heartbeats
from monitor.state.heartbeats import Heartbeat

KEPT_SECONDS = 60.0
"""How often it is looked up from when on the log keeps events."""

Stored = Callable[[Decoded], None]
"""Told of each batch as it is decoded."""

_log = logging.getLogger(__name__)


def read_in(
    parts: Opened,
    is_stopped: Callable[[], bool],
    *,
    once: bool = False,
    registry: CollectorRegistry = REGISTRY,
    told: Stored = lambda _: None,
) -> None:
    """Read all sources into the log until told to stop, or with `once` until they are exhausted.

    Args:
        parts: of the service.
        is_stopped: whether to stop; a batch that was begun is finished.
        once: read what is there, then stop.
        registry: gets the live counters.
        told: of each batch.

    Raises:
        SourceError: a source cannot be read.
        OffsetGoneError: a source lost messages before they were stored.
        LogError: the log cannot be written.
    """
    log = EventLog.open(parts.store, parts.settings.log.partition)
    Ingest(
        service.sources(parts.settings, once=once),
        log,
        _Decode(parts, told),
        service.limit(parts.settings),
        _Beat(parts),
        LiveMetrics(registry),
    ).run(is_stopped, once=once)


class _Decode:
    """Decodes each batch by the cards that are in force when it comes."""

    def __init__(self, parts: Opened, told: Stored) -> None:
        self._parts = parts
        self._told = told
        self._key = service.hash_key(parts.settings)
        self._current = CurrentCards(parts.settings.cards, parts.cards)
        self._use_cards()

    def __call__(self, batch: RawBatch) -> Decoded:
        if self._current.changed():
            self._use_cards()
        if time.monotonic() - self._looked > KEPT_SECONDS:
            with going_on("until when events are kept is as it was"):
                self._look_up_kept()
        decoded = self._decoder.decode(batch, now=datetime.now(UTC), kept_from=self._kept)
        self._told(decoded)
        return decoded

    def _use_cards(self) -> None:
        cards = self._current.cards
        service.define_contracts(self._parts.store, cards)
        self._decoder = service.decoder(self._parts.settings, cards, self._key)
        self._look_up_kept()

    def _look_up_kept(self) -> None:
        self._kept = kept_from(self._parts.state, self._current.cards)
        self._looked = time.monotonic()


class _Beat:
    """Keeps heartbeats: of partitions that exist, and of no others.

    A partition that is gone would hold the watermark for ever; one that nobody has read yet
    must hold it, for it may have older events.
    """

    def __init__(self, parts: Opened) -> None:
        self._state = parts.state
        self._known: dict[str, frozenset[str]] = {}
        for beat in heartbeats.heartbeats(parts.state):
            if beat.source not in parts.settings.sources:
                heartbeats.forget(parts.state, beat.source, ())

    def __call__(
        self, source: str, beats: Collection[Heartbeat], partitions: Collection[str]
    ) -> None:
        there = frozenset(partitions)
        with going_on("windows stay open meanwhile"):
            if self._known.get(source) != there:
                heartbeats.forget(self._state, source, there)
                heartbeats.expect(self._state, source, there, datetime.now(UTC))
                self._known[source] = there
            heartbeats.beat(self._state, beats)


@contextmanager
def going_on(meanwhile: str) -> Iterator[None]:
    """Go on without the state while it is out of reach: what is read needs the log alone."""
    try:
        yield
    except StateOutOfReachError as error:
        _log.warning("reading goes on, and %s: %s", meanwhile, error)
