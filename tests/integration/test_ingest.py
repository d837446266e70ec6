"""Ingest into a real log: one commit a batch, conflicts, heartbeats and live metrics."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from monitor.errors import SourceError
from monitor.events.batch import Decoded, RawBatch
from monitor.jobs.ingest import Beat, Ingest
from monitor.log.events import EventLog
from monitor.log.store import Store
from monitor.outputs.live import LiveMetrics
from monitor.sources.base import Limit
from monitor.state.heartbeats import Heartbeat
from tests.messages import NOW, decision, decoder, prediction, price
from tests.services.scripted import ScriptedSource

Places = list[tuple[str, int]]


def predictions(begin: int, end: int) -> list[bytes | None]:
    return [prediction(event_id=f"p{n}") for n in range(begin, end)]


def decode(batch: RawBatch) -> Decoded:
    return decoder().decode(batch, now=NOW)


class Kept(list[Heartbeat]):
    def __call__(
        self, source: str, heartbeats: Collection[Heartbeat], partitions: Collection[str]
    ) -> None:
        assert all(beat.source == source and beat.partition in partitions for beat in heartbeats)
        self += heartbeats


def ingest_of(
    sources: list[ScriptedSource],
    log: EventLog,
    beat: Beat = lambda *_: None,
    registry: CollectorRegistry | None = None,
    rows: int = 100,
) -> Ingest:
    metrics = LiveMetrics(registry or CollectorRegistry())
    return Ingest(sources, log, decode, Limit(rows=rows), beat, metrics)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog.open(Store(str(tmp_path / "store")))


def places(log: EventLog) -> Places:
    rows = log.read(["partition", "offset"], "true").read_all()
    return sorted(zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), strict=True))


def test_all_sources_are_read_to_their_ends_and_closed(log: EventLog) -> None:
    sources = [
        ScriptedSource("a", {"a/0": predictions(0, 25), "a/1": predictions(25, 30)}),
        ScriptedSource("b", {"b/0": predictions(30, 35)}),
    ]
    ingest_of(sources, log, rows=10).run(lambda: False, once=True)
    assert places(log) == sorted(
        (name, offset)
        for name, count in (("a/0", 25), ("a/1", 5), ("b/0", 5))
        for offset in range(count)
    )
    assert sources[0].told == {"a/0": 24, "a/1": 4}
    assert all(source.is_closed for source in sources)


def test_a_run_goes_on_after_the_logs_mark(log: EventLog) -> None:
    ingest_of([ScriptedSource("a", {"a/0": predictions(0, 10)})], log).run(lambda: False, once=True)
    ingest_of([ScriptedSource("a", {"a/0": predictions(0, 15)})], log).run(lambda: False, once=True)
    assert [offset for _, offset in places(log)] == list(range(15))


def test_a_late_owner_of_two_partitions_writes_neither_twice(tmp_path: Path) -> None:
    """A owns 0 and 1 and holds a batch of both; B takes 0 and commits; A commits both."""
    store = Store(str(tmp_path / "store"))
    messages = {"t/0": predictions(0, 20), "t/1": predictions(20, 40)}
    a, b = ScriptedSource("a", messages), ScriptedSource("b", messages)
    b.owned = {"t/0"}
    late = ingest_of([a], EventLog.open(store), rows=10)
    a.start(EventLog.open(store).marks)
    b.start(EventLog.open(store).marks)
    assert ingest_of([b], EventLog.open(store), rows=15).step(b, 0)
    assert late.step(a, 0)
    assert a.rewound == [{"t/0": 14, "t/1": -1}]
    while late.step(a, 0):
        pass
    assert places(EventLog.open(store)) == [(f"t/{p}", n) for p in (0, 1) for n in range(20)]


def test_a_stop_finishes_the_batch_and_begins_no_other(log: EventLog) -> None:
    source = ScriptedSource("a", {"a/0": predictions(0, 30)})
    answers = iter([False, True])
    ingest_of([source], log, rows=10).run(lambda: next(answers))
    assert len(places(log)) == 10
    assert source.is_closed


def test_sources_are_closed_when_one_fails(log: EventLog) -> None:
    class Broken(ScriptedSource):
        def poll(self, limit: Limit, wait: float) -> RawBatch | None:
            raise SourceError("broken")

    sources = [ScriptedSource("a", {"a/0": []}), Broken("b", {"b/0": []})]
    with pytest.raises(SourceError, match="broken"):
        ingest_of(sources, log).run(lambda: False)
    assert all(source.is_closed for source in sources)


def test_heartbeats_tell_positions_and_greatest_times(log: EventLog) -> None:
    source = ScriptedSource("a", {"a/0": predictions(0, 15), "a/1": []})
    beats = Kept()
    ingest = ingest_of([source], log, beats, rows=10)
    source.start(log.marks)
    assert ingest.step(source, 0)
    seen = {beat.partition: beat for beat in beats}
    assert (seen["a/0"].position, seen["a/0"].end) == (10, 15)
    assert (seen["a/1"].position, seen["a/1"].end) == (0, 0)
    assert seen["a/0"].max_event_time == datetime(2026, 1, 30, 9, 30, tzinfo=UTC)
    assert seen["a/1"].max_event_time is None
    assert not ingest_of([source], log, beats).step(ScriptedSource("b", {}), 0)


def test_messages_are_counted_after_their_commit(log: EventLog) -> None:
    source = ScriptedSource(
        "a",
        {
            "a/0": [
                prediction(event_id="p1", stage="full", confidence=0.91),
                prediction(event_id="p2", stage="full", confidence=0.93, version="99"),
                prediction(event_id="p3", stage="full", confidence=0.12),
                price(event_id="p4"),
                decision(),
                b"{",
                None,
            ]
        },
    )
    registry = CollectorRegistry()
    ingest_of([source], log, registry=registry).run(lambda: False, once=True)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"mbm_{name}", labels)

    assert value("events_consumed_total", source="a", kind="prediction") == 4
    assert value("events_consumed_total", source="a", kind="decision") == 1
    assert value("events_consumed_total", source="a", kind="quarantine") == 2
    assert value("events_quarantined_total", source="a", reason="bad_json") == 1
    assert value("events_quarantined_total", source="a", reason="tombstone") == 1
    assert value("unknown_version_events_total", model="loan", version="99") == 1
    assert value("event_processing_duration_seconds_count", source="a") == 1
    assert value("event_delay_seconds_count", source="a") == 5
    assert value("consumer_lag_records", source="a", partition="a/0") == 0
    assert value("consumer_lag_seconds", source="a") == 0
    loan = {"model": "loan", "version": "1", "stage": "full"}
    assert value("predictions_total", **loan) == 2
    assert value("prediction_confidence_ratio_count", **loan) == 2
    assert value("prediction_confidence_ratio_sum", **loan) == pytest.approx(1.03)
    assert value("prediction_confidence_ratio_bucket", **loan, le="0.15") == 1
    assert value("prediction_confidence_ratio_bucket", **loan, le="+Inf") == 2
    assert 'prediction_id="p3"' in generate_latest(registry).decode()  # type: ignore[no-untyped-call]


def test_the_first_twenty_versions_are_counted_by_name(log: EventLog) -> None:
    values: list[bytes | None] = [
        prediction(event_id=f"p{n}", version=str(n)) for n in range(1, 31)
    ]
    registry = CollectorRegistry()
    source = ScriptedSource("a", {"a/0": values})
    ingest_of([source], log, registry=registry).run(lambda: False, once=True)
    versions = {
        sample.labels["version"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "mbm_predictions_total"
    }
    assert len(versions) == 21
    assert versions["other"] == 10


def history(days: int) -> list[bytes | None]:
    """A prediction a day, in order of time."""
    first = NOW - timedelta(days=days)
    return [
        prediction(event_id=f"h{n}", event_time=(first + timedelta(days=n)).isoformat())
        for n in range(days)
    ]


def test_a_long_history_is_stored_in_pieces_of_two_hundred_days(log: EventLog) -> None:
    source = ScriptedSource("a", {"a/0": history(500), "a/1": [b"broken"]})
    ingest_of([source], log, rows=1000).run(lambda: False, once=True)
    assert places(log) == [("a/0", n) for n in range(500)] + [("a/1", 0)]
    assert log.marks(["a/0", "a/1"]) == {"a/0": 499, "a/1": 0} == source.told
    assert log.version() == 3


def test_pieces_that_another_owner_has_stored_are_dropped(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    messages = {"t/0": history(500)}
    a, b = ScriptedSource("a", messages), ScriptedSource("b", messages)
    log = EventLog.open(store)
    late = ingest_of([a], log, rows=1000)
    for source in (a, b):
        source.start(log.marks)
    quick = ingest_of([b], EventLog.open(store), rows=1000)
    appended = log.append

    def slow_append(*args: object, **kwargs: object) -> int:
        version = appended(*args, **kwargs)  # type: ignore[arg-type]
        if not b.told:
            b.rewind(EventLog.open(store).marks(["t/0"]))
            assert quick.step(b, 0)
        return version

    log.append = slow_append  # type: ignore[method-assign]
    assert late.step(a, 0)
    assert len(a.rewound) == 1
    assert places(EventLog.open(store)) == [("t/0", n) for n in range(500)]
