"""`mbm report`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click
from prometheus_client import CollectorRegistry

from monitor.cli.models import named
from monitor.cli.options import config
from monitor.cli.talk import say
from monitor.errors import MonitorError
from monitor.jobs import drilldown
from monitor.jobs.digest import digest as digest_of
from monitor.jobs.notices import Notifier
from monitor.jobs.reports import site_of, write, write_digest
from monitor.jobs.service import Opened, opened
from monitor.jobs.weekly import week_name, week_of, weekly
from monitor.log.drilldowns import Drilldowns
from monitor.render import digest as digest_words
from monitor.render import report as words

HTML = (".html", ".htm")


def _last_week() -> str:
    return week_name((datetime.now(UTC) - timedelta(days=7)).date())


@click.command()
@click.option("--model", help="Whose week.")
@click.option("--digest", is_flag=True, help="The week of all models, the worst first.")
@click.option("--week", default=_last_week, help="In ISO 8601: 2026-W12; default: the last one.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it there: .html with charts, .txt, or else Markdown.",
)
@click.option("--send", is_flag=True, help="Mail it on every channel that is a mail server.")
@config
def report(
    model: str | None, digest: bool, week: str, out: Path | None, send: bool, file: Path
) -> None:
    """Say what a week of a model was like, or of all models.

    What moved more than its noise, incidents and how long after their begin they were found,
    fairness, overrides, performance, labels, edge cases, assumptions that are due. Without --out
    and --send it is printed as plain text. A week that was mailed before is not mailed again.

    \b
    Example:
      mbm report --model lending --week 2026-W12 --out lending.html
      mbm report --digest --out all.html

    Exit codes: 0 done, 1 there are no results of that week or it could not be sent, 2 a mistake
    in the command line, the settings or the cards.
    """
    try:
        week_of(week)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--week") from error
    if (model is None) != digest:
        raise click.UsageError("give either --model or --digest")
    parts = opened(file)
    shown, mailed = _of_one(parts, model, week) if model else _of_all(parts, week)
    if out is not None:
        out.write_text(shown(out.suffix.lower()), encoding="utf-8")
        say(f"wrote {out}")
    if send:
        _send(parts, mailed)
    if out is None and not send:
        click.echo(shown(".txt"), nl=False)


def _of_one(
    parts: Opened, model: str, week: str
) -> tuple[Callable[[str], str], Callable[[datetime], int]]:
    """The report by the ending of a file's name, and what writes it down to be sent."""
    card, settings = named(parts.cards, model), parts.settings.notices
    kept = Drilldowns(parts.store)
    undrilled = "" if week in kept.weeks(model) else None
    made = weekly(parts.state, card, week, site_of(settings), undrilled)

    def shown(ending: str) -> str:
        if ending in HTML:
            return words.page(made, mail=False)
        return words.text(made) if ending == ".txt" else words.markdown(made)

    drill = partial(drilldown.made, parts)
    return shown, partial(write, parts.state, settings, card, week, drill=drill)


def _of_all(parts: Opened, week: str) -> tuple[Callable[[str], str], Callable[[datetime], int]]:
    settings = parts.settings.notices
    made = digest_of(parts.state, parts.cards, week, site_of(settings))

    def shown(ending: str) -> str:
        if ending in HTML:
            return digest_words.page(made)
        return digest_words.text(made) if ending == ".txt" else digest_words.markdown(made)

    return shown, partial(write_digest, parts.state, settings, parts.cards, week)


def _send(parts: Opened, write_down: Callable[[datetime], int]) -> None:
    settings = parts.settings.notices
    if not settings.mailing():
        raise MonitorError("no channel is a mail server; add one: notices.channels.NAME.smtp")
    count = write_down(datetime.now(UTC))
    pages = Drilldowns(parts.store).get
    notifier = Notifier(parts.state, settings, CollectorRegistry(), page=pages)
    sent, failed = notifier.tell(parts.cards)
    say(f"{count} reports written, {sent} notices sent, {failed} tries failed")
    if failed:
        raise MonitorError(
            "not everything was sent; it is tried again by mbm schedule, and so by mbm run"
        )
