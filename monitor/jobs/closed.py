"""Which published windows of a model are closed."""

from datetime import datetime

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs import dirty
from monitor.jobs.service import Opened
from monitor.profiles.windows import Range, floor, instant, seconds_of
from monitor.state import progress


class NoWindowError(MonitorError):
    """There is no such closed window; the message says which there are."""


def closed_window(parts: Opened, card: Card, at: datetime | None = None) -> Range:
    """The published window that holds a moment, by default the newest closed one, Unix seconds.

    Raises:
        NoWindowError: it is not closed yet.
    """
    length = int(card.windows.publish.total_seconds())
    closed = progress.closed(parts.state, card.model, dirty.INPUTS)
    if closed is None:
        raise NoWindowError(f"{card.model} was not evaluated yet; run: mbm evaluate --once")
    end = floor(seconds_of(closed), length)
    start = end - length if at is None else floor(seconds_of(at), length)
    if start + length > end:
        raise NoWindowError(
            f"the window of {instant(start)} is not closed yet; windows are up to {instant(end)}"
        )
    return start, start + length
