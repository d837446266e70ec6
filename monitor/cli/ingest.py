"""`mbm ingest`."""

from pathlib import Path

import click
from prometheus_client import CollectorRegistry

from monitor.cli.exposed import expose
from monitor.cli.options import config
from monitor.cli.signals import stopping
from monitor.cli.talk import counting, log_to_stderr
from monitor.jobs.lifeline import end_with_supervisor
from monitor.jobs.read_in import read_in
from monitor.jobs.service import opened


@click.command()
@config
@click.option("--once", is_flag=True, help="Read what is there, then stop.")
def ingest(file: Path, once: bool) -> None:
    """Read events into the log.

    Reading begins after what the log holds, so that it may be stopped and started at any time
    and no message is stored twice. Cards are read again when their files change.

    \b
    Example:
      mbm ingest --once -c service.yaml

    Exit codes: 0 done or stopped as told, 1 a source or the log failed, 2 a mistake in the
    settings or the cards.
    """
    end_with_supervisor()
    with stopping() as stop:
        parts = opened(file)
        if once:
            registry = CollectorRegistry()
            with counting(lambda: counted(registry)):
                read_in(parts, stop.is_set, once=True, registry=registry)
            click.echo(counted(registry))
            if counts(registry).get("quarantine"):
                click.echo(f"why, and which: mbm quarantine list -c {file}", err=True)
            return
        log_to_stderr()
        expose(parts.settings.ingest.metrics, "ingest.metrics")
        read_in(parts, stop.is_set)


def counted(registry: CollectorRegistry) -> str:
    """What became of the messages, as the live counters have it.

    >>> from monitor.outputs.live import LiveMetrics
    >>> registry = CollectorRegistry()
    >>> _ = LiveMetrics(registry)
    >>> counted(registry)
    '0 messages: nothing new'
    """
    found = counts(registry)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()) if count)
    return f"{sum(found.values())} messages: {kinds or 'nothing new'}"


def counts(registry: CollectorRegistry) -> dict[str, int]:
    """Messages of each kind, as the live counters have them."""
    found: dict[str, int] = {}
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name == "mbm_events_consumed_total":
                kind = sample.labels["kind"]
                found[kind] = found.get(kind, 0) + int(sample.value)
    return found
