"""The log kept small and within its retention, while everything else goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from monitor.cards.card import Card
from monitor.jobs import dirty
from monitor.jobs.kept import keep_from
from monitor.jobs.plan import profile_seconds
from monitor.log.clean import clean_log, vacuum
from monitor.log.compact import compact
from monitor.log.events import EventLog, Partition
from monitor.log.feedback import FeedbackLog
from monitor.log.moved import MovedLog, look
from monitor.log.profiles import ProfileTable
from monitor.log.retain import Retention, marks, retain
from monitor.log.store import Store, Table
from monitor.state import moved as known_moved
from monitor.state import progress, reviews, runs
from monitor.state.database import State

KEPT: Final = timedelta(hours=2)
"""How long replaced files and old commits stay, for readers that pinned a version."""

NOTHING_CLOSED: Final = timedelta(days=90_000)
"""How far behind a model counts of which nothing was evaluated yet: nothing of it is old."""

RUNS_KEPT: Final = timedelta(days=30)

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Maintained:
    """What one run did.

    Attributes:
        compacted: small files done away with.
        retained: rows removed because their time was over [rows].
        deleted: files deleted that no recent version holds.
        moved: predictions found in a later window than another with their id [rows].
    """

    compacted: int
    retained: int
    deleted: int
    moved: int


def maintain(
    store: Store,
    partition: Partition,
    state: State,
    cards: Mapping[str, Card],
    *,
    now: datetime,
    told: Told = lambda _: None,
) -> Maintained:
    """What a run did; each step is a bounded piece of work that may die and be done again.

    A model's retention counts back from the time up to which its windows are closed, so that a
    history that is read in late is not thrown away as old.

    Args:
        store: of the tables.
        partition: what a partition of the log spans.
        state: tells how far evaluation has read, and learns what is kept.
        cards: by model.
        now: aware; the clock.
        told: of each step.
    """
    log = EventLog.open(store, partition)
    feedback = FeedbackLog.open(store)
    profiles = ProfileTable.open(store)
    moved = MovedLog.open(store)
    told("ids that moved across windows")
    found = look(log, moved, {model: profile_seconds(card) for model, card in cards.items()})
    known_moved.found(state, {**dict.fromkeys(cards, 0), **moved.counts()})
    tables: dict[str, tuple[Table, int]] = {
        "events": (
            log.table,
            min(progress.processed(state, dirty.EVENTS_JOB), moved.looked() or 0),
        ),
        "feedback": (feedback.table, progress.processed(state, dirty.FEEDBACK_JOB)),
        "moved": (moved.table, progress.processed(state, dirty.MOVED_JOB)),
        "profiles": (profiles.table, profiles.table.version()),
    }
    told("retention")
    gone = _retain(log, feedback, moved, state, cards, now)
    compacted = deleted = 0
    for name, (table, processed) in tables.items():
        told(f"compaction of {name}")
        compacted += compact(table)
        told(f"clean-up of {name}")
        deleted += vacuum(table, KEPT)
        deleted += clean_log(table, processed=processed, keep=KEPT, now=now)
    runs.forget(state, now - RUNS_KEPT)
    return Maintained(compacted, gone, deleted, found)


def _retain(
    log: EventLog,
    feedback: FeedbackLog,
    moved: MovedLog,
    state: State,
    cards: Mapping[str, Card],
    now: datetime,
) -> int:
    """Rows removed; the marks are moved first, so that nothing older comes in afterwards."""
    ages: dict[str, timedelta] = {}
    for model, card in cards.items():
        closed = progress.closed(state, model, dirty.INPUTS)
        behind = now - closed if closed else NOTHING_CLOSED
        ages[model] = card.retention.events + max(behind, timedelta(0))
    if not ages:
        return 0
    retention = Retention(
        events=ages,
        others=max(ages.values()),
        quarantine=max(card.retention.quarantine for card in cards.values()),
    )
    first = marks(retention, now, by_month=log.by_month)
    for model in cards:
        mark = datetime.combine(first[model], time(), UTC)
        keep_from(state, model, mark)
        reviews.forget(state, model, mark)
    return retain(log, feedback, moved, retention, now=now)
