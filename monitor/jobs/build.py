"""Profiles of the windows that changed: rebuilt from the log, rolled up, appended as revisions."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.cards.contract import Contract
from monitor.engines.base import Engine, Place, Task
from monitor.events.schema import Kind
from monitor.log.events import EventLog
from monitor.log.profiles import ProfileTable, Revision, next_revisions
from monitor.log.size import rows_by_partition
from monitor.profiles.family import Family
from monitor.profiles.feedback_layout import families
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.inputs_layout import FAILURES_LAYOUT
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Layout, total
from monitor.profiles.named import folded
from monitor.profiles.rows import Key, Partial, partials_of
from monitor.profiles.segments import ALL
from monitor.profiles.windows import (
    MOST_WINDOWS,
    Range,
    chunks,
    floor,
    instant,
    levels,
    outward,
    parted,
    seconds_of,
    within,
)

TASK_ROWS = 1_000_000
"""Rows of one task; finer ones prune badly, larger ones take more memory."""

TASK_NUMBERS = 8_000_000
"""Numbers in the profiles of all rows of one task, 64 MB, however long those of a model are."""

Plan = InputsPlan | FeedbackPlan
Progress = Callable[[int, int], None]
"""Told how many seconds of event time are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Builder:
    """What building needs, whatever the model.

    Attributes:
        place: pinned versions of the events and feedback.
        log: the same events, for their file list.
        profiles: where the profiles go.
        engine: that runs the tasks.
    """

    place: Place
    log: EventLog
    profiles: ProfileTable
    engine: Engine

    def weights(self) -> list[tuple[int, int, int]]:
        """Partitions that hold predictions or failures, of any model, as (begin, end, rows)."""
        table = self.log.table.at(self.place.events)
        kinds = (Kind.PREDICTION, Kind.FAILURE)
        return rows_by_partition(table, kinds, by_month=self.log.by_month)


def layouts_of(plan: Plan) -> dict[Family, dict[str, Layout]]:
    """By family and id, the layouts of the profiles that a plan's kernel makes."""
    if isinstance(plan, InputsPlan):
        return {
            Family.INPUTS: {layout.id: layout for layout in (plan.layout, plan.group)},
            Family.FAILURES: {FAILURES_LAYOUT.id: FAILURES_LAYOUT},
        }
    return {each.family: each.layouts for each in families(plan)}


def numbers(layouts: Mapping[Family, Mapping[str, Layout]]) -> int:
    """Numbers in one profile of all rows of each of these families."""
    return sum(max(layout.ints for layout in some.values()) for some in layouts.values())


def build(
    builder: Builder,
    plan: Plan,
    ranges: Iterable[Range],
    *,
    older: Sequence[Contract],
    since: datetime | None,
    upto: datetime,
    now: datetime,
    progress: Progress,
) -> None:
    """Build the profiles of these windows anew, and their sums; what stands already is left.

    Args:
        builder: tables and engine.
        plan: of the model.
        ranges: of event time, whose windows are closed.
        older: earlier contracts of the model.
        since: end of the closed time before this run, None if there was none.
        upto: end of the closed time; coarser windows that end later are not rolled up yet.
        now: written into the revisions.
        progress: told after every task.
    """
    weights = builder.weights()
    # Where the log has no rows there is nothing to build: one event of the year 1 must not make
    # two thousand years of empty windows.
    held = [(start, end) for start, end, _ in weights]
    windows = within(outward(ranges, plan.seconds), outward(held, plan.seconds))
    by_family = layouts_of(plan)
    most = max(1, min(MOST_WINDOWS, TASK_NUMBERS // numbers(by_family)))
    pieces = list(chunks(windows, plan.seconds, weights, TASK_ROWS, most))
    tasks = [Task(builder.place, plan, instant(a), instant(b), tuple(older)) for a, b in pieces]
    whole = sum(b - a for a, b in pieces)
    done = 0
    layouts = {name: layout for some in by_family.values() for name, layout in some.items()}
    tables = builder.engine.run(tasks)
    for start, end in pieces:
        # No name is given to what a task made: the next one would run with it still in memory.
        _take_in(builder, plan, partials_of(next(tables), layouts), (start, end), now)
        done += end - start
        progress(done, whole)
    _roll_up(builder, plan, windows, held, since, upto, now)


def _take_in(
    builder: Builder, plan: Plan, built: Sequence[Partial], part: Range, now: datetime
) -> None:
    """Append what of these profiles is new."""
    _write(builder, _fresh(builder, plan, built, part, plan.seconds), now)


def _roll_up(
    builder: Builder,
    plan: Plan,
    windows: Sequence[Range],
    held: Sequence[Range],
    since: datetime | None,
    upto: datetime,
    now: datetime,
) -> None:
    """Sums of the hours and days of these windows, and of those that closed since the last run.

    All of them, and not only what changed: a run that died may have built without summing up.
    """
    finer = plan.seconds
    for level in levels(plan.seconds)[1:]:
        closed = floor(seconds_of(upto), level)
        newly = [(floor(seconds_of(since), level), closed)] if since else []
        touched = within(outward([*windows, *newly], level), outward(held, level))
        ready, _ = parted(touched, closed)
        for start, end in ready:
            for first in range(start, end, level * 64):
                part = (first, min(first + level * 64, end))
                summed = _summed(_standing(builder, plan, part, finer), level)
                _write(builder, _fresh(builder, plan, summed, part, level), now)
        finer = level


def _summed(finer: Sequence[Revision], level: int) -> list[Partial]:
    """The sums over windows of length `level`, one per key."""
    parts: dict[Key, list[Partial]] = defaultdict(list)
    for revision in finer:
        key = revision.partial.key
        start = instant(floor(seconds_of(key.start), level))
        parts[replace(key, start=start, seconds=level)].append(revision.partial)
    return [
        Partial(
            key,
            total(some[0].profile.layout, [partial.profile for partial in some]),
            sum(partial.rows for partial in some),
            sum(partial.duplicates for partial in some),
            sum(partial.conflicts for partial in some),
        )
        for key, some in _bounded(parts).items()
    ]


def _bounded(parts: Mapping[Key, list[Partial]]) -> dict[Key, list[Partial]]:
    """The same, with as many names of teams and the like as a window may have."""
    rows: dict[Key, dict[str, int]] = defaultdict(dict)
    for key, some in parts.items():
        rows[replace(key, segment=ALL)][key.segment] = sum(partial.rows for partial in some)
    places = {whole: folded(segments) for whole, segments in rows.items()}
    joined: dict[Key, list[Partial]] = defaultdict(list)
    for key, some in parts.items():
        segment = places[replace(key, segment=ALL)][key.segment]
        joined[replace(key, segment=segment)] += some
    return joined


def _standing(builder: Builder, plan: Plan, part: Range, seconds: int) -> list[Revision]:
    """Profiles of the plan's own reference: others don't add up with these and stay as they are."""
    start, end = part
    reference = plan.reference.id if isinstance(plan, InputsPlan) and plan.reference else ""
    return [
        revision
        for family, layouts in layouts_of(plan).items()
        for revision in builder.profiles.latest(
            family=family,
            model=plan.contract.model,
            seconds=seconds,
            start=instant(start),
            end=instant(end),
            layouts=layouts,
        )
        if revision.partial.key.reference == reference
    ]


def _fresh(
    builder: Builder, plan: Plan, built: Sequence[Partial], part: Range, seconds: int
) -> list[Revision]:
    return next_revisions(built, _standing(builder, plan, part, seconds))


def _write(builder: Builder, fresh: Sequence[Revision], now: datetime) -> None:
    builder.profiles.append(fresh, events_version=builder.place.events, at=now)
