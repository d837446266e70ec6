"""CPU from broker to committed Delta, beside reading the same messages with the bare client."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bench.child import answer, cpu, measured
from bench.figures import Figure, Goal
from monitor.simulate.load import load_contract, load_messages, load_models

GOALS = {
    ("confluent", 1): 9,
    ("confluent", 50): 11,
    ("kafka-python", 1): 16,
    ("kafka-python", 50): 18,
}
ROUNDS = 3
PARTITIONS = 2
MOST_MB = 600


def figures(*, quick: bool) -> Iterator[Figure]:
    """Both clients with one model and with fifty, medians of some rounds."""
    from tests.services.kafka import Broker

    count = 100_000 if quick else 400_000
    peak = 0.0
    with Broker() as broker:
        for models in (1, 50):
            broker.create_topic(f"events-{models}", PARTITIONS)
            messages = load_messages(7, count, models)
            for partition in range(PARTITIONS):
                broker.produce(f"events-{models}", messages[partition::PARTITIONS], partition)
            del messages
        for (client, models), goal in GOALS.items():
            order = {"bootstrap": broker.bootstrap, "models": models, "count": count}
            costs: dict[str, list[float]] = {"bench.ingest": [], "bench.consume": []}
            for k in range(1 if quick else ROUNDS):
                for module, found in costs.items():
                    name = f"{module}-{client}-{models}-{k}"
                    done = measured(module, client=client, group=name, **order)
                    found.append(done.told["cpu"] / count * 1e6)
                    peak = max(peak, done.told["peak"] if module == "bench.ingest" else 0)
            yield Figure(
                f"broker to Delta, {client}, {models} model{'s' * (models > 1)}",
                median(costs["bench.ingest"]),
                "CPU s/M",
                "bare client",
                median(costs["bench.consume"]),
                goal=Goal(goal),
            )
    yield Figure("ingest, most memory", peak, "MB", goal=Goal(MOST_MB))


def ingest(client: str, bootstrap: str, models: int, count: int, group: str) -> dict[str, Any]:
    """CPU seconds and time of reading a topic into a new log."""
    from prometheus_client import CollectorRegistry

    from monitor.events.batch import Decoded, RawBatch
    from monitor.events.decode import Decoder
    from monitor.events.models import ModelEvents
    from monitor.events.privacy import HashKey
    from monitor.jobs.ingest import Ingest
    from monitor.log.events import EventLog
    from monitor.log.store import Store
    from monitor.outputs.live import LiveMetrics
    from monitor.settings.sources import Kafka
    from monitor.sources.base import Limit
    from monitor.sources.kafka import KafkaSource, client_of

    known = {
        name: ModelEvents(load_contract(name), frozenset({"1"})) for name in load_models(models)
    }
    reader = Decoder(known, {}, HashKey("bench", b"bench"))
    settings = Kafka.model_validate(
        {"bootstrap": bootstrap, "topics": [f"events-{models}"], "group": group, "client": client}
    )
    stored = 0

    def decode(batch: RawBatch) -> Decoded:
        nonlocal stored
        decoded = reader.decode(batch, now=datetime.now(UTC))
        stored += sum(tally.stored for tally in decoded.tallies.values())
        return decoded

    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Store(folder))
        source = KafkaSource("events", settings, client_of(settings))
        metrics = LiveMetrics(CollectorRegistry())
        job = Ingest([source], log, decode, Limit(), lambda *_: None, metrics)
        begun = time.monotonic()
        spent = cpu(lambda: job.run(lambda: False, once=True))
        seconds = time.monotonic() - begun
    assert stored == count
    return {"cpu": spent, "seconds": seconds}


if __name__ == "__main__":
    answer(ingest)
