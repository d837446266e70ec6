"""`mbm reference`."""

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import progress, say
from monitor.engines.base import Place
from monitor.errors import StateError
from monitor.jobs import references
from monitor.jobs.reference_file import from_file
from monitor.jobs.service import opened
from monitor.log.definitions import Definitions
from monitor.profiles.reference import Reference
from monitor.state.references import history


@click.group()
def reference() -> None:
    """Set or show what a model is compared with.

    \b
    Example:
      mbm reference show lending
    """


@reference.command(name="set")
@click.argument("model")
@click.option(
    "--file",
    "rows",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Events in JSON lines (also .gz) or Parquet.",
)
@click.option("--from", "start", type=TIME, help="First moment of a span of the log.")
@click.option("--to", "end", type=TIME, help="First moment after the span.")
@click.option("--version", help="All predictions of this version in the log.")
@click.option("--source", help="With --file: the source whose format the file has.")
@config
def set_reference(
    model: str,
    rows: Path | None,
    start: datetime | None,
    end: datetime | None,
    version: str | None,
    source: str | None,
    file: Path,
) -> None:
    """Freeze a reference and put it in force from now on.

    The one before stays in the history. Profiles over new bins don't add up with the old ones,
    so that the next evaluation builds all windows of the model again.

    \b
    Example:
      mbm reference set lending --file training.jsonl.gz
      mbm reference set lending --from 2026-01-01 --to 2026-02-01
      mbm reference set lending --version 3

    Exit codes: 0 done, 1 no rows or unreadable, 2 a mistake in the command line or the settings.
    """
    is_span = start is not None or end is not None
    if (rows is not None) + is_span + (version is not None) != 1:
        raise click.UsageError("name exactly one of --file, --from with --to, and --version")
    if is_span and (start is None or end is None or start >= end):
        raise click.UsageError("--from and --to belong together, --from first")
    if source is not None and rows is None:
        raise click.UsageError("--source needs --file")
    parts = opened(file)
    card = named(parts.cards, model)
    definitions = Definitions.open(parts.store)
    now = datetime.now(UTC)
    with progress("of them read") as told:
        if rows is not None:
            found = from_file(parts, card, rows, source=source, told=told)
        else:
            place = Place.newest(parts.store, parts.settings.log.partition)
            if start is not None and end is not None:
                found = references.from_window(place, card, start, end, told=told)
            else:
                found = references.from_version(place, card, version or "", now, told=told)
    references.pin(parts.state, definitions, found, by=getpass.getuser(), now=now)
    say(f"{model}: reference {found.id} of {found.rows} rows from {found.described}")
    say("The next evaluation compares with it: a running service's own, or mbm evaluate --once")


@reference.command()
@click.argument("model")
@config
@output
def show(model: str, file: Path, form: str) -> None:
    """Show the references that a model has and had, the newest first.

    \b
    Example:
      mbm reference show lending --format json

    Exit codes: 0 done, 1 there is none.
    """
    parts = opened(file)
    named(parts.cards, model)
    definitions = Definitions.open(parts.store)
    rows = []
    for pin in history(parts.state, model):
        text = definitions.get("reference", pin.reference_id)
        known = Reference.from_definition(text) if text else None
        rows.append(
            {
                "reference": pin.reference_id,
                "rows": known.rows if known else None,
                "source": pin.source,
                "contract": known.contract if known else None,
                "by": pin.by,
                "at": pin.at,
            }
        )
    if not rows:
        raise StateError(f"{model} has no reference yet; run: mbm reference set {model} --help")
    columns = ("reference", "rows", "source", "contract", "by", "at")
    write(rows, columns, form, sys.stdout)
