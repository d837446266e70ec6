"""Serving results: /metrics for Prometheus, pages and API for people, probes for who runs it."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from sqlalchemy.exc import SQLAlchemyError

from monitor.cards.card import Card
from monitor.errors import StateOutOfReachError
from monitor.jobs.current_cards import CurrentCards
from monitor.jobs.site import application
from monitor.outputs.exposition import CONTENT_TYPE, Exposition
from monitor.outputs.listen import Answer, Page, Server
from monitor.render import runbook
from monitor.render.alert_rules import ALERTS
from monitor.settings.service import Settings
from monitor.state import runs
from monitor.state.database import State

EVALUATE: Final = "evaluate"
"""The job whose runs make results, as the schedule calls it."""

REFRESH: Final = timedelta(seconds=3)
"""Pause between two looks at the state."""

MISSED: Final = 3
"""Intervals without success after which something counts as stuck."""

_POLL_SECONDS: Final = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What the last look at the state showed.

    Attributes:
        at: when, aware.
        trouble: what went wrong, "" for nothing.
        evaluated: when evaluation last ended well, None if it never did.
    """

    at: datetime
    trouble: str = ""
    evaluated: datetime | None = None


def serve(
    settings: Settings,
    cards: Mapping[str, Card],
    state: State,
    *,
    stop: threading.Event,
    told: Callable[[str], None] = lambda _: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Serve until `stop` is set.

    Args:
        settings: of the service.
        cards: by model, as loaded; they are read again when their files change.
        state: where the results are.
        stop: set it to end, within a second.
        told: of the URL, once it answers.
        clock: aware.

    Raises:
        AddressError: the address cannot be had.
    """
    looker = _Looker(settings, cards, state, stop, clock)
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)

    def metrics(gzip: bool) -> Answer:
        return Answer(looker.exposition.body(registry, gzip=gzip), kind=CONTENT_TYPE, packed=gzip)

    def health(gzip: bool) -> Answer:
        del gzip
        return Answer(b"alive\n")

    def readiness(gzip: bool) -> Answer:
        del gzip
        return ready(looker.last, clock(), settings.evaluate.every)

    pages: dict[str, Page] = {"/metrics": metrics, "/healthz": health, "/readyz": readiness}
    site = application(settings, state, looker.exposition, lambda: looker.cards, clock)
    with Server(settings.serve.listen, pages | _runbook(), site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        looker.start()
        told(server.url)
        try:
            while looker.is_alive() and not stop.wait(_POLL_SECONDS):
                pass
        finally:
            server.shutdown()
            thread.join()
    if looker.error is not None:
        raise looker.error


def _runbook() -> dict[str, Page]:
    """A page per alert, as text, where its link leads unless the rules name another place."""

    def fixed(text: str) -> Page:
        return lambda _: Answer(text.encode())

    return {f"/runbook/{alert.name}": fixed(runbook.page(alert)) for alert in ALERTS}


class _Looker(threading.Thread):
    """Looks at the state again and again; a daemon, for a database that hangs must not keep us."""

    def __init__(
        self,
        settings: Settings,
        cards: Mapping[str, Card],
        state: State,
        stop: threading.Event,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(name="looker", daemon=True)
        self.exposition = Exposition(state, settings.serve.feature_series)
        self.last = Look(clock(), "the state has not been read yet")
        self.error: Exception | None = None
        self._cards = CurrentCards(settings.cards, cards)
        self._state, self._until, self._clock = state, stop, clock

    @property
    def cards(self) -> Mapping[str, Card]:
        """By model, as they stand."""
        return self._cards.cards

    def run(self) -> None:
        try:
            while not self._until.is_set():
                self._cards.changed()
                self.last = look(self._state, self.exposition, self._cards.cards, self._clock())
                self._until.wait(REFRESH.total_seconds())
        except Exception as error:  # noqa: BLE001 - raised again by `serve`, in its own thread
            self.error = error


def look(state: State, exposition: Exposition, cards: Mapping[str, Card], now: datetime) -> Look:
    """What a look at the state showed; the exposition takes in what is new."""
    try:
        if not state.is_current():
            exposition.clear()
            return Look(now, "another version of this program has changed the state; restart")
        exposition.refresh(cards)
        return Look(now, evaluated=runs.last_success(state, EVALUATE))
    except (StateOutOfReachError, SQLAlchemyError) as error:
        # The text may hold names and addresses: it is for the log, not for the page.
        _log.warning("the state cannot be read: %s", error)
        return Look(now, "the state cannot be read; see the log")


def ready(last: Look, now: datetime, interval: timedelta) -> Answer:
    """Whether results are being made and shown, and why not, as JSON.

    Args:
        last: the last look at the state.
        now: aware.
        interval: between two runs of evaluation.
    """
    reasons = [last.trouble] if last.trouble else _stuck(last, now, interval)
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    body = json.dumps({"ready": not reasons, "reasons": reasons}) + "\n"
    return Answer(body.encode(), status, "application/json")


def _stuck(last: Look, now: datetime, interval: timedelta) -> list[str]:
    reasons = []
    if now - last.at > max(MISSED * REFRESH, timedelta(minutes=1)):
        reasons.append(f"the state was last read at {last.at.isoformat()}")
    if last.evaluated is None:
        reasons.append("evaluate has not ended well yet")
    elif now - last.evaluated > MISSED * interval:
        reasons.append(f"evaluate last ended well at {last.evaluated.isoformat()}")
    return reasons
