"""Compaction and cleaning of a log that another process writes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bench.child import answer, cpu


def upkeep(store: str) -> dict[str, Any]:
    """CPU seconds of one round."""
    from monitor.log.clean import clean_log
    from monitor.log.compact import compact
    from monitor.log.events import EventLog
    from monitor.log.store import Store

    log = EventLog.open(Store(store))

    def maintain() -> None:
        compact(log.table)
        clean_log(log.table, processed=log.version(), keep=timedelta(0), now=datetime.now(UTC))

    return {"cpu": cpu(maintain)}


if __name__ == "__main__":
    answer(upkeep)
