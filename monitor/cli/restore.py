"""`mbm restore`."""

from pathlib import Path

import click

from monitor.cli.options import config
from monitor.cli.talk import progress, say
from monitor.settings import load_settings
from monitor.state.backup import restore as read_back
from monitor.state.database import State


@click.command()
@click.argument("backup", type=click.Path(path_type=Path, dir_okay=False))
@config
def restore(backup: Path, file: Path) -> None:
    """Fill an empty state from a backup.

    Results, incidents and evidence are then what they were, and evaluation goes on from there
    over the log, which must be the one that belongs to the state and not older. A state that
    holds anything is not overwritten. Stop the service that the backup is of before another
    one starts, or both tell people of the same.

    \b
    Example:
      mbm restore state-2026-03-11.backup -c service.yaml

    Exit codes: 0 done, 1 the backup is unfit or the state is not empty, 2 a mistake in the
    settings.
    """
    state = State.open(load_settings(file).state_uri())
    try:
        with progress("of them restored") as told:
            rows = read_back(state, backup, told=told)
        say(f"{rows} rows restored from {backup}")
    finally:
        state.close()
