"""`mbm render`."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from monitor.cli import FAILED, described, main
from monitor.cli.talk import say
from monitor.errors import MonitorError
from monitor.outputs import exported
from monitor.outputs.web.api import openapi
from monitor.render import alert_rules, api, event_keys, helm, keys, reference, runbook
from monitor.render.alert import Addresses


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a file is stale.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="Root of the repository, or a folder of your own.",
)
@click.option(
    "--runbook-url",
    default=Addresses().runbook,
    show_default=True,
    help="Where alerts find their page; {alert} stands for the name.",
)
@click.option(
    "--dashboard-url",
    default=Addresses().dashboards,
    show_default=True,
    help="Address of Grafana, where alerts link to.",
)
def render(check: bool, root: Path, runbook_url: str, dashboard_url: str) -> None:
    """Write the files that come from the code: reference, alerts, runbook, dashboards.

    For people who work on this program itself, and for alert rules with your own addresses.

    \b
    Example:
      mbm render --check
      mbm render --root rules --dashboard-url https://grafana.example.org

    Exit codes: 0 done, 1 with --check: a file is stale.
    """
    addresses = Addresses(runbook_url, dashboard_url.rstrip("/"))
    files = {
        **reference.files(),
        **exported.files(),
        **alert_rules.files(addresses),
        **runbook.files(),
        **event_keys.files(),
        **keys.files(),
        api.PATH: api.page(openapi()),
        described.PATH: described.page(main),
        **_dashboards(check),
    }
    if (root / helm.FOLDER).is_dir():
        files |= helm.files(files)
    stale = False
    for name, text in files.items():
        path = root / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if check:
            say(f"{name} is stale; run: make render", err=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            say(f"wrote {name}")
    if check and stale:
        sys.exit(FAILED)


def _dashboards(check: bool) -> Mapping[str, str]:
    try:
        from monitor.render import grafana
    except ImportError as error:
        if check:
            raise MonitorError(
                f"{error}; install what is in the lock: make .venv/.everything"
            ) from error
        say(f"dashboards are left out: {error}", err=True)
        return {}
    every = {one.name: one for some in exported.by_process().values() for one in some}
    return grafana.files(list(every.values()))
