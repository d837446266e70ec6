"""Weekly reports, of each model and of all: written down when due, sent like notices, once."""

import base64
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs.digest import digest
from monitor.jobs.weekly import WEEK, week_name, week_of, weekly
from monitor.outputs import mail
from monitor.outputs.pictures import png
from monitor.render import digest as digest_words
from monitor.render import report as words
from monitor.render.plain import line
from monitor.settings.notices import Notices, Smtp
from monitor.settings.weekly import DAYS, Weekly
from monitor.state import notices, progress
from monitor.state.database import State
from monitor.state.notices import DIGEST, REPORT, Key

ALL: Final = "all models"

PATIENCE: Final = timedelta(hours=12)
"""How long a digest waits for models whose week is not closed."""

LATEST: Final = timedelta(days=6)
"""A report that could not be written this long after it was due is left out: the next is near."""

EVERY: Final = timedelta(minutes=5)
"""Pause between two looks for reports that are due."""

_log = logging.getLogger(__name__)


Drill = Callable[[Card, str], str | None]
"""Makes the drill-down of a week; why there is none, "" if there is one, None to say nothing."""


def _nothing(card: Card, week: str) -> str | None:
    del card, week
    return None


def write_due(
    state: State,
    settings: Notices,
    cards: Mapping[str, Card],
    now: datetime,
    drill: Drill = _nothing,
) -> tuple[int, list[str]]:
    """Number of reports that are now to be sent, and what they are of that could not be made.

    One is due at its day and time, once the week's windows are closed; until then it waits, the
    digest `PATIENCE` at most. A model without results of that week has none.
    """
    count = 0
    broken = []
    for name, make in _due(state, settings, cards, now, drill):
        try:
            count += make()
        except MonitorError as error:
            _log.info("no report of %s: %s", line(name), line(f"{error}"))
        except Exception:  # noqa: BLE001 - one model must not take the others with it
            _log.exception("no report of %s", line(name))
            broken.append(line(name))
    return count, broken


def _due(
    state: State, settings: Notices, cards: Mapping[str, Card], now: datetime, drill: Drill
) -> Iterator[tuple[str, Callable[[], int]]]:
    """What is due: whose week, and what writes it; first the digest, which has no drill-down."""
    if settings.digest is not None and (week := due(settings.digest, now)) is not None:
        closes = [progress.closed(state, name, "inputs") for name in cards]
        is_late = now - _moment(settings.digest, now) > PATIENCE
        if is_late or all(closed is None or closed >= _end(week) for closed in closes):
            yield ALL, partial(write_digest, state, settings, cards, week, now)
    for card in cards.values():
        week = due(card.report, now) if card.report is not None else None
        closed = progress.closed(state, card.model, "inputs") if week else None
        if week is not None and closed is not None and closed >= _end(week):
            yield card.model, partial(write, state, settings, card, week, now, drill)


def _end(week: str) -> datetime:
    return datetime.combine(week_of(week)[0], time(), UTC) + WEEK


def write(
    state: State,
    settings: Notices,
    card: Card,
    week: str,
    now: datetime,
    drill: Drill = _nothing,
) -> int:
    """Number of channels on which the report is now to be sent; not where it was before.

    Raises:
        MonitorError: there are no results of that week.
        ValueError: the text is no week.
    """
    channels = settings.mailing()
    wanted = card.alarms.recipients or channels
    keys = [Key(f"{card.model} {week}", REPORT, name) for name in channels if name in wanted]
    # It is due for days, and costs a second of drawing.
    keys = notices.unwritten(state, keys)
    if not keys:
        return 0
    document = composed(state, settings, card, week, drill)
    return notices.write(state, dict.fromkeys(keys, document), now)


def write_digest(
    state: State, settings: Notices, cards: Mapping[str, Card], week: str, now: datetime
) -> int:
    """1 if the digest is now to be sent, 0 if it was before.

    Raises:
        MonitorError: no model has results of that week, or nobody is to get it.
        ValueError: the text is no week.
    """
    if settings.digest is None:
        raise MonitorError("nobody gets a digest; add notices.digest.to to the settings")
    keys = notices.unwritten(state, [Key(week, DIGEST, settings.mailing()[0])])
    if not keys:
        return 0
    made = digest(state, cards, week, site_of(settings))
    document = {
        "model": ALL,
        "subject": made.subject,
        "text": digest_words.text(made),
        "page": digest_words.page(made),
        "pictures": [],
        "to": list(settings.digest.to),
    }
    return notices.write(state, dict.fromkeys(keys, document), now)


def composed(
    state: State, settings: Notices, card: Card, week: str, drill: Drill = _nothing
) -> dict[str, Any]:
    """The report of a week as a notice holds it."""
    made = weekly(state, card, week, site_of(settings))
    # Only now, for a week without results needs none.
    made = replace(made, undrilled=drill(card, week))
    is_attached = made.undrilled == "" and card.report is not None and card.report.attach
    to = card.report.to if card.report is not None else ()
    pictures = [base64.b64encode(png(chart)).decode() for chart in words.charts(made)]
    return {
        "model": card.model,
        "subject": made.subject,
        "text": words.text(made),
        "page": words.page(made, mail=True),
        "pictures": pictures,
        "to": list(to or (card.owner.mail,)),
        "attach": week if is_attached else None,
    }


def mailed(
    smtp: Smtp,
    message: Mapping[str, Any],
    identity: str,
    now: datetime,
    page: Callable[[str, str], bytes | None] = lambda *_: None,
) -> EmailMessage:
    """The mail of a report.

    Args:
        smtp: that sends it.
        message: as a notice holds it.
        identity: of the mail.
        now: aware.
        page: the drill-down of a model's week, to be attached; None if it is gone.
    """
    week = message.get("attach")
    content = page(message["model"], week) if week else None
    names = [f"{words.PICTURE}{n}" for n, _ in enumerate(message["pictures"], 1)]
    subject = quote(f"no more reports of {message['model']}")
    return mail.message(
        smtp.sender,
        message["to"],
        message["subject"],
        message["text"],
        message["page"],
        identity=identity,
        at=now,
        pictures=dict(zip(names, map(base64.b64decode, message["pictures"]), strict=True)),
        unsubscribe=f"<mailto:{smtp.sender}?subject={subject}>",
        attached=None if content is None else (f"drilldown-{week}.html", content),
    )


def due(wanted: Weekly, now: datetime) -> str | None:
    """The week whose report is due, None if none is.

    Args:
        wanted: when it is wanted.
        now: aware.
    """
    moment = _moment(wanted, now)
    if now - moment > LATEST:
        return None
    # The last week, Monday to Sunday, that was over at that moment.
    return week_name((moment - WEEK).date())


def _moment(wanted: Weekly, now: datetime) -> datetime:
    """When the last report was due, in UTC."""
    local = now.astimezone(ZoneInfo(wanted.timezone))
    day = local.date() - timedelta(days=(local.weekday() - DAYS.index(wanted.day)) % 7)
    moment = datetime.combine(day, time.fromisoformat(wanted.at), local.tzinfo)
    if moment > local:
        moment = datetime.combine(day - WEEK, time.fromisoformat(wanted.at), local.tzinfo)
    return moment.astimezone(UTC)


def site_of(settings: Notices) -> str:
    """Address of the pages, as links of incidents have it, without a slash at its end."""
    return settings.incident_url.partition("/incidents/")[0].rstrip("/")
