"""`mbm report`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from prometheus_client import CollectorRegistry

from monitor.cli.models import named
from monitor.cli.options import config
from monitor.errors import MonitorError
from monitor.jobs.notices import Notifier
from monitor.jobs.reports import site_of, write
from monitor.jobs.service import opened
from monitor.jobs.weekly import week_name, week_of, weekly
from monitor.render import report as words


def _last_week() -> str:
    return week_name((datetime.now(UTC) - timedelta(days=7)).date())


@click.command()
@click.option("--model", required=True, help="Whose week.")
@click.option("--week", default=_last_week, help="In ISO 8601: 2026-W12; default: the last one.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it there: .html with charts, .txt, or else Markdown.",
)
@click.option("--send", is_flag=True, help="Mail it on every channel that is a mail server.")
@config
def report(model: str, week: str, out: Path | None, send: bool, file: Path) -> None:
    """Say what a week of a model was like.

    What moved more than its noise, incidents and how long after their begin they were found,
    fairness, overrides, performance, labels, edge cases, assumptions that are due. Without --out
    and --send it is printed as Markdown. A week that was mailed before is not mailed again.

    \b
    Example:
      mbm report --model lending --week 2026-W12 --out lending.html

    Exit codes: 0 done, 1 there are no results of that week or it could not be sent, 2 a mistake
    in the command line, the settings or the cards.
    """
    try:
        week_of(week)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--week") from error
    parts = opened(file)
    card, settings = named(parts.cards, model), parts.settings.notices
    made = weekly(parts.state, card, week, site_of(settings))
    if out is not None:
        suffix = out.suffix.lower()
        text = words.markdown(made)
        if suffix in (".html", ".htm"):
            text = words.page(made, mail=False)
        elif suffix == ".txt":
            text = words.text(made)
        out.write_text(text, encoding="utf-8")
        click.echo(f"wrote {out}")
    if send:
        if not any(channel.smtp for channel in settings.channels.values()):
            raise MonitorError("no channel is a mail server; add one: notices.channels.NAME.smtp")
        count = write(parts.state, settings, card, week, datetime.now(UTC))
        sent, failed = Notifier(parts.state, settings, CollectorRegistry()).tell(parts.cards)
        click.echo(f"{count} reports written, {sent} notices sent, {failed} tries failed")
        if failed:
            raise MonitorError("not everything was sent; it is tried again by mbm evaluate")
    if out is None and not send:
        click.echo(words.markdown(made), nl=False)
