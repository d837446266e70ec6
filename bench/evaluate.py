"""CPU of evaluating a simulated history: windows to profiles to results."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.child import answer, cpu, measured
from bench.figures import Figure


def figures(*, quick: bool) -> Iterator[Figure]:
    """The demo's world, stored and evaluated in one process."""
    told = measured("bench.evaluate", days=7 if quick else 21).told
    what = f"demo of {told['days']} days, {told['rows']:,} rows"
    yield Figure(f"{what}: ingest", told["ingest"], "CPU s")
    yield Figure(f"{what}: evaluate", told["evaluate"], "CPU s")
    yield Figure(f"{what}: rows evaluated", told["rows"] / told["evaluate"], "rows per CPU s")
    yield Figure(f"{what}: results", told["results"], "")
    yield Figure(f"{what}: evaluate again, nothing new", told["again"], "CPU s")
    yield Figure(f"{what}: most memory", told["peak"], "MB")


def world(days: int) -> dict[str, Any]:
    """CPU seconds of storing and of evaluating the demo's world of so many days."""
    from prometheus_client import CollectorRegistry

    from monitor.jobs import service
    from monitor.jobs.evaluate import Close, Service, evaluate
    from monitor.jobs.ingest import Ingest
    from monitor.log.events import EventLog
    from monitor.outputs.live import LiveMetrics
    from monitor.simulate.folder import write
    from monitor.simulate.world import demo_world

    now = datetime(2026, 11, 23, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        paths = write(demo_world(now, days=days), Path(folder))
        it = service.opened(paths.service)
        partition = it.settings.log.partition
        service.define_contracts(it.store, it.cards)
        reader = service.decoder(it.settings, it.cards, service.hash_key(it.settings))
        log = EventLog.open(it.store, partition)
        job = Ingest(
            service.sources(it.settings, once=True),
            log,
            lambda batch: reader.decode(batch, now=now),
            service.limit(it.settings),
            lambda *_: None,
            LiveMetrics(CollectorRegistry()),
        )
        told: dict[str, Any] = {"days": days}
        told["ingest"] = cpu(lambda: job.run(lambda: False, once=True))
        told["rows"] = log.table.current().count()
        place = Service(it.store, partition, it.state, it.cards)
        done = []
        for name in ("evaluate", "again"):
            told[name] = cpu(lambda: done.append(evaluate(place, Close(everything=True), now=now)))
        told["results"] = done[0].results
    return told


if __name__ == "__main__":
    answer(world)
