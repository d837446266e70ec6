"""`mbm audit`."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.cli.talk import say
from monitor.errors import StateError
from monitor.jobs.service import opened
from monitor.state import audit as log

_COLUMNS = ("number", "at", "who", "what", "about", "reason", "detail", "hash")


@click.group()
def audit() -> None:
    """Show who did what, and why.

    \b
    Example:
      mbm audit list && mbm audit verify
    """


@audit.command("list")
@click.option("--about", help="Only what was done to this, such as an incident.")
@config
@output
def list_(about: str | None, file: Path, form: str) -> None:
    """Show the entries, the oldest first.

    \b
    Example:
      mbm audit list --about lending-2026-03-11-1

    Exit codes: 0 done, 1 the state cannot be read, 2 a mistake in the settings or the cards.
    """
    found = log.entries(opened(file).state, about)
    write(map(asdict, found), _COLUMNS, form, sys.stdout)


@audit.command()
@config
def verify(file: Path) -> None:
    """Look whether an entry was changed or taken out.

    Each entry carries the hash of the one before. Entries cut off at the end leave no trace:
    write the last hash down elsewhere now and then, and compare.

    \b
    Example:
      mbm audit verify

    Exit codes: 0 nothing was, 1 something was, 2 a mistake in the settings or the cards.
    """
    state = opened(file).state
    if wrong := log.verify(state):
        raise StateError(f"the audit log is broken: {wrong}")
    found = log.entries(state, count=1)
    last = f"; the last hash is {found[0].hash}" if found else ""
    say(f"{found[0].number if found else 0} entries, unbroken{last}")
