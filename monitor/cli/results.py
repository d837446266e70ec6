"""`mbm results`."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import say
from monitor.jobs.service import opened
from monitor.metrics import CATALOGUE
from monitor.settings.check import nearest
from monitor.state import progress
from monitor.state.results import ResultRow, latest

SHORT = (
    *(
        "start",
        "end",
        "version",
        "stage",
        "segment",
        "metric",
        "column_name",
        "value",
        "lower",
        "upper",
    ),
    *("reference_value", "rows", "completeness", "status", "reason"),
)
"""Columns of the table for people; JSON and CSV have all."""

GLANCE = (
    *("metric", "column_name", "version", "value", "lower", "upper", "reference_value"),
    *("rows", "end", "reason"),
)
"""Columns of the table with one line per metric."""


def _newest(rows: Sequence[ResultRow], versions: Sequence[str]) -> list[ResultRow]:
    """Of each metric one row over all stages: newest window, newest version, greatest value."""
    place = {version: i for i, version in enumerate(versions)}

    def rank(row: ResultRow) -> tuple[object, ...]:
        size = -1.0 if row.value is None else abs(row.value)
        return (row.end, place.get(row.version, -1), size)

    best: dict[str, ResultRow] = {}
    for row in rows:
        if not row.stage and (row.metric not in best or rank(row) > rank(best[row.metric])):
            best[row.metric] = row
    return [best[one.name] for one in CATALOGUE if one.name in best]


@click.command()
@click.option("--model", required=True, help="Whose results.")
@click.option("--metric", help="Only this metric.")
@click.option("--column", help="Only of this feature, class or the like.")
@click.option("--since", type=TIME, help="Only windows that end after this time.")
@click.option(
    "--window",
    type=click.Choice(["publish", "latest", "detect", "all"]),
    default="publish",
    show_default=True,
    help="Published windows, the sliding latest one, those of detection, or all.",
)
@click.option("--version", help="Only this version of the model.")
@click.option("--segment", help='Only this segment; "" is all rows together.')
@click.option(
    "--all", "is_whole", is_flag=True, help="Every result, also in a table without --metric."
)
@config
@output
def results(  # noqa: PLR0913, PLR0917 - one for each option
    model: str,
    metric: str | None,
    column: str | None,
    since: datetime | None,
    window: str,
    version: str | None,
    segment: str | None,
    is_whole: bool,
    file: Path,
    form: str,
) -> None:
    """Print the results of a model.

    The newest revision of each. What is unknown has no value and a reason. The keys of JSON and
    CSV are stable and their numbers exact.

    A table without --metric, --column, --since and --segment tells of each metric the newest
    window only, over all rows of the newest version, and of features and the like the one with
    the greatest value; --all tells everything.

    \b
    Example:
      mbm results --model lending --metric override --segment ""
      mbm results --model lending --metric feature_psi --column income --segment ""
      mbm results --model lending --since 2026-01-31 --format csv > results.csv

    Exit codes: 0 done (also without any result), 1 the state cannot be read or the model or the
    metric is unknown, 2 a mistake in the command line, the settings or the cards.
    """
    names = [one.name for one in CATALOGUE]
    if metric is not None and metric not in names:
        alike = [name for name in names if metric.lower() in name]
        hint = f"perhaps {', '.join(alike[:9])}" if alike else nearest(metric, names)
        raise click.BadParameter(f"there is none; {hint}", param_hint="--metric")
    parts = opened(file)
    card = named(parts.cards, model)
    is_short = form == "table" and not is_whole and (metric, column, since, segment) == (None,) * 4
    if is_short:
        closed = progress.closed(parts.state, model, "inputs")
        since, segment = closed and closed - 2 * card.windows.publish, ""
    rows = latest(
        parts.state,
        model=model,
        metric=metric,
        column_name=column,
        version=version,
        segment=segment,
        window_kind=None if window == "all" else window,
        since=since,
    )
    columns = SHORT if form == "table" else tuple(field.name for field in fields(ResultRow))
    kept = _newest(rows, card.versions) if is_short else rows
    write(map(asdict, kept), GLANCE if is_short else columns, form, sys.stdout)
    if is_short and rows:
        say("one line per metric; more with --metric NAME, --column, --segment, or --all", err=True)
    if not rows and version is not None and version not in card.versions:
        say(
            f"the card of {model} does not name version {version}, and all such count as one, "
            "--version unknown; add it under versions",
            err=True,
        )
    elif not rows:
        say("no results; see how far evaluation has come with: mbm status", err=True)
