"""Telling people of incidents: written down with the incident's id, sent, recorded."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from prometheus_client import REGISTRY, CollectorRegistry

from monitor.cards.card import Card
from monitor.jobs.failpoint import reach
from monitor.jobs.moved import moved
from monitor.jobs.reports import mailed
from monitor.outputs import mail
from monitor.outputs.notice_metrics import FAILED, SENT, NoticeMetrics
from monitor.outputs.post import post
from monitor.render import notice as words
from monitor.render.notice import Notice
from monitor.render.plain import line
from monitor.settings.notices import Channel, Notices, Smtp
from monitor.settings.secret import revealed
from monitor.state import notices
from monitor.state.database import State
from monitor.state.incidents import Act, Incident, Tier, What, one
from monitor.state.notices import LEFT, RAISED, WEEKLY, WORSE, Claimed, Key
from monitor.state.things import things

LEASE: Final = timedelta(minutes=5)
"""A try that has not ended after this long has died; longer than any can take."""

_FIRST: Final = timedelta(seconds=30)
_MOST: Final = timedelta(minutes=5)
_ALERTS: Final = {
    Tier.PAGE: "MbmBehaviorShift",
    Tier.TICKET: "MbmBehaviorShift",
    Tier.SLOW: "MbmSlowDrift",
    Tier.THRESHOLD: "MbmLineCrossed",
}
"""Pages of the runbook, by what an incident is."""
_log = logging.getLogger(__name__)


Page = Callable[[str, str], bytes | None]
"""The drill-down of a model's week, for reports that bring it along."""


class Notifier:
    """Tells people of incidents on the channels of the settings; make one per registry."""

    def __init__(
        self,
        state: State,
        settings: Notices,
        registry: CollectorRegistry = REGISTRY,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        page: Page = lambda *_: None,
    ) -> None:
        self._page = page
        self._state, self._settings, self._clock = state, settings, clock
        self._metrics = NoticeMetrics(registry)
        self._metrics.expect(settings.channels)

    def tell(
        self, cards: Mapping[str, Card], alive_since: datetime | None = None
    ) -> tuple[int, int]:
        """Notices sent and tries that failed; what failed is tried again when it is due.

        Args:
            cards: by model; incidents of others wait for their card.
            alive_since: a try that began before this and has not ended has died; by default what
                began longer ago than `LEASE` has.
        """
        channels = self._settings.channels
        notices.begin(self._state, channels, self._clock())
        for name in channels:
            notices.write(self._state, dict(self._new(name, cards)), self._clock())
        counts = {SENT: 0, FAILED: 0}
        for name, channel in channels.items():
            for key, outcome in self._sent(name, channel, alive_since):
                self._metrics.ended(name, outcome, weekly=key.event in WEEKLY)
                counts[outcome] += 1
        self._metrics.wait(channels, notices.waiting(self._state))
        return counts[SENT], counts[FAILED]

    def _new(self, name: str, cards: Mapping[str, Card]) -> Iterator[tuple[Key, dict[str, Any]]]:
        """What is to be told on a channel and not written yet."""
        for identity, event in notices.untold(self._state, name):
            incident = one(self._state, identity)
            card = cards.get(incident.model)
            if card is None or name not in (card.alarms.recipients or (name,)):
                continue
            yield Key(identity, event, name), told(incident, event, card, self._settings).document()

    def _sent(
        self, name: str, channel: Channel, alive_since: datetime | None
    ) -> Iterator[tuple[Key, str]]:
        """Outcomes of the tries of what is due on a channel, until one fails."""
        while (claimed := self._claim(name, alive_since)) is not None:
            left, error = _tried(channel, claimed, self._clock(), self._page)
            reach("after_notice")
            now = self._clock()
            if not error:
                notices.sent(self._state, claimed.key, now)
                yield claimed.key, SENT
                continue
            _log.warning("%s of %s was not sent: %s", name, claimed.key.incident, error)
            wait = min(_FIRST * 2 ** min(claimed.tries - 1, 10), _MOST)
            notices.failed(self._state, claimed.key, now + wait, error, left)
            yield claimed.key, FAILED
            return

    def _claim(self, name: str, alive_since: datetime | None) -> Claimed | None:
        now = self._clock()
        lease = LEASE if alive_since is None else min(LEASE, now - alive_since)
        return notices.claim(self._state, name, now, lease)


def told(incident: Incident, event: str, card: Card, settings: Notices) -> Notice:
    """What is to be said of an incident.

    Args:
        incident: as it stands.
        event: opened, raised, worse with the number of its act, or what somebody did to end it.
        card: of its model.
        settings: where its links lead.
    """
    act = _act(incident, event)
    is_end = act is not None and act.what is not What.WORSE
    began = incident.updated if event == RAISED else incident.opened
    at = act.at if act is not None else began
    return Notice(
        incident=incident.id,
        event=event.partition("-")[0],
        at=at.isoformat(),
        model=incident.model,
        tier=str(incident.tier),
        summary=incident.summary,
        since=incident.since.isoformat(),
        leads=tuple(map(moved, things(incident.leads))),
        owner=card.owner.mail,
        team=card.owner.team,
        pager=card.owner.pager or "",
        by=f"{act.who}: {act.reason}" if act is not None and is_end else "",
        link=settings.incident_url.replace("{incident}", quote(incident.id, safe="")),
        runbook=settings.runbook_url.replace("{alert}", _ALERTS[incident.tier]),
    )


def _act(incident: Incident, event: str) -> Act | None:
    """The act that an event tells of, None where there is none."""
    if event.startswith(WORSE):
        return incident.acts[int(event.removeprefix(WORSE)) - 1]
    return next((act for act in reversed(incident.acts) if act.what == event), None)


def _tried(
    channel: Channel, claimed: Claimed, now: datetime, page: Page
) -> tuple[Mapping[str, Any] | None, str]:
    """What is left to send, None for all or nothing, and why it was not sent, "" if it was."""
    try:
        refused = _send(channel, claimed, now, page)
    except Exception as error:  # noqa: BLE001 - the edge: one notice must not hold up the others
        return None, line(f"{type(error).__name__}: {error}")
    if refused:
        return {**claimed.message, LEFT: list(refused)}, f"refused for {', '.join(refused)}"
    return None, ""


def _send(channel: Channel, claimed: Claimed, now: datetime, page: Page) -> tuple[str, ...]:
    """The recipients that refused it while others took it."""
    if claimed.key.event in WEEKLY:
        assert channel.smtp is not None
        identity = _identity(claimed.key)
        return mail.send(channel.smtp, mailed(channel.smtp, claimed.message, identity, now, page))
    notice, identity = Notice.of(claimed.message), _identity(claimed.key)
    if channel.smtp is not None:
        return _mailed(channel.smtp, notice, identity, claimed.message.get(LEFT), now)
    if channel.webhook is not None:
        hook = channel.webhook
        token = hook.token.reveal() if hook.token else None
        document = {"id": identity, **notice.document()}
        post(revealed(hook.url), document, token=token, identity=identity, ca=hook.ca)
    elif channel.slack is not None:
        post(channel.slack.url.reveal(), words.chat(notice), ca=channel.slack.ca)
    return ()


def _mailed(
    smtp: Smtp, notice: Notice, identity: str, to: list[str] | None, now: datetime
) -> tuple[str, ...]:
    message = mail.message(
        smtp.sender,
        to or smtp.to or [notice.owner],
        words.subject(notice),
        words.text(notice),
        words.page(notice),
        identity=identity,
        at=now,
    )
    return mail.send(smtp, message)


def _identity(key: Key) -> str:
    """The same for each try of a notice."""
    parts = f"{key.incident}\n{key.event}\n{key.channel}"
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
