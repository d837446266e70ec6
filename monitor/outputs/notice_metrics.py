"""What Prometheus sees of notices."""

from collections.abc import Iterable, Mapping

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from monitor.state.notices import Waiting

SENT = "sent"
FAILED = "failed"


class NoticeMetrics:
    """Counters of one process's notices in a registry; make one per registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._notices = Counter(
            "mbm_notifications_total",
            "Tries to tell people of an incident, by how they ended.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._waiting = Gauge(
            "mbm_notices_waiting",
            "Notices that are not sent yet, of all processes that share the state.",
            ["channel"],
            registry=registry,
        )

    def expect(self, channels: Iterable[str]) -> None:
        """Show channels before their first notice."""
        for channel in channels:
            for outcome in (SENT, FAILED):
                self._notices.labels(channel, outcome)

    def ended(self, channel: str, outcome: str) -> None:
        """Count a try: sent or failed."""
        self._notices.labels(channel, outcome).inc()

    def wait(self, channels: Iterable[str], waiting: Mapping[str, Waiting]) -> None:
        """Show how many wait on each channel."""
        for channel in channels:
            self._waiting.labels(channel).set(waiting.get(channel, Waiting()).count)
