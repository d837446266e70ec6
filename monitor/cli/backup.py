"""`mbm backup`."""

from pathlib import Path

import click

from monitor.cli.options import config
from monitor.cli.talk import progress, say
from monitor.settings import load_settings
from monitor.state.backup import back_up
from monitor.state.database import State


@click.command()
@click.argument("to", type=click.Path(path_type=Path, dir_okay=False))
@config
def backup(to: Path, file: Path) -> None:
    """Write the whole state into one file.

    Progress, results, detectors, incidents, what people did and tokens, all of one moment, while
    the service goes on; from SQLite or PostgreSQL, for either. The log is not in it: copy its
    folder or bucket afterwards, for it must not be older than the state. The file speaks of
    people's groups as the state does: keep it as safe.

    \b
    Example:
      mbm backup state-2026-03-11.backup -c service.yaml

    Exit codes: 0 done, 1 the state or the file failed, 2 a mistake in the settings.
    """
    state = State.open(load_settings(file).state_uri())
    try:
        with progress("of them written") as told:
            rows = back_up(state, to, told=told)
        say(f"{rows} rows in {to}")
    finally:
        state.close()
