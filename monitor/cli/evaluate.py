"""`mbm evaluate`."""

from datetime import UTC, datetime
from pathlib import Path

import click
from prometheus_client import CollectorRegistry

from monitor.cli.exposed import expose
from monitor.cli.options import TIME, config
from monitor.cli.signals import stopping
from monitor.cli.talk import log_to_stderr, progress, say
from monitor.jobs.evaluate import Close, Done
from monitor.jobs.evaluating import evaluated, keep_evaluating
from monitor.jobs.lifeline import end_with_supervisor
from monitor.jobs.notices import Notifier
from monitor.jobs.sampling import sample_all
from monitor.jobs.service import opened
from monitor.log.drilldowns import Drilldowns


@click.command()
@config
@click.option("--once", is_flag=True, help="Evaluate what the log holds, then stop.")
@click.option("--until", type=TIME, help="With --once: close windows up to this time.")
def evaluate(file: Path, once: bool, until: datetime | None) -> None:
    """Turn the log into results.

    Without --once it looks every `evaluate.every`, and windows close when their sources have
    told all. With --once all windows close up to --until, by default up to the end of the last
    event's window.

    \b
    Example:
      mbm evaluate --once -c service.yaml
      mbm evaluate --once --until 2026-01-31T00:00:00Z

    Exit codes: 0 done or stopped as told, 1 the log or the state failed, 2 a mistake in the
    settings or the cards, 3 the address of /metrics is taken.
    """
    if until is not None and not once:
        raise click.UsageError("--until needs --once")
    end_with_supervisor()
    with stopping() as stop:
        parts = opened(file)
        if not once:
            log_to_stderr()
            expose(parts.settings.evaluate.metrics, "evaluate.metrics")
            keep_evaluating(parts, stop.wait)
            return
        close = Close(everything=True, until=until)
        with progress() as told:
            done = evaluated(parts, close, now=datetime.now(UTC), told=told)
        say_done(done)
        count = sample_all(parts, now=datetime.now(UTC))
        say(f"{count} new results from samples of rows")
        if not done.closed:
            say("no predictions in the log yet; read some: mbm ingest --once", err=True)
        if parts.settings.notices.channels:
            # Nobody scrapes a run that ends.
            pages = Drilldowns(parts.store).get
            notifier = Notifier(
                parts.state, parts.settings.notices, CollectorRegistry(), page=pages
            )
            sent, failed = notifier.tell(parts.cards)
            say(f"{sent} notices sent, {failed} tries failed")


def say_done(done: Done) -> None:
    """Print what a run did."""
    for model, upto in done.closed.items():
        say(f"{model}: closed up to {upto:%Y-%m-%dT%H:%M:%SZ}")
    say(f"{done.results} new results from version {done.version} of the log")
