"""Weekly reports: written down when they are due, sent like other notices, once."""

import base64
import logging
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from monitor.cards.card import Card
from monitor.cards.report import DAYS, WeeklyReport
from monitor.errors import MonitorError
from monitor.jobs.weekly import WEEK, week_name, week_of, weekly
from monitor.outputs import mail
from monitor.outputs.pictures import png
from monitor.render import report as words
from monitor.settings.notices import Notices, Smtp
from monitor.state import notices, progress
from monitor.state.database import State
from monitor.state.notices import Key

REPORT: Final = "report"
"""Event of a notice that is a report; in the place of an incident stand model and week."""

LATEST: Final = timedelta(days=6)
"""A report that could not be written this long after it was due is left out: the next is near."""

EVERY: Final = timedelta(minutes=5)
"""Pause between two looks for reports that are due."""

_log = logging.getLogger(__name__)


def write_due(state: State, settings: Notices, cards: Mapping[str, Card], now: datetime) -> int:
    """Number of reports that are now to be sent.

    One is due at its card's day and time, once the week's windows are closed; until then it
    waits. A model without results of that week has none.
    """
    count = 0
    for card in cards.values():
        week = due(card.report, now) if card.report is not None else None
        if week is None:
            continue
        end = datetime.combine(week_of(week)[0], time(), now.tzinfo) + WEEK
        closed = progress.closed(state, card.model, "inputs")
        if closed is None or closed < end:
            continue
        try:
            count += write(state, settings, card, week, now)
        except MonitorError as error:
            _log.info("no report of %s: %s", words.line(card.model), words.line(f"{error}"))
        except Exception:  # noqa: BLE001 - one model must not take the others with it
            _log.exception("no report of %s", words.line(card.model))
    return count


def write(state: State, settings: Notices, card: Card, week: str, now: datetime) -> int:
    """Number of channels on which the report is now to be sent; not where it was before.

    Raises:
        MonitorError: there are no results of that week.
        ValueError: the text is no week.
    """
    channels = [name for name, channel in settings.channels.items() if channel.smtp is not None]
    wanted = card.alarms.recipients or channels
    keys = [Key(f"{card.model} {week}", REPORT, name) for name in channels if name in wanted]
    # It is due for days, and costs a second of drawing.
    keys = notices.unwritten(state, keys)
    if not keys:
        return 0
    document = composed(state, settings, card, week)
    return notices.write(state, dict.fromkeys(keys, document), now)


def composed(state: State, settings: Notices, card: Card, week: str) -> dict[str, Any]:
    """The report of a week as a notice holds it."""
    made = weekly(state, card, week, site_of(settings))
    to = card.report.to if card.report is not None else ()
    pictures = [base64.b64encode(png(chart)).decode() for chart in words.charts(made)]
    return {
        "model": card.model,
        "subject": made.subject,
        "text": words.text(made),
        "page": words.page(made, mail=True),
        "pictures": pictures,
        "to": list(to or (card.owner.mail,)),
    }


def mailed(smtp: Smtp, message: Mapping[str, Any], identity: str, now: datetime) -> EmailMessage:
    """The mail of a report."""
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
    )


def due(wanted: WeeklyReport, now: datetime) -> str | None:
    """The week whose report is due, None if none is.

    Args:
        wanted: when the owner wants it.
        now: aware.
    """
    local = now.astimezone(ZoneInfo(wanted.timezone))
    day = local.date() - timedelta(days=(local.weekday() - DAYS.index(wanted.day)) % 7)
    moment = datetime.combine(day, time.fromisoformat(wanted.at), local.tzinfo)
    if moment > local:
        moment = datetime.combine(day - WEEK, time.fromisoformat(wanted.at), local.tzinfo)
    if local - moment > LATEST:
        return None
    # The last week, Monday to Sunday, that was over at that moment.
    return week_name((moment.astimezone(now.tzinfo) - WEEK).date())


def site_of(settings: Notices) -> str:
    """Address of the pages, as links of incidents have it, without a slash at its end."""
    return settings.incident_url.partition("/incidents/")[0].rstrip("/")
