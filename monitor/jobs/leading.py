"""One process of many that leads, while it lives and the state can be reached."""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from monitor.errors import StateOutOfReachError
from monitor.state import lease
from monitor.state.database import State

LASTS: Final = timedelta(seconds=15)
"""How long nobody leads after a leader died; it asks three times as often."""

_NAME: Final = "scheduler"
_log = logging.getLogger(__name__)


class Leader:
    """Wants to lead, in a thread of its own, from `start` to `stop`."""

    def __init__(self, state: State, lasts: timedelta = LASTS) -> None:
        self._state, self._lasts = state, lasts
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._until = 0.0
        self._since = datetime.min.replace(tzinfo=UTC)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leader", daemon=True)
        self._gained: Callable[[], None] = lambda: None

    def since(self) -> datetime | None:
        """When this process came to lead, None while it does not.

        A process that slept longer than the lease lasts does not lead when it wakes up.
        """
        return self._since if time.monotonic() < self._until else None

    def start(self, gained: Callable[[], None]) -> None:
        """Begin to ask; `gained` is called each time that this process comes to lead."""
        self._gained = gained
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, and let another one lead at once."""
        self._stop.set()
        self._thread.join()
        self._until = 0.0
        try:
            lease.leave(self._state, _NAME, self._holder)
        except (StateOutOfReachError, SQLAlchemyError) as error:
            _log.warning("the lease ends by itself: %s", error)

    def ask(self) -> bool:
        """Whether this process leads now."""
        begun, was_leading = time.monotonic(), self.since() is not None
        since = lease.take(self._state, _NAME, self._holder, self._state.now(), self._lasts)
        if since is None:
            self._until = 0.0
            return False
        self._since = since
        self._until = begun + self._lasts.total_seconds()
        if not was_leading:
            _log.info("%s leads: it runs the scheduled jobs", self._holder)
            self._gained()
        return True

    def _run(self) -> None:
        while True:
            try:
                self.ask()
            except (StateOutOfReachError, SQLAlchemyError) as error:
                _log.warning("the state cannot be asked who leads: %s", error)
            if self._stop.wait(self._lasts.total_seconds() / 3):
                return
