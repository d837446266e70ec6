"""Reading sources into the log, exactly once.

A batch goes through five steps: read, decode, append, tell the source, tell everybody else.
Only the append changes anything that counts: it holds rows, quarantine, positions and account
in one commit, and the log refuses it if a partition's mark is not where the batch starts. A
batch that would touch too many partitions of the log is stored in pieces, one after the other. A
process may die between any two steps; whoever reads next starts after the log's mark.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import pyarrow as pa

from monitor.errors import PositionConflictError
from monitor.events.batch import Decoded, RawBatch, Tally
from monitor.events.table import Partition
from monitor.jobs.failpoint import reach
from monitor.jobs.pieces import MOST_PARTITIONS, pieces
from monitor.outputs.live import Lag, LiveMetrics
from monitor.sources.base import Limit, Source
from monitor.state.heartbeats import Heartbeat

BEAT_SECONDS = 5.0
"""How often a source without messages says that it is alive."""

Decode = Callable[[RawBatch], Decoded]
"""Decodes one batch; it may use other cards for the next."""

Beat = Callable[[str, Collection[Heartbeat], Collection[str]], None]
"""Keeps a source's heartbeats where the watermark is computed; told which partitions exist."""


class Log(Protocol):
    """What ingest asks of the log of events."""

    partition: Partition

    def marks(self, partitions: Sequence[str]) -> Mapping[str, int]:
        """The last stored position of each of these partitions."""
        ...

    def append(
        self,
        rows: pa.Table,
        *,
        after: Mapping[str, int],
        upto: Mapping[str, int],
        tallies: Mapping[str, Tally],
    ) -> int:
        """Store a batch, or raise PositionConflictError and store nothing."""
        ...


class Ingest:
    """Takes sources in turn, batch by batch, in one thread."""

    def __init__(
        self,
        sources: Sequence[Source],
        log: Log,
        decode: Decode,
        limit: Limit,
        beat: Beat,
        metrics: LiveMetrics,
    ) -> None:
        self._sources = tuple(sources)
        self._log = log
        self._decode = decode
        self._limit = limit
        self._beat = beat
        self._metrics = metrics
        self._latest: dict[str, datetime] = {}
        self._broker_time: dict[str, float] = {}
        self._beaten: dict[str, float] = {}

    def run(self, is_stopped: Callable[[], bool], *, once: bool = False) -> None:
        """Read until told to stop, or with `once` until every source is exhausted.

        A batch that was begun is finished. Sources are closed at the end, whatever happens.

        Raises:
            SourceError: a source cannot be read.
            OffsetGoneError: a source lost messages before they were stored.
            LogError: the log cannot be written.
        """
        # Arrow's own pool returns its pages after each batch and faults them in for the next one:
        # a tenth of all the cost.
        pa.set_memory_pool(pa.system_memory_pool())
        try:
            for source in self._sources:
                source.start(self._log.marks)
            waiting = list(self._sources)
            while waiting and not is_stopped():
                for source in tuple(waiting):
                    is_idle = not self.step(source, wait=1.0 / len(waiting))
                    if once and is_idle and source.exhausted():
                        self._tell(source)
                        waiting.remove(source)
        finally:
            for source in self._sources:
                source.close()

    def step(self, source: Source, wait: float) -> bool:
        """Whether a batch came within `wait` seconds; it was stored, or another had been faster."""
        batch = source.poll(self._limit, wait)
        if batch is None:
            if time.monotonic() - self._beaten.get(source.name, -BEAT_SECONDS) >= BEAT_SECONDS:
                self._tell(source)
            return False
        begun = time.monotonic()
        reach("after_poll")
        decoded = self._decode(batch)
        parts = pieces(batch, decoded.rows, MOST_PARTITIONS[self._log.partition])
        for part in parts:
            if len(parts) > 1:
                decoded = self._decode(part)
            reach("after_decode")
            try:
                self._log.append(
                    decoded.rows, after=part.after, upto=part.upto, tallies=decoded.tallies
                )
            except PositionConflictError:
                # Another consumer has one of the partitions. What this batch holds of the others
                # is read again as well: to part a decoded batch would be quicker, and rarely used.
                source.rewind(self._log.marks(batch.partitions))
                return True
            reach("after_append")
            source.stored(part.upto)
            reach("after_stored")
            now = datetime.now(UTC)
            self._metrics.stored(source.name, decoded, time.monotonic() - begun, now)
            self._note_times(part, decoded)
            begun = time.monotonic()
        self._tell(source)
        reach("after_tell")
        return True

    def _note_times(self, batch: RawBatch, decoded: Decoded) -> None:
        """Keep the greatest times per partition."""
        latest = decoded.rows.group_by("partition").aggregate([("event_time", "max")])
        for name, at in zip(
            latest["partition"].to_pylist(), latest["event_time_max"].to_pylist(), strict=True
        ):
            if at is not None:
                self._latest[name] = max(at, self._latest.get(name, at))
        times = np.full(len(batch.partitions), -1, np.int64)
        np.maximum.at(times, batch.partition, batch.broker_ms)
        for name, ms in zip(batch.partitions, times.tolist(), strict=True):
            if ms >= 0:
                self._broker_time[name] = ms / 1000

    def _tell(self, source: Source) -> None:
        """Heartbeats for the watermark, lag for Prometheus."""
        self._beaten[source.name] = time.monotonic()
        now = datetime.now(UTC)
        standing = source.standing()
        beats = [
            Heartbeat(source.name, name, s.position, s.end, self._latest.get(name), now)
            for name, s in standing.items()
        ]
        self._beat(source.name, beats, source.partitions())
        lags = {}
        for name, s in standing.items():
            records = s.end - s.position
            since = self._broker_time.setdefault(name, now.timestamp())
            lags[name] = Lag(records, max(now.timestamp() - since, 0.0) if records else 0.0)
        self._metrics.lag(source.name, lags)
