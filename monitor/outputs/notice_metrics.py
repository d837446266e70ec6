"""What Prometheus sees of notices."""

from collections.abc import Collection, Iterable, Mapping

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from monitor.state.notices import Waiting

SENT = "sent"
FAILED = "failed"


class NoticeMetrics:
    """Counters of one process's notices in a registry; make one per registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._notices = Counter(
            "mbm_notifications_total",
            "Tries to tell people of an incident or of a week, by how they ended.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._waiting = Gauge(
            "mbm_notices_waiting",
            "Notices that are not sent yet, of all processes that share the state.",
            ["channel"],
            registry=registry,
        )

        self._reports = Counter(
            "mbm_reports_sent_total",
            "Tries to mail a weekly report or digest, by how they ended; also in "
            "mbm_notifications_total.",
            ["outcome"],
            registry=registry,
        )
        self._late = Gauge(
            "mbm_reports_waiting",
            "Weekly reports and digests that were due and are not sent yet, of all processes that "
            "share the state.",
            ["channel"],
            registry=registry,
        )

    def expect(self, channels: Collection[str]) -> None:
        """Show channels before their first notice."""
        for outcome in (SENT, FAILED):
            self._reports.labels(outcome)
            for channel in channels:
                self._notices.labels(channel, outcome)

    def ended(self, channel: str, outcome: str, *, weekly: bool) -> None:
        """Count a try: sent or failed; whether it was one of a weekly report."""
        self._notices.labels(channel, outcome).inc()
        if weekly:
            self._reports.labels(outcome).inc()

    def wait(self, channels: Iterable[str], waiting: Mapping[str, Waiting]) -> None:
        """Show how many wait on each channel."""
        for channel in channels:
            stands = waiting.get(channel, Waiting())
            self._waiting.labels(channel).set(stands.count)
            self._late.labels(channel).set(stands.reports)
