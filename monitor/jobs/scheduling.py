"""What is done at set times beside evaluation: upkeep, looks at rows, notices, reports."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs import drilldown, reports
from monitor.jobs.current_cards import CurrentCards
from monitor.jobs.leading import Leader
from monitor.jobs.maintain import Maintained, maintain
from monitor.jobs.notices import Notifier
from monitor.jobs.sampling import sample_all
from monitor.jobs.schedule import Job, Schedule
from monitor.jobs.service import Opened
from monitor.log.drilldowns import Drilldowns
from monitor.outputs.job_metrics import JobMetrics
from monitor.outputs.leader_metrics import show_leader

_HOUR: Final = timedelta(hours=1)

_REST: Final = timedelta(hours=6)
"""How long a window is left alone whose rows were looked at: labels come by the hour."""


def maintained(
    parts: Opened, *, now: datetime, told: Callable[[str], None] = lambda _: None
) -> Maintained:
    """What one run of the log's upkeep did."""
    partition = parts.settings.log.partition
    return maintain(parts.store, partition, parts.state, parts.cards, now=now, told=told)


@contextmanager
def scheduling(parts: Opened, registry: CollectorRegistry = REGISTRY) -> Iterator[None]:
    """Run the jobs at their times, by the cards in force, while the block lasts.

    Of all processes that do so over one state, one leads and runs them; the others stand by.
    """
    current = CurrentCards(parts.settings.cards, parts.cards)

    def newest() -> Opened:
        current.changed()
        return replace(parts, cards=current.cards)

    def keep_up(slot: datetime) -> str:
        del slot
        did = maintained(newest(), now=datetime.now(UTC))
        return f"{did.compacted} files compacted, {did.retained} rows past their time"

    leader = Leader(parts.state)
    pages = Drilldowns(parts.store).get
    clock = parts.state.now
    notifier = Notifier(parts.state, parts.settings.notices, registry, clock, pages)

    def tell(slot: datetime) -> str:
        del slot
        sent, failed = notifier.tell(newest().cards, leader.since())
        return f"{sent} notices sent, {failed} tries failed"

    def look_at_rows(slot: datetime) -> str:
        del slot
        count = sample_all(newest(), now=datetime.now(UTC), rest=_REST)
        return f"{count} new results from samples"

    def take_apart(card: Card, week: str) -> str | None:
        return drilldown.made(newest(), card, week)

    drill = drilldown.Rounds(parts.state, take_apart)

    def report(slot: datetime) -> str:
        del slot
        service, now = newest(), datetime.now(UTC)
        settings = service.settings.notices
        drill.begin()
        count, broken = reports.write_due(parts.state, settings, service.cards, now, drill)
        drill.go_on(service.cards)
        if broken:
            raise MonitorError(f"no report could be made of {', '.join(broken)}; see the log")
        return f"{count} reports to be sent"

    jobs = [
        Job("samples", _HOUR, look_at_rows, offset=_HOUR / 4),
        Job("maintain", parts.settings.maintain.every, keep_up),
    ]
    if parts.settings.notices.channels:
        jobs.append(Job("notices", parts.settings.notices.every, tell))
        jobs.append(Job("reports", reports.EVERY, report))
    show_leader(lambda: leader.since() is not None, registry)
    schedule = Schedule(parts.state, jobs, JobMetrics(registry), leader, clock)
    schedule.start()
    try:
        yield
    finally:
        schedule.stop()
