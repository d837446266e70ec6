"""`mbm results`."""

import sys
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.jobs.service import opened
from monitor.metrics import CATALOGUE
from monitor.settings.check import nearest
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


@click.command()
@click.option("--model", required=True, help="Whose results.")
@click.option("--metric", help="Only this metric.")
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
@config
@output
def results(
    model: str,
    metric: str | None,
    since: datetime | None,
    window: str,
    version: str | None,
    segment: str | None,
    file: Path,
    form: str,
) -> None:
    """Print the results of a model.

    The newest revision of each. What is unknown has no value and a reason. The keys of JSON and
    CSV are stable and their numbers exact.

    \b
    Example:
      mbm results --model lending --metric override --segment ""
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
    named(parts.cards, model)
    rows = latest(
        parts.state,
        model=model,
        metric=metric,
        version=version,
        segment=segment,
        window_kind=None if window == "all" else window,
        since=since,
    )
    columns = SHORT if form == "table" else tuple(field.name for field in fields(ResultRow))
    write(map(asdict, rows), columns, form, sys.stdout)
    if not rows:
        click.echo("no results; see how far evaluation has come with: mbm status", err=True)
