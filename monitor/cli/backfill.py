"""`mbm backfill`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.evaluate import say_done
from monitor.cli.models import named
from monitor.cli.options import TIME, config
from monitor.cli.talk import progress, say
from monitor.errors import StateError
from monitor.jobs.backfill import mark
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated
from monitor.jobs.service import opened


@click.command()
@click.option("--from", "start", type=TIME, required=True, help="First moment.")
@click.option("--to", "end", type=TIME, required=True, help="First moment after it.")
@click.option("--model", help="Only this model.")
@config
def backfill(start: datetime, end: datetime, model: str | None, file: Path) -> None:
    """Build profiles and results of past windows again.

    What the log holds decides; a result that comes out the same gets no new revision. It may
    run beside the service.

    \b
    Example:
      mbm backfill --from 2026-01-01 --to 2026-02-01 --model lending

    Exit codes: 0 done, 1 nothing was evaluated yet or no events are there, 2 a mistake in the
    command line, the settings or the cards.
    """
    if start >= end:
        raise click.UsageError("--from should be before --to")
    parts = opened(file)
    models = [named(parts.cards, model).model] if model else list(parts.cards)
    spans = mark(parts, models, start, end)
    if not spans:
        raise StateError(f"the log keeps no events between {start:%F %T} and {end:%F %T} UTC")
    for name, (first, last) in spans.items():
        say(f"{name}: {first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}")
    with progress() as told:
        done = evaluated(parts, Close(), now=datetime.now(UTC), told=told)
    say_done(done)
