"""Evaluation: from what the log gained to results, model by model; safe to die anywhere.

What is dirty is written down together with the version of the log that was looked at, and is
forgotten only when profiles and results stand; doing a window twice changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from monitor.cards.card import Card
from monitor.engines.base import Engine, Place
from monitor.engines.local import LocalEngine
from monitor.errors import EvaluationError
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
from monitor.state.database import State
from monitor.state.exclusive import EVALUATION, exclusive
from monitor.state.heartbeats import heartbeats

Told = Callable[[str, int, int], None]
"""Told the model, how many seconds of event time are done, and of how many."""


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


def evaluate(
    service: Service, close: Close, *, now: datetime, told: Told = lambda *_: None
) -> Done:
    """What a run did that took in the log as it stands; it waits for any other run to end.

    Args:
        service: what to work on.
        close: up to when windows are closed.
        now: aware; the clock.
        told: of the progress.

    Raises:
        MonitorError: the log or the state cannot be used; the run may be repeated.
    """
    with exclusive(service.state, EVALUATION):
        return _evaluated(service, close, now, told)


def _evaluated(service: Service, close: Close, now: datetime, told: Told) -> Done:
    log = EventLog.open(service.store, service.partition)
    feedback = FeedbackLog.open(service.store)
    version = log.version()
    horizon = {model: card.label_horizon for model, card in service.cards.items()}
    resolve(log, feedback, upto_version=version, horizon=horizon, now=now)
    moved = MovedLog.open(service.store)
    place = Place(service.store, service.partition, version, feedback.version(), moved.version())
    dirty.take_in(service.state, service.cards, log, feedback, place)
    dirty.take_in_moved(service.state, moved, place)
    builder = Builder(place, log, ProfileTable.open(service.store), service.engine)
    definitions = Definitions.open(service.store)
    closed: dict[str, datetime] = {}
    count = 0
    failed: dict[str, Exception] = {}
    for model, card in service.cards.items():
        upto = _closed_upto(service.state, card, close)
        if upto is None:
            continue
        run = ModelRun(service.state, definitions, builder, card, upto, now)
        try:
            count += run.evaluate(partial(told, model))
        except Exception as error:  # noqa: BLE001 - one model must not take the others with it
            failed[model] = error
        else:
            closed[model] = upto
    if failed:
        told_all = "; ".join(f"{model}: {error}" for model, error in failed.items())
        first = next(iter(failed.values()))
        raise EvaluationError(f"not evaluated: {told_all}") from first
    return Done(version, count, closed)


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
