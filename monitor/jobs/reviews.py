"""The audit of reviews followed from window to window: what is to be looked at again, and leaks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from monitor.cards.contract import Contract
from monitor.control.cases import CasesPlan
from monitor.engines.base import Task
from monitor.jobs.build import TASK_ROWS, Builder, layouts_of
from monitor.log.profiles import Revision
from monitor.profiles.audit import LEAKS, WAITING, Case
from monitor.profiles.audited import REVIEW, Pending
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.segments import ALL
from monitor.profiles.windows import Range, chunks, floor, instant, outward, seconds_of, within
from monitor.state import reviews
from monitor.state.database import State
from monitor.state.reviews import Leak, Status, Window

_WINDOWS: Final = 500
"""Windows whose profiles are in memory at once."""


@dataclass(frozen=True, slots=True)
class Follower:
    """What following the reviews of a model needs.

    Attributes:
        state: where windows and leaks are kept.
        builder: of the profiles that stand.
        plan: of the model, as of the closed time.
        older: earlier contracts of the model.
        now: written into what is found for the first time.
    """

    state: State
    builder: Builder
    plan: FeedbackPlan
    older: tuple[Contract, ...]
    now: datetime

    @property
    def model(self) -> str:
        """Its name."""
        return self.plan.contract.model

    def due(self) -> list[Range]:
        """Windows whose audit has become another by time alone: each is one at most a few times.

        A case changes so at its time limit, or when an effect is old enough to count; and the
        closed time of audits goes by whole windows.
        """
        starts = reviews.due(self.state, self.model, instant(self.plan.asof))
        each = ((seconds_of(start), seconds_of(start) + self.plan.seconds) for start in starts)
        return outward(each, self.plan.seconds)

    def follow(self, built: Sequence[Range]) -> int:
        """Number of leaks that were never seen before in windows whose profiles were built."""
        if self.plan.policy is None and not reviews.windows(self.state, self.model):
            return 0
        # One reading for windows that lie near each other; those between stand as they are.
        blocks: dict[int, list[Range]] = defaultdict(list)
        step = self.plan.seconds * _WINDOWS
        for start, end in self._held(built):
            for block in range(floor(start, step), end, step):
                blocks[block].append((max(start, block), min(end, block + step)))
        return sum(self._settle(some[0][0], some[-1][1]) for some in blocks.values())

    def waiting(self) -> Iterator[pa.Table]:
        """Required reviews that are not made, with the schema `CASES`, as evaluation saw them."""
        some = [w for w in reviews.windows(self.state, self.model) if w.waiting]
        each = [(seconds_of(w.start), seconds_of(w.start) + self.plan.seconds) for w in some]
        for _, table in self._cases(outward(each, self.plan.seconds), WAITING):
            yield table

    def _settle(self, start: int, end: int) -> int:
        """Number of new leaks of the windows in [start, end), which then stand in the state."""
        span = instant(start), instant(end)
        found = _windows(self._profiles(start, end))
        before = {
            (w.start, w.version): w.leaks for w in reviews.windows(self.state, self.model, *span)
        }
        after = {(w.start, w.version): w.leaks for w in found}
        moved = {
            seconds_of(at)
            for at, version in before.keys() | after.keys()
            if before.get((at, version), 0) != after.get((at, version), 0)
        }
        touched = outward(((at, at + self.plan.seconds) for at in moved), self.plan.seconds)
        listed = [
            (part, [self._leak(row) for row in table.to_pylist()])
            for part, table in self._cases(touched, LEAKS)
        ]
        new = 0
        with self.state.writing():
            for (first, last), leaks in listed:
                new += reviews.take_in(self.state, self.model, instant(first), instant(last), leaks)
            reviews.settle(self.state, self.model, *span, found)
        return new

    def _profiles(self, start: int, end: int) -> list[Revision]:
        """Profiles of people, all rows of each version, of the windows in [start, end)."""
        return self.builder.profiles.latest(
            family=Family.PEOPLE,
            model=self.model,
            seconds=self.plan.seconds,
            start=instant(start),
            end=instant(end),
            layouts=layouts_of(self.plan)[Family.PEOPLE],
            segment=ALL,
        )

    def _cases(
        self, ranges: Sequence[Range], cases: tuple[Case, ...]
    ) -> Iterator[tuple[Range, pa.Table]]:
        """The cases of these windows, piece by piece."""
        weights = self.builder.weights()
        pieces = list(chunks(self._held(ranges), self.plan.seconds, weights, TASK_ROWS))
        plan = CasesPlan(self.plan, cases)
        tasks = [
            Task(self.builder.place, plan, instant(start), instant(end), self.older)
            for start, end in pieces
        ]
        yield from zip(pieces, self.builder.engine.run(tasks), strict=True)

    def _held(self, ranges: Sequence[Range]) -> list[Range]:
        """The whole windows of these ranges in which the log has rows."""
        held = [(start, end) for start, end, _ in self.builder.weights()]
        return within(outward(ranges, self.plan.seconds), outward(held, self.plan.seconds))

    def _leak(self, row: Mapping[str, Any]) -> Leak:
        is_reviewed = row["case"] == Case.LEAKED_REVIEWED.name.lower()
        return Leak(
            model=self.model,
            prediction_id=row["prediction_id"],
            version=row["version"],
            prediction_time=row["prediction_time"],
            reason=row["reason"],
            effect=row["effect"],
            consumer=row["consumer"] or "",
            effect_at=row["effect_at"],
            status=Status.REVIEWED if is_reviewed else Status.UNREVIEWED,
            review_at=row["review_at"],
            discovered_at=self.now,
        )


def _windows(revisions: Sequence[Revision]) -> list[Window]:
    """What is not settled or leaked, per window and version, its stages together."""
    by_window: dict[tuple[datetime, str], list[Revision]] = defaultdict(list)
    for revision in revisions:
        key = revision.partial.key
        by_window[key.start, key.version].append(revision)
    return [
        window
        for (start, version), some in sorted(by_window.items())
        if (window := _window(start, version, some)) is not None
    ]


def _window(start: datetime, version: str, some: Sequence[Revision]) -> Window | None:
    profiles = [revision.partial.profile for revision in some]
    counts = [profile.get(Counts, REVIEW).of for profile in profiles]
    pending = [profile.get(Pending, REVIEW) for profile in profiles]
    # Sums of hashes wrap around at 64 bits, as in the profiles.
    leaks = int(np.sum([one.leaks for one in pending], dtype=np.int64))
    oldest = min(one.oldest for one in pending)
    due = min(one.due for one in pending)
    if not leaks and np.isinf(oldest) and np.isinf(due):
        return None
    waiting = sum(of["open"] + of["overdue"] for of in counts)
    return Window(start, version, waiting, _moment(oldest), _moment(due), leaks)


def _moment(micros: float) -> datetime | None:
    """The moment of so many microseconds since 1970, None for no finite number."""
    return None if np.isinf(micros) else instant(0) + timedelta(microseconds=int(micros))
