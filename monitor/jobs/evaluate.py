"""Evaluation: from what the log gained to results, model by model; safe to die anywhere.

A round takes in the log and makes a task per model; the tasks are shared by all processes that
evaluate over one state.

What is dirty is written down together with the version of the log that was looked at, and is
forgotten only when profiles and results stand; doing a window twice changes nothing.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from monitor.cards.card import Card
from monitor.engines.base import Engine, Place
from monitor.engines.local import LocalEngine
from monitor.errors import EvaluationError, StateOutOfReachError
from monitor.jobs import dirty
from monitor.jobs.build import Builder
from monitor.jobs.model_run import ModelRun
from monitor.jobs.watermark import watermark
from monitor.log.definitions import Definitions
from monitor.log.events import EventLog, Partition
from monitor.log.feedback import FeedbackLog
from monitor.log.moved import MovedLog
from monitor.log.profiles import ProfileTable
from monitor.log.resolve import resolve
from monitor.log.store import Store
from monitor.profiles.windows import (
    ceiling,
    floor,
    instant,
    seconds_of,
)
from monitor.state import progress
from monitor.state import tasks as tasks_of
from monitor.state.database import State
from monitor.state.exclusive import EVALUATION, Hold, attempt, exclusive
from monitor.state.heartbeats import heartbeats
from monitor.state.tasks import Task
from monitor.told import Told, tell_nobody

PAUSE: Final = 0.1
"""Seconds between two looks whether others have done their tasks."""


@dataclass(frozen=True, slots=True)
class Service:
    """What evaluation works on.

    Attributes:
        store: of the tables.
        partition: what a partition of the log spans.
        state: progress, pins and results.
        cards: by model.
        engine: that builds profiles.
    """

    store: Store
    partition: Partition
    state: State
    cards: Mapping[str, Card]
    engine: Engine = field(default_factory=LocalEngine)


@dataclass(frozen=True, slots=True)
class Close:
    """Up to when windows are closed.

    Attributes:
        everything: close all up to the end of the last event's publish window, as for a
            history that is complete; else the sources' watermark decides.
        until: with `everything`, close up to this time instead.
    """

    everything: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What one run did.

    Attributes:
        version: of the event table, up to which all is taken in.
        results: new verdicts.
        closed: by model, up to when its windows are closed.
    """

    version: int
    results: int
    closed: Mapping[str, datetime]


def evaluate(service: Service, close: Close, *, now: datetime, told: Told = tell_nobody) -> Done:
    """What a round did that took in the log as it stands, whoever else worked on it.

    Args:
        service: what to work on.
        close: up to when windows are closed.
        now: aware; the clock.
        told: of the progress.

    Raises:
        MonitorError: the log or the state cannot be used; the run may be repeated.
    """
    state = service.state
    # Waits until the tasks of the round before have ended, whoever works on them.
    with exclusive(state, EVALUATION):
        name, version = _begun(service, close, now)
    failed: dict[str, Exception] = {}
    while True:
        failed |= share(service, now=now, told=told)
        tasks = tasks_of.of_round(state, name)
        if not any(task.outcome == tasks_of.OPEN for task in tasks):
            break
        time.sleep(PAUSE)
    if reasons := [f"{t.model}: {t.message}" for t in tasks if t.outcome == tasks_of.FAILED]:
        first = next(iter(failed.values()), None)
        raise EvaluationError(f"not evaluated: {'; '.join(reasons)}") from first
    closed = {task.model: task.upto for task in tasks}
    return Done(version, sum(task.results for task in tasks), closed)


def share(service: Service, *, now: datetime, told: Told = tell_nobody) -> dict[str, Exception]:
    """Work on the tasks of a round that nobody else works on; what failed, by model.

    Models with little to rebuild come first, so that one with a long history keeps none waiting.

    Whoever works on a model holds its name, so that no two processes do the same, and one that
    dies lets go of it: its task is open still. No round begins while a task is under way, so that
    what is dirty is what the task's versions hold.
    """
    state = service.state
    failed: dict[str, Exception] = {}
    backlog = progress.backlog(state)
    waiting = tasks_of.waiting(state)
    for task in sorted(waiting, key=lambda task: backlog.get(task.model, timedelta(0))):
        card = service.cards.get(task.model)
        if card is None:
            continue
        with (
            attempt(state, EVALUATION, shared=True) as is_open,
            attempt(state, f"{EVALUATION}-{task.model}") as hold,
        ):
            if not is_open or not hold or not tasks_of.is_open(state, task):
                continue
            try:
                run = _run(service, task, card, now, hold)
                count = run.evaluate(partial(told, task.model))
            except StateOutOfReachError:
                # The task stays open, and is done again by whoever reaches the state.
                raise
            except Exception as error:  # noqa: BLE001 - one model must not take the others with it
                failed[task.model] = error
                tasks_of.end(state, task, tasks_of.FAILED, message=str(error))
            else:
                tasks_of.end(state, task, tasks_of.DONE, count)
    return failed


def _run(service: Service, task: Task, card: Card, now: datetime, hold: Hold) -> ModelRun:
    store, partition = service.store, service.partition
    place = Place(store, partition, task.events, task.feedback, task.moved)
    log, profiles = EventLog.open(store, partition), ProfileTable.open(store)
    builder = Builder(place, log, profiles, service.engine)
    return ModelRun(service.state, Definitions.open(store), builder, card, task.upto, now, hold)


def _begun(service: Service, close: Close, now: datetime) -> tuple[str, int]:
    """Name of a new round over the log as it stands, and the version of its event table."""
    log = EventLog.open(service.store, service.partition)
    feedback = FeedbackLog.open(service.store)
    version = log.version()
    horizon = {model: card.label_horizon for model, card in service.cards.items()}
    resolve(log, feedback, upto_version=version, horizon=horizon, now=now)
    moved = MovedLog.open(service.store)
    place = Place(service.store, service.partition, version, feedback.version(), moved.version())
    dirty.take_in(service.state, service.cards, log, feedback, place)
    dirty.take_in_moved(service.state, moved, place)
    name = uuid.uuid4().hex
    tasks = [
        Task(model, name, upto, place.events, place.feedback, place.moved)
        for model, card in service.cards.items()
        if (upto := _closed_upto(service.state, card, close)) is not None
    ]
    tasks_of.begin(service.state, tasks)
    return name, version


def _closed_upto(state: State, card: Card, close: Close) -> datetime | None:
    """End of the closed time of a model; it never goes back."""
    before = progress.closed(state, card.model, dirty.INPUTS)
    known = dirty.extent(state, card.model)
    if known is None:
        return None
    if close.everything:
        last = ceiling(known[1], int(card.windows.publish.total_seconds()))
        upto: datetime | None = close.until or instant(last)
    else:
        upto = watermark(heartbeats(state), card.lateness)
    if upto is None:
        return before
    whole = instant(floor(seconds_of(upto), int(card.windows.profile.total_seconds())))
    return max(whole, before) if before else whole
