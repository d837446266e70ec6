"""How many messages of a span of time lie in quarantine."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import numpy as np

from monitor.events.schema import Kind
from monitor.log import read
from monitor.log.events import EventLog


def quarantined_in(
    log: EventLog, model: str, spans: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    """Quarantined messages per span, by the broker's time, else by the day of their commit.

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
        "replay_of IS NULL",
    )
    rows = log.read(["day", "broker_time"], condition).read_all()
    times = sorted(
        at.astimezone(UTC) if at else datetime.combine(day, time(), UTC)
        for day, at in zip(rows["day"].to_pylist(), rows["broker_time"].to_pylist(), strict=True)
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def seconds(moments: Sequence[datetime]) -> list[float]:
        return [(moment - epoch) / timedelta(seconds=1) for moment in moments]

    known = np.array(seconds(times))
    begins = np.searchsorted(known, seconds([start for start, _ in spans]))
    ends = np.searchsorted(known, seconds([end for _, end in spans]))
    return [int(count) for count in ends - begins]
