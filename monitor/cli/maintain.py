"""`mbm maintain`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.options import config
from monitor.cli.talk import say
from monitor.jobs.scheduling import maintained
from monitor.jobs.service import opened


@click.command()
@config
def maintain(file: Path) -> None:
    """Compact the log and remove what is past its time.

    The running service does this every `maintain.every`; by hand it is safe at any time.

    \b
    Example:
      mbm maintain -c service.yaml

    Exit codes: 0 done, 1 the log or the state failed, 2 a mistake in the settings or the cards.
    """

    def told(step: str) -> None:
        say(f"{step} ...", err=True)

    did = maintained(opened(file), now=datetime.now(UTC), told=told)
    say(
        f"{did.compacted} small files put together, {did.retained} rows past their time removed, "
        f"{did.deleted} old files deleted, "
        f"{did.moved} predictions found that stand in an earlier window too"
    )
