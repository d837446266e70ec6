"""`mbm explain`."""

import sys
from datetime import datetime
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import say
from monitor.control.question import Question
from monitor.jobs.explain import explained
from monitor.jobs.explain_rows import COLUMNS, rows_of
from monitor.jobs.service import opened


@click.command()
@click.option("--model", required=True, help="Whose number.")
@click.option("--metric", required=True, help="The number that moved.")
@click.option("--column", default="", help="The class it is about, as results name it.")
@click.option(
    "--at",
    "window",
    type=TIME,
    help="A moment in the window; default: the newest closed with predictions.",
)
@click.option(
    "--against", type=TIME, help="A moment in the earlier window; default: the one before."
)
@click.option("--version", help="Only rows of this version.")
@config
@output
def explain(
    model: str,
    metric: str,
    column: str,
    window: datetime | None,
    against: datetime | None,
    version: str | None,
    file: Path,
    form: str,
) -> None:
    """Say why a number changed.

    Shares and means over rows are parted, by each attribute of the card and by version: mix is
    what other cases did, behaviour what like cases did otherwise; the two sum to the change, each
    with a 95 % interval. Then the groups that moved most, and the features by how far their
    distribution moved beyond chance. Association is not cause: mix by one attribute may be
    behaviour by another. The table shows the first few groups and features, JSON and CSV all.

    \b
    Example:
      mbm explain --model lending --metric low_confidence
      mbm explain --model lending --metric prediction_share --column refer --format json

    Exit codes: 0 done, 1 there is no such window or metric, 2 a mistake in the command line, the
    settings or the cards.
    """
    parts = opened(file)
    card = named(parts.cards, model)
    question = Question(metric, column, window, against, version)
    found = explained(parts.state, parts.store, card, question)
    if form == "table":
        spans = (
            "{:%Y-%m-%d %H:%M} to {:%Y-%m-%d %H:%M}".format(*w)
            for w in (found.window, found.against)
        )
        say(" against ".join(spans))
    most = (5, 10) if form == "table" else (None, None)
    write(rows_of(found, groups=most[0], features=most[1]), COLUMNS, form, sys.stdout)
