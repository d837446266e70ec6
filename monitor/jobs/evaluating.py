"""Evaluation over the parts of a service, once or for ever, with what hangs on it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY, CollectorRegistry

from monitor.errors import MonitorError
from monitor.jobs import reports
from monitor.jobs.current_cards import CurrentCards
from monitor.jobs.evaluate import Close, Done, Service, Told, evaluate
from monitor.jobs.maintain import Maintained, maintain
from monitor.jobs.notices import Notifier
from monitor.jobs.reference_file import pin_named_files
from monitor.jobs.schedule import Job, Schedule
from monitor.jobs.service import Opened
from monitor.jobs.slicing import sliced
from monitor.log.definitions import Definitions
from monitor.outputs.job_metrics import JobMetrics

_log = logging.getLogger(__name__)


def evaluated(parts: Opened, close: Close, *, now: datetime, told: Told = lambda *_: None) -> Done:
    """What one run of evaluation did, references that cards name as files included.

    Raises:
        MonitorError: the log, the state or a reference's file cannot be used.
    """
    pin_named_files(parts, Definitions.open(parts.store), now)
    partition = parts.settings.log.partition
    service = Service(parts.store, partition, parts.state, parts.cards)
    return evaluate(service, close, now=now, told=told)


def maintained(
    parts: Opened, *, now: datetime, told: Callable[[str], None] = lambda _: None
) -> Maintained:
    """What one run of the log's upkeep did."""
    partition = parts.settings.log.partition
    return maintain(parts.store, partition, parts.state, parts.cards, now=now, told=told)


def keep_evaluating(
    parts: Opened, wait: Callable[[], object], registry: CollectorRegistry = REGISTRY
) -> None:
    """Evaluate, maintain and tell at their times, by the cards in force, until `wait` returns."""
    current = CurrentCards(parts.settings.cards, parts.cards)

    def newest() -> Opened:
        current.changed()
        return replace(parts, cards=current.cards)

    def look(slot: datetime) -> str:
        del slot
        done = evaluated(newest(), Close(), now=datetime.now(UTC))
        if done.results:
            _log.info("%d new results from version %d of the log", done.results, done.version)
        return f"{done.results} new results"

    def keep_up(slot: datetime) -> str:
        del slot
        did = maintained(newest(), now=datetime.now(UTC))
        return f"{did.compacted} files compacted, {did.retained} rows past their time"

    notifier = Notifier(parts.state, parts.settings.notices, registry)

    def tell(slot: datetime) -> str:
        del slot
        sent, failed = notifier.tell(newest().cards)
        return f"{sent} notices sent, {failed} tries failed"

    def slice_all(slot: datetime) -> str:
        del slot
        found = sliced(newest(), now=datetime.now(UTC))
        return f"{found} slices found"

    def report(slot: datetime) -> str:
        del slot
        cards, now = newest().cards, datetime.now(UTC)
        count, broken = reports.write_due(parts.state, parts.settings.notices, cards, now)
        if broken:
            raise MonitorError(f"no report could be made of {', '.join(broken)}; see the log")
        return f"{count} reports to be sent"

    jobs = [
        Job("slices", timedelta(days=1), slice_all, offset=timedelta(hours=4)),
        Job("evaluate", parts.settings.evaluate.every, look),
        Job("maintain", parts.settings.maintain.every, keep_up),
    ]
    if parts.settings.notices.channels:
        jobs.append(Job("notices", parts.settings.notices.every, tell))
        jobs.append(Job("reports", reports.EVERY, report))
    schedule = Schedule(parts.state, jobs, JobMetrics(registry))
    schedule.start()
    try:
        wait()
    finally:
        schedule.stop()
