"""Windows marked to be built again, whatever the log gained."""

from collections.abc import Iterable
from datetime import datetime

from monitor.errors import StateError
from monitor.jobs import dirty
from monitor.jobs.kept import kept_from
from monitor.jobs.service import Opened
from monitor.profiles.windows import seconds_of
from monitor.state import progress


def mark(
    parts: Opened, models: Iterable[str], start: datetime, end: datetime
) -> dict[str, tuple[datetime, datetime]]:
    """By model, the span whose windows are built again; models without events in it are absent.

    Nothing before the time from which the log keeps a model's events is touched: what is left
    of such a window is not what its profile was made of.

    Args:
        parts: of the service.
        models: names of models.
        start: aware.
        end: aware, after `start`.

    Raises:
        StateError: nothing was ever evaluated, so that there is nothing to build again.
    """
    version = progress.processed(parts.state, dirty.EVENTS_JOB)
    if version == progress.NOTHING:
        raise StateError("nothing was evaluated yet; run: mbm evaluate --once")
    kept = kept_from(parts.state, parts.cards)
    spans = {}
    for model in models:
        known = dirty.extent(parts.state, model)
        if known is None:
            continue
        first = max(start, kept.get(model, start))
        begins, ends = max(known[0], seconds_of(first)), min(known[1], seconds_of(end))
        if begins >= ends:
            continue
        windows = [
            window
            for family in (dirty.INPUTS, dirty.FEEDBACK)
            for window in dirty.dirty_windows(model, family, [(begins, ends)], version)
        ]
        progress.advance(parts.state, dirty.EVENTS_JOB, version, windows)
        spans[model] = (windows[0].start, windows[0].end)
    return spans
