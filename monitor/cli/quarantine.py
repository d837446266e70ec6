"""`mbm quarantine`."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import progress, say
from monitor.events.schema import Reason
from monitor.jobs import replay as replaying
from monitor.jobs.service import opened
from monitor.log.events import EventLog
from monitor.log.quarantine import quarantined

COLUMNS = (
    *("position", "source", "time", "reason", "detail", "payload", "headers", "is_replayed"),
)


@click.group()
def quarantine() -> None:
    """List messages nobody understood, or take them in after all.

    \b
    Example:
      mbm quarantine list --reason unknown_model --limit 10
    """


@quarantine.command(name="list")
@click.option("--source", help="Only of this source.")
@click.option(
    "--reason", type=click.Choice([reason.value for reason in Reason]), help="Only for this reason."
)
@click.option("--since", type=TIME, help="Only those that came since.")
@click.option("--waiting", is_flag=True, help="Only those that were not taken in since.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most.")
@config
@output
def list_messages(
    source: str | None,
    reason: str | None,
    since: datetime | None,
    waiting: bool,
    limit: int,
    file: Path,
    form: str,
) -> None:
    """List messages in quarantine, the newest first, with their bytes.

    \b
    Example:
      mbm quarantine list --since 2026-01-31 --format json
    """
    parts = opened(file)
    log = EventLog.open(parts.store, parts.settings.log.partition)
    found = quarantined(
        log, source=source, reason=reason, since=since, waiting=waiting, limit=limit
    )
    write(map(asdict, found), COLUMNS, form, sys.stdout)


@quarantine.command()
@click.option("--source", help="Only of this source.")
@click.option(
    "--reason", type=click.Choice([reason.value for reason in Reason]), help="Only for this reason."
)
@click.option("--since", type=TIME, help="Only those that came since.")
@config
def replay(source: str | None, reason: str | None, since: datetime | None, file: Path) -> None:
    """Take messages in that today's cards understand.

    They are decoded again and appended to the log; what is still not understood stays where it
    is. Doing it twice changes nothing.

    \b
    Example:
      mbm quarantine replay --reason unknown_model
    """
    parts = opened(file)
    now = datetime.now(UTC)
    with progress("of them tried") as told:
        done = replaying.replay(
            parts, source=source, reason=reason, since=since, now=now, told=told
        )
    say(f"{done.taken_in} of {done.tried} messages taken in")
