"""`mbm ingest`."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
import pyarrow.compute as pc
from prometheus_client import CollectorRegistry

from monitor.cli.exposed import expose
from monitor.cli.options import config
from monitor.cli.signals import stopping
from monitor.cli.talk import counting, log_to_stderr, say
from monitor.events.batch import Decoded
from monitor.jobs.lifeline import end_with_supervisor
from monitor.jobs.read_in import read_in
from monitor.jobs.service import Opened, opened

MOST_SHOWN = 5
"""Breaches and versions that are shown by name."""


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
    settings or the cards, 3 the address of /metrics is taken.
    """
    end_with_supervisor()
    with stopping() as stop:
        parts = opened(file)
        if once:
            _read_once(parts, stop.is_set, file)
            return
        log_to_stderr()
        expose(parts.settings.ingest.metrics, "ingest.metrics")
        read_in(parts, stop.is_set)


def _read_once(parts: Opened, is_stopped: Callable[[], bool], file: Path) -> None:
    registry = CollectorRegistry()
    breaches: Counter[str] = Counter()
    versions: Counter[str] = Counter()

    def told(decoded: Decoded) -> None:
        breaches.update(broken(decoded))
        for (model, version), count in decoded.unknown_versions.items():
            versions[f"{model} {version}"] += count

    with counting(lambda: counted(registry)):
        read_in(parts, is_stopped, once=True, registry=registry, told=told)
    say(counted(registry))
    if counts(registry).get("quarantine"):
        say(f"why, and which: mbm quarantine list -c {file}", err=True)
    if breaches:
        say(f"values left out, for they break the card: {most(breaches)}", err=True)
    if versions:
        say(f"versions that no card names, counted as one: {most(versions)}", err=True)


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


def broken(decoded: Decoded) -> dict[str, int]:
    """Breaches of contracts in the rows of a batch, by rule and name: `out_of_range:age`."""
    found = pc.value_counts(pc.list_flatten(decoded.rows["violations"]))
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in found}


def most(found: Counter[str]) -> str:
    """The most frequent ones, with their counts.

    >>> most(Counter({f"wrong_type:f{n}": n for n in range(8)}))
    'wrong_type:f7 7, wrong_type:f6 6, wrong_type:f5 5, wrong_type:f4 4, wrong_type:f3 3, 3 more'
    """
    shown = [f"{name} {count}" for name, count in found.most_common(MOST_SHOWN)]
    left = len(found) - len(shown)
    return ", ".join(shown + ([f"{left} more"] if left else []))


def counts(registry: CollectorRegistry) -> dict[str, int]:
    """Messages of each kind, as the live counters have them."""
    found: dict[str, int] = {}
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name == "mbm_events_consumed_total":
                kind = sample.labels["kind"]
                found[kind] = found.get(kind, 0) + int(sample.value)
    return found
