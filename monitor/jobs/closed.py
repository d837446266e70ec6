"""Which published windows of a model are closed."""

from datetime import datetime

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs import dirty
from monitor.profiles.windows import Range, floor, instant, seconds_of
from monitor.state import deployments, progress
from monitor.state.database import State
from monitor.state.results import latest


class NoWindowError(MonitorError):
    """There is no such closed window; the message says which there are."""


def closed_window(state: State, card: Card, at: datetime | None = None) -> Range:
    """The published window that holds a moment, in Unix seconds.

    By default the newest closed one in which there were predictions: the last events of a file
    are often decisions and outcomes, whose window has none.

    Raises:
        NoWindowError: it is not closed yet.
    """
    length = int(card.windows.publish.total_seconds())
    closed = progress.closed(state, card.model, dirty.INPUTS)
    if closed is None:
        raise NoWindowError(f"{card.model} was not evaluated yet; run: mbm evaluate --once")
    end = floor(seconds_of(closed), length)
    if at is None:
        rows = latest(
            state, model=card.model, metric="predictions", segment="", window_kind="publish"
        )
        starts = (seconds_of(row.start) for row in rows if row.value)
        start = max((one for one in starts if one + length <= end), default=end - length)
    else:
        start = floor(seconds_of(at), length)
    if start + length > end:
        raise NoWindowError(
            f"the window of {instant(start)} is not closed yet; windows are up to {instant(end)}"
        )
    return start, start + length


def around_deployment(state: State, card: Card) -> tuple[Range, Range]:
    """As much time as a published window before the last deployment, and the last since, closed.

    Raises:
        NoWindowError: nothing was deployed yet, or no time has been closed since.
    """
    closed = progress.closed(state, card.model, dirty.INPUTS)
    some = deployments.between(state, card.model, end=closed) if closed else []
    if closed is None or not some:
        raise NoWindowError(
            f"no deployment of {card.model} is known in the time that is closed; its events are"
            " those of type deployment (monitor.client: deployed)"
        )
    at, length = some[-1].at, card.windows.publish
    before, upto, end = (seconds_of(one) for one in (at - length, at, closed))
    return (before, upto), (max(upto, end - (upto - before)), end)
