"""What Prometheus sees of events as they are stored; messages count after their commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily

from monitor.events.batch import Decoded
from monitor.events.schema import Kind
from monitor.outputs import said
from monitor.outputs.bounds import MOST_PARTITIONS, MOST_VERSIONS
from monitor.outputs.said import Said
from monitor.outputs.tally import BulkHistogram

_COLUMNS = [
    *("kind", "row", "reason", "event_time"),
    *("model", "version", "stage", "confidence", "event_id"),
    *(name for name in said.COLUMNS if name not in ("model", "version")),
]
_SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30)
_DELAYS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800)
_CONFIDENCES = tuple(n / 20 for n in range(1, 20))


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind a source is in one partition.

    Attributes:
        records: messages that are there and not stored.
        seconds: age of the last message that is stored, 0 if none is waiting.
    """

    records: int
    seconds: float


class LiveMetrics:
    """Counters of one ingest process in a registry; make one per registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._consumed = Counter(
            "mbm_events_consumed_total",
            "Messages read and accounted for, by what they became.",
            ["source", "kind"],
            registry=registry,
        )
        self._quarantined = Counter(
            "mbm_events_quarantined_total",
            "Messages in quarantine, by reason.",
            ["source", "reason"],
            registry=registry,
        )
        self._unknown_versions = Counter(
            "mbm_unknown_version_events_total",
            "Events of versions that no card names.",
            ["model", "version"],
            registry=registry,
        )
        self._processing = Histogram(
            "mbm_event_processing_duration_seconds",
            "Time from the end of reading a batch to its commit.",
            ["source"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._predictions = Counter(
            "mbm_predictions_total",
            "Predictions stored, duplicates included.",
            ["model", "version", "stage"],
            registry=registry,
        )
        self._said = Said(registry)
        self._delay = BulkHistogram(
            "mbm_event_delay_seconds",
            "Time from an event to its commit.",
            ["source"],
            _DELAYS,
        )
        self._confidence = BulkHistogram(
            "mbm_prediction_confidence_ratio",
            "Confidence of predictions.",
            ["model", "version", "stage"],
            _CONFIDENCES,
        )
        self._versions: dict[str, set[str]] = {}
        self._lags: dict[str, Mapping[str, Lag]] = {}
        for collector in (self._delay, self._confidence, _Lags(self._lags)):
            registry.register(collector)

    def stored(self, source: str, decoded: Decoded, seconds: float, now: datetime) -> None:
        """Count a batch after its commit.

        Args:
            source: name of the source.
            decoded: the batch.
            seconds: time from the end of reading it to its commit.
            now: when it was committed, aware.
        """
        self._processing.labels(source).observe(seconds)
        for tally in decoded.tallies.values():
            for reason, count in tally.ignored.items():
                self._consumed.labels(source, f"ignored_{reason}").inc(count)
        for (model, version), count in decoded.unknown_versions.items():
            self._unknown_versions.labels(model, self._named(model, version)).inc(count)
        # Few columns: a filter copies all that it is given.
        rows = decoded.rows.select(_COLUMNS)
        times = pc.drop_null(rows["event_time"]).cast(pa.int64()).to_numpy()
        self._delay.add((source,), now.timestamp() - times / 1e6)
        self._count_predictions(rows)
        if pc.any(pc.greater(rows["row"], 0)).as_py():
            # Rows beyond a message's first are no messages of their own.
            rows = rows.filter(pc.equal(pc.fill_null(rows["row"], 0), 0))
        self._said.count(rows)
        for kind, count in _counts(rows["kind"]):
            self._consumed.labels(source, kind).inc(count)
        for reason, count in _counts(pc.drop_null(rows["reason"])):
            self._quarantined.labels(source, reason).inc(count)

    def lag(self, source: str, lags: Mapping[str, Lag]) -> None:
        """Show how far behind a source is, by partition; partitions not given are gone."""
        self._lags[source] = dict(lags)

    def _count_predictions(self, rows: pa.Table) -> None:
        rows = rows.filter(pc.equal(rows["kind"], Kind.PREDICTION.value))
        if not len(rows):
            return
        keys = [_codes(rows[name]) for name in ("model", "version", "stage")]
        group = np.zeros(len(rows), np.int64)
        for codes, values in keys:
            group = group * len(values) + codes
        order = np.argsort(group, kind="stable")
        begins = np.flatnonzero(np.diff(group[order], prepend=-1))
        confidence, ids = rows["confidence"].to_numpy(), rows["event_id"]
        for mine in np.split(order, begins[1:]):
            last = int(mine[-1])
            model, version, stage = (values[codes[last]] for codes, values in keys)
            labels = (model, self._named(model, version), stage)
            self._predictions.labels(*labels).inc(len(mine))
            self._confidence.add(labels, confidence[mine], ids[last].as_py())

    def _named(self, model: str, version: str) -> str:
        known = self._versions.setdefault(model, set())
        if version not in known and len(known) >= MOST_VERSIONS:
            return "other"
        known.add(version)
        return version


class _Lags:
    """Collects the lag of every source as last told."""

    def __init__(self, lags: Mapping[str, Mapping[str, Lag]]) -> None:
        self._lags = lags

    def collect(self) -> Iterable[Metric]:
        """The metrics as they stand, for a registry."""
        records = GaugeMetricFamily(
            "mbm_consumer_lag_records",
            "Messages that are there and not stored.",
            labels=["source", "partition"],
        )
        seconds = GaugeMetricFamily(
            "mbm_consumer_lag_seconds",
            "Age of the last message stored where others wait; 0 where none waits.",
            labels=["source"],
        )
        for source, lags in list(self._lags.items()):
            by_lag = sorted(lags.items(), key=lambda item: (-item[1].records, item[0]))
            for partition, lag in by_lag[:MOST_PARTITIONS]:
                records.add_metric([source, partition], lag.records)
            if rest := by_lag[MOST_PARTITIONS:]:
                records.add_metric([source, "other"], sum(lag.records for _, lag in rest))
            seconds.add_metric([source], max((lag.seconds for lag in lags.values()), default=0))
        yield records
        yield seconds


def _counts(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    counts = pc.value_counts(column).to_pylist()
    return [(item["values"] or "", item["counts"]) for item in counts]


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    values = [value or "" for value in encoded.dictionary.to_pylist()]
    return encoded.indices.to_numpy().astype(np.int64), values
