"""`mbm slices`."""

import sys
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import progress, say
from monitor.jobs.closed import closed_window
from monitor.jobs.service import opened
from monitor.jobs.slicing import found_in
from monitor.state.slices import Followed, followed

SHORT = (
    *("claim", "words", "is_found", "rows", "rate", "rest", "lower", "upper"),
    "examples",
)
"""Columns of the table for people; JSON and CSV have all."""


@click.command()
@click.option("--model", required=True, help="Whose slices.")
@click.option(
    "--at",
    "window",
    type=TIME,
    help="A moment in the window; default: the newest closed with predictions.",
)
@click.option("--history", is_flag=True, help="Show what is kept of all windows; seek nothing.")
@config
@output
def slices(model: str, window: datetime | None, history: bool, file: Path, form: str) -> None:
    """Find where edge cases cluster.

    Slices are rows that meet up to three conditions on features, attributes, confidence or
    version, and in which low confidence, overrides, errors, breaches of the contract or novelty
    are more frequent than in all other rows. They are sought in one half of a sample of at most
    50,000 rows and confirmed in the other, with a correction for the search; rates and intervals
    are those of the second half. Slices of earlier windows are measured again (is_found: false).
    The running service does so once a day. Each has up to five predictions as examples.

    \b
    Example:
      mbm slices --model lending
      mbm slices --model lending --history --format csv > slices.csv

    Exit codes: 0 done (also when there is none), 1 there is no such window or the log cannot be
    read, 2 a mistake in the command line, the settings or the cards.
    """
    parts = opened(file)
    card = named(parts.cards, model)
    if history:
        found = followed(parts.state, model)
    else:
        span = closed_window(parts.state, card, window)
        with progress("of them looked at") as told:
            found = found_in(parts, card, span, now=datetime.now(UTC), told=told)
    if form == "table":
        write(map(_short, found), SHORT, form, sys.stdout)
    else:
        columns = [field.name for field in fields(Followed)]
        write(map(asdict, found), columns, form, sys.stdout)
    if not found:
        say("no slice stands out from the others", err=True)


def _short(one: Followed) -> dict[str, Any]:
    """Numbers in three digits."""
    return {
        name: float(f"{value:.3g}") if isinstance(value, float) else value
        for name, value in asdict(one).items()
    }
