"""`mbm migrate`."""

from pathlib import Path

import click

from monitor.cli.options import config
from monitor.cli.talk import say
from monitor.settings import load_settings
from monitor.state.database import State


@click.command()
@config
def migrate(file: Path) -> None:
    """Bring the tables of the state up to this version.

    Every command does so when it opens the state. By itself it is for installations that want it
    done once, before the parts of a new version start; it needs no cards and no log. Doing it
    twice changes nothing, and tables of a newer version are refused.

    \b
    Example:
      mbm migrate -c service.yaml

    Exit codes: 0 done, 1 the state cannot be reached or is of a newer version, 2 a mistake in the
    settings.
    """
    state = State.open(load_settings(file).state_uri())
    try:
        say(f"the state is at version {state.version()}")
    finally:
        state.close()
