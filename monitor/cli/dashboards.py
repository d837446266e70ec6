"""`mbm dashboards`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from monitor.cli.talk import say
from monitor.errors import MonitorError

UID = "mbm"
"""Of the folder in Grafana."""

MOST_LINES = 40
"""Lines of a diff that are shown of one dashboard."""


@click.group()
def dashboards() -> None:
    """Bring the dashboards to a Grafana.

    \b
    Example:
      mbm dashboards push --url https://grafana.example.org --dry-run
    """


@dashboards.command()
@click.option("--url", required=True, envvar="GRAFANA_URL", show_envvar=True, help="The Grafana.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File with the token of a service account; default: the variable GRAFANA_TOKEN.",
)
@click.option(
    "--from",
    "place",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of other dashboards; default: those that come with this program.",
)
@click.option("--folder", default="Model behaviour", show_default=True, help="Folder in Grafana.")
@click.option("--site", help="Where people find the monitor's own pages, for the links to them.")
@click.option("--overwrite", is_flag=True, help="Replace dashboards that differ.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--diff", is_flag=True, help="Show how those in Grafana differ.")
def push(
    url: str,
    token_file: Path | None,
    place: Path | None,
    folder: str,
    site: str | None,
    overwrite: bool,
    dry_run: bool,
    diff: bool,
) -> None:
    """Write the dashboards into a Grafana.

    What is the same there is left alone; what differs is only replaced with --overwrite. The
    token comes from a file or from the environment variable GRAFANA_TOKEN, never from the
    command line, where others could read it.

    \b
    Example:
      mbm dashboards push --url https://grafana.example.org --dry-run --diff
      mbm dashboards push --url https://grafana.example.org --overwrite

    Exit codes: 0 done, 1 Grafana refused or could not be reached, 2 a mistake in the command line.
    """
    from monitor.outputs.grafana import Grafana

    found = _read(place or _own(), site)
    grafana = Grafana(url, _token(token_file))
    changes = [(grafana.change(wanted), wanted) for wanted in found]
    if not dry_run and any(change.what != "same" for change, _ in changes):
        grafana.ensure_folder(UID, folder)
    for change, wanted in changes:
        say(f"{change.what:8} {change.title}")
        if diff:
            for line in change.diff[:MOST_LINES]:
                say(f"  {line}")
            if len(change.diff) > MOST_LINES:
                say(f"  and {len(change.diff) - MOST_LINES} more lines")
        if change.what != "same" and not dry_run:
            grafana.push(wanted, UID, overwrite=overwrite)
    if dry_run:
        say("Nothing was written.")


def _token(file: Path | None) -> str:
    import os

    token = file.read_text(encoding="utf-8") if file else os.environ.get("GRAFANA_TOKEN", "")
    if not token.strip():
        raise click.UsageError("no token: name a --token-file or set GRAFANA_TOKEN")
    return token.strip()


def _own() -> Path:
    """The dashboards of this program: inside the package once it is installed, else beside it."""
    package = Path(__file__).parents[1]
    inside = package / "dashboards"
    return inside if inside.is_dir() else package.parent / "dashboards"


def _read(place: Path, site: str | None) -> list[Mapping[str, Any]]:
    files = sorted(place.glob("*.json"))
    if not files:
        raise MonitorError(f"{place} holds no dashboards; name their folder with --from")
    found = []
    for file in files:
        try:
            board = json.loads(file.read_text(encoding="utf-8"))
            title, uid = board["title"], board["uid"]
        except (ValueError, KeyError, TypeError) as error:
            raise MonitorError(f"{file} is no dashboard ({error}); make render") from error
        assert title
        assert uid
        for variable in board.get("templating", {}).get("list", []):
            if site and variable["name"] == "site":
                variable["query"] = site.rstrip("/")
                variable["current"] = {"text": site.rstrip("/"), "value": site.rstrip("/")}
        found.append(board)
    return found
