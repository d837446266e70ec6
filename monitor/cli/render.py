"""`mbm render`."""

import sys
from pathlib import Path

import click

from monitor.cli import FAILED
from monitor.outputs import exported
from monitor.render import reference


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a file is stale.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="Root of the repository.",
)
def render(check: bool, root: Path) -> None:
    """Write the files that come from the catalogue of metrics and the exported series.

    For people who work on this program itself.

    \b
    Example:
      mbm render --check

    Exit codes: 0 done, 1 with --check: a file is stale.
    """
    stale = False
    for name, text in {**reference.files(), **exported.files()}.items():
        path = root / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if check:
            click.echo(f"{name} is stale; run: make render", err=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {name}")
    if check and stale:
        sys.exit(FAILED)
