"""`mbm compare`."""

import sys
from datetime import datetime
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.jobs.compare import compare as compared
from monitor.jobs.service import opened
from monitor.jobs.side_by_side import COLUMNS, Which


@click.command()
@click.option("--model", required=True, help="Whose versions.")
@click.option("--versions", nargs=2, required=True, help="Two versions, or VERSION/STAGE.")
@click.option(
    "--at", "window", type=TIME, help="A moment in the window; default: the newest closed."
)
@config
@output
def compare(
    model: str, versions: tuple[str, str], window: datetime | None, file: Path, form: str
) -> None:
    """Show two versions or stages side by side.

    Every published number of both in one window, with a 95 % interval of the second less the
    first, and when either was deployed. A gap differs if chance does not explain it, corrected
    for all that are compared. Then the cases that both saw, told by equal inputs and subject: how
    often they disagree, in which classes, and which of them was right, on the same cases. The
    table leaves out numbers that are not known of both, JSON and CSV have all.

    \b
    Example:
      mbm compare --model lending --versions 1 2
      mbm compare --model lending --versions 2/full 3/shadow --format json

    Exit codes: 0 done, 1 there is no such window or version, 2 a mistake in the command line, the
    settings or the cards.
    """
    parts = opened(file)
    card = named(parts.cards, model)
    first, second = (Which.of(text) for text in versions)
    rows = compared(parts, card, first, second, window=window)
    if form == "table":
        rows = [row for row in rows if row["part"] != "number" or row["gap"] is not None]
    write(rows, COLUMNS, form, sys.stdout)
