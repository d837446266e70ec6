"""`mbm reviews`."""

import sys
from dataclasses import asdict, fields
from itertools import chain, islice
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.cli.talk import say
from monitor.jobs.review_list import Listed, leaks, waiting
from monitor.jobs.service import opened


@click.command()
@click.option("--model", required=True, help="Whose reviews.")
@click.option("--leaks", "only_leaks", is_flag=True, help="Only leaks.")
@click.option("--open", "only_open", is_flag=True, help="Only required reviews that are not made.")
@click.option("--limit", type=click.IntRange(1), help="At most; default: all.")
@config
@output
def reviews(
    model: str, only_leaks: bool, only_open: bool, limit: int | None, file: Path, form: str
) -> None:
    """List required reviews that are open, and predictions without theirs.

    A leak is a prediction that took effect before its required review, or without it; its status
    is unreviewed, reviewed (since) or retracted: an event that came late shows that there was
    none, or the policy has changed. mbm_review_leaks_total counts every leak once and takes none
    back. A required review that is not made is open, or overdue when its time is past. Ages are
    counted up to the closed time, as of which the last evaluation looked. The oldest come first.

    \b
    Example:
      mbm reviews --model lending --leaks
      mbm reviews --model lending --open --format csv > reviews.csv

    Exit codes: 0 done (also when there is none), 1 the state or the log cannot be read or the
    model is unknown, 2 a mistake in the command line, the settings or the cards.
    """
    parts = opened(file)
    card = named(parts.cards, model)
    both = only_leaks == only_open
    found = chain(
        leaks(parts, card) if only_leaks or both else (),
        waiting(parts, card) if only_open or both else (),
    )
    columns = [field.name for field in fields(Listed)]
    write(map(asdict, islice(found, limit)), columns, form, sys.stdout)
    if card.policy is None:
        say(f"{model} has no review policy; declare one in its card: review", err=True)
