"""How many messages of a span of time lie in quarantine."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import numpy as np

from monitor.events.schema import Kind
from monitor.log import read
from monitor.log.events import EventLog
from monitor.log.quarantine import replayed


def quarantined_in(
    log: EventLog, model: str, spans: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    """Quarantined messages per span, by the broker's time, else by the day of their commit.

    Those that were replayed are rows by now and count no more.

    Args:
        log: where they are.
        model: whose messages are counted; those that name no model are counted too.
        spans: half open, aware.
    """
    if not spans:
        return []
    first = min(start for start, _ in spans).date()
    last = max(end for _, end in spans).date()
    first, last = (read.partition_day(day, log.by_month) for day in (first, last))
    condition = read.all_of(
        f"kind = {read.text(Kind.QUARANTINE)}",
        f"day >= '{first}' AND day <= '{last}'",
        f"model IS NULL OR model = {read.text(model)}",
    )
    rows = log.read(["day", "broker_time", "partition", "offset"], condition).read_all()
    understood = replayed(log) if rows.num_rows else set()
    times = sorted(
        at.astimezone(UTC) if at else datetime.combine(day, time(), UTC)
        for day, at, partition, offset in zip(*(c.to_pylist() for c in rows.columns), strict=True)
        if f"{partition}@{offset}" not in understood
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def seconds(moments: Sequence[datetime]) -> list[float]:
        return [(moment - epoch) / timedelta(seconds=1) for moment in moments]

    known = np.array(seconds(times))
    begins = np.searchsorted(known, seconds([start for start, _ in spans]))
    ends = np.searchsorted(known, seconds([end for _, end in spans]))
    return [int(count) for count in ends - begins]
