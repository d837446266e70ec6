"""What Prometheus sees of who leads."""

from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, Gauge


def show_leader(is_leading: Callable[[], bool], registry: CollectorRegistry = REGISTRY) -> None:
    """Show in a registry, once each, whether this process leads."""
    gauge = Gauge(
        "mbm_scheduler_leader",
        "1 in the process that runs the scheduled jobs, 0 in those that stand by.",
        registry=registry,
    )
    gauge.set_function(lambda: float(is_leading()))
