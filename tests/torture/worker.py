"""One ingest process that may be killed anywhere: `python -m tests.torture.worker JSON`."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from monitor.events.batch import Decoded, RawBatch
from monitor.jobs.failpoint import reach
from monitor.jobs.ingest import Ingest
from monitor.log.events import EventLog
from monitor.log.store import Store, Table
from monitor.outputs.live import LiveMetrics
from monitor.settings.sources import Kafka
from monitor.sources.base import Limit
from monitor.sources.kafka import KafkaSource, client_of
from tests.messages import decoder

POINTS = (
    "after_poll",
    "after_decode",
    "after_files",
    "after_commit",
    "after_append",
    "after_stored",
    "after_tell",
)
"""Every fail point, in the order in which a batch passes them."""

LIMIT = Limit(rows=400, seconds=0.2)

FAST_SESSIONS = {
    "confluent": {"session.timeout.ms": 3000, "heartbeat.interval.ms": 500},
    "kafka-python": {"session_timeout_ms": 3000, "heartbeat_interval_ms": 500},
}
"""A killed member is missed after seconds instead of most of a minute."""


def main(order: str) -> None:
    """Read a topic into a log until SIGTERM, or until all is read."""
    wanted: dict[str, Any] = json.loads(order)
    options = FAST_SESSIONS[wanted["kafka"]["client"]]
    settings = Kafka.model_validate({**wanted["kafka"], "options": options})
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    _put_fail_points_into(Table)
    log = EventLog.open(Store(wanted["store"]))
    reader = decoder()

    def decode(batch: RawBatch) -> Decoded:
        return reader.decode(batch, now=datetime.now(UTC))

    source = KafkaSource("events", settings, client_of(settings))
    metrics = LiveMetrics(CollectorRegistry())
    ingest = Ingest([source], log, decode, LIMIT, lambda *_: None, metrics)
    ingest.run(stopped.is_set, once=wanted.get("once", False))


def _put_fail_points_into(table: type[Table]) -> None:
    """Let the process die between the files of a batch and its commit, and right after that."""
    commit: Callable[..., int] = table.commit

    def deadly(*args: Any, **options: Any) -> int:  # noqa: ANN401
        reach("after_files")
        version = commit(*args, **options)
        reach("after_commit")
        return version

    table.commit = deadly  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1])
