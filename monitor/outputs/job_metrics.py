"""What Prometheus sees of the scheduled jobs of one process."""

from datetime import datetime, timedelta

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)


class JobMetrics:
    """Counters of one process's jobs in a registry; make one per registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._runs = Counter(
            "mbm_job_runs_total",
            "Runs of a job that ended, by outcome.",
            ["job_name", "outcome"],
            registry=registry,
        )
        self._duration = Histogram(
            "mbm_job_duration_seconds",
            "Time that a run of a job took.",
            ["job_name"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._last_success = Gauge(
            "mbm_job_last_success_timestamp_seconds",
            "When a job last ended well, as Unix time.",
            ["job_name"],
            registry=registry,
        )
        self._interval = Gauge(
            "mbm_job_interval_seconds",
            "Time from one run of a job to the next.",
            ["job_name"],
            registry=registry,
        )

    def expect(self, job: str, interval: timedelta, last_success: datetime | None) -> None:
        """Show a job before its first run here, with the last success of an earlier process."""
        self._interval.labels(job).set(interval.total_seconds())
        for outcome in ("success", "failure"):
            self._runs.labels(job, outcome)
        if last_success is not None:
            self._last_success.labels(job).set(last_success.timestamp())

    def ended(self, job: str, outcome: str, seconds: float, at: datetime) -> None:
        """Count a run: its outcome (success or failure), how long it took, when it ended."""
        self._runs.labels(job, outcome).inc()
        self._duration.labels(job).observe(seconds)
        if outcome == "success":
            self._last_success.labels(job).set(at.timestamp())
