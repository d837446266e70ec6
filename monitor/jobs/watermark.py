"""Up to when all sources have told what they have."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.state.heartbeats import Heartbeat


def watermark(heartbeats: Iterable[Heartbeat], lateness: timedelta) -> datetime | None:
    """The time before which nothing more is expected; None while some partition never spoke.

    A partition's clock is the greatest event time it brought; one that had nothing left when
    ingest last looked counts as of that moment, so that a quiet partition holds nobody up. A
    heartbeat that grows old holds the watermark, for ingest may be dead.

    Args:
        heartbeats: the last one of every partition.
        lateness: how late an event may be.
    """
    clocks = [beat.at if beat.position >= beat.end else beat.max_event_time for beat in heartbeats]
    known = [clock for clock in clocks if clock is not None]
    if not known or len(known) < len(clocks):
        return None
    return min(known) - lateness
