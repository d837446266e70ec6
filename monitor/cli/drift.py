"""`mbm drift`."""

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import progress
from monitor.jobs.sampled_drift import Drift, drifts
from monitor.jobs.service import opened


@click.command()
@click.option("--model", required=True, help="Whose features.")
@click.option(
    "--at", "window", type=TIME, help="A moment in the window; default: the newest closed."
)
@click.option(
    "--since-deployment",
    is_flag=True,
    help="Compare with the time before the last deployment, not with the reference.",
)
@click.option(
    "--evidently", "asked", multiple=True, metavar="FEATURE:METHOD", help="A method of Evidently."
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report of Evidently's drift preset.",
)
@config
@output
def drift(
    model: str,
    window: datetime | None,
    since_deployment: bool,
    asked: tuple[str, ...],
    html: Path | None,
    file: Path,
    form: str,
) -> None:
    """Compare a window's rows with the reference's.

    All features together: how much worse the reference's principal components rebuild the rows
    (1 without drift), and how well a classifier tells them from the reference's (area under the
    ROC curve, 0.5 without drift; needs scikit-learn). Both see combinations that no single feature
    shows. Then what Evidently says of single features, in a process of its own with limits of
    memory and time, where it is installed. From at most 10,000 rows of either side, the same
    in any order of arrival. With --since-deployment the last window's length since the last
    deployment event is compared with as much time before it.

    \b
    Example:
      mbm drift --model lending
      mbm drift --model lending --since-deployment
      mbm drift --model lending --evidently income:wasserstein --html drift.html

    Exit codes: 0 done (also where a number is not known), 1 there is no such window or the log
    cannot be read, 2 a mistake in the command line, the settings or the cards.
    """
    pairs = [(name, method) for name, _, method in (one.rpartition(":") for one in asked)]
    if any(not name or not method for name, method in pairs):
        raise click.BadParameter(
            "name a feature and a method: income:psi", param_hint="--evidently"
        )
    if since_deployment and window is not None:
        raise click.UsageError("--since-deployment and --window exclude each other")
    parts = opened(file)
    card = named(parts.cards, model)
    with progress("of it done") as told:
        found = drifts(
            parts,
            card,
            window=window,
            asked=pairs,
            html=html,
            since_deployment=since_deployment,
            told=told,
        )
    write(map(asdict, found), Drift.__slots__, form, sys.stdout)
