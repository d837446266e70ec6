"""Evaluation over the parts of a service, once or for ever."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry

from monitor.errors import StateOutOfReachError
from monitor.jobs.current_cards import CurrentCards
from monitor.jobs.evaluate import Close, Done, Service, evaluate, share
from monitor.jobs.reference_file import pin_named_files
from monitor.jobs.schedule import Job, tick
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.outputs.job_metrics import JobMetrics
from monitor.state import runs, tasks
from monitor.told import Told, tell_nobody

LOOK_SECONDS: Final = 0.5
"""Pause between two looks whether something is to be done."""

OUT_OF_REACH_SECONDS: Final = 5.0
"""Pause before the state is asked again after it could not be reached."""

_log = logging.getLogger(__name__)


def evaluated(parts: Opened, close: Close, *, now: datetime, told: Told = tell_nobody) -> Done:
    """What one run of evaluation did, references that cards name as files included.

    Raises:
        MonitorError: the log, the state or a reference's file cannot be used.
    """
    pin_named_files(parts, Definitions.open(parts.store), now)
    partition = parts.settings.log.partition
    service = Service(parts.store, partition, parts.state, parts.cards)
    return evaluate(service, close, now=now, told=told)


def keep_evaluating(
    parts: Opened, wait: Callable[[float], bool], registry: CollectorRegistry = REGISTRY
) -> None:
    """Evaluate at the times of the settings, by the cards in force, with all who do the same.

    One process begins each round; all of them share its tasks.

    Args:
        parts: of the service.
        wait: for so many seconds; true if it is time to end.
        registry: of this process's counters.
    """
    current = CurrentCards(parts.settings.cards, parts.cards)
    partition = parts.settings.log.partition

    def look(slot: datetime) -> str:
        del slot
        done = evaluated(replace(parts, cards=current.cards), Close(), now=datetime.now(UTC))
        if done.results:
            _log.info("%d new results from version %d of the log", done.results, done.version)
        return f"{done.results} new results"

    job = Job("evaluate", parts.settings.evaluate.every, look)
    metrics = JobMetrics(registry)
    metrics.expect(job.name, job.interval, runs.last_success(parts.state, job.name))
    seen: datetime | None = None
    pause = LOOK_SECONDS
    while not wait(pause):
        pause = LOOK_SECONDS
        try:
            if any(task.model in current.cards for task in tasks.waiting(parts.state)):
                # Of a round that another process began, and maybe did not live to end.
                service = Service(parts.store, partition, parts.state, current.cards)
                for model, error in share(service, now=datetime.now(UTC)).items():
                    _log.error("%s is not evaluated", model, exc_info=error)
            elif (slot := job.slot(datetime.now(UTC))) != seen:
                current.changed()
                tick(parts.state, job, metrics, lambda: datetime.now(UTC))
                seen = slot
        except StateOutOfReachError as error:
            _log.warning("evaluation waits: %s", error)
            pause = OUT_OF_REACH_SECONDS
