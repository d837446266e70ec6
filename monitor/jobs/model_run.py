"""One run over one model: what is dirty and closed is rebuilt, then published."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from monitor.cards.card import Card
from monitor.cards.contract import Contract
from monitor.jobs import dirty, references
from monitor.jobs.ageing import Delays, delays_of
from monitor.jobs.build import Builder, Plan, build
from monitor.jobs.calibrating import calibration
from monitor.jobs.detect import Detection
from monitor.jobs.failpoint import reach
from monitor.jobs.kept import kept_from
from monitor.jobs.lines import watch_lines
from monitor.jobs.past import published
from monitor.jobs.plan import feedback_plan, identity, inputs_plan, profile_seconds
from monitor.jobs.publish import HISTORY, Publisher, Window
from monitor.jobs.reviews import Follower
from monitor.jobs.story import Teller
from monitor.jobs.watched import Reader
from monitor.log.definitions import Definitions
from monitor.log.unread import quarantined_in
from monitor.profiles.family import Family
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.reference import Reference
from monitor.profiles.windows import (
    Range,
    ceiling,
    feedback_length,
    floor,
    instant,
    outward,
    parted,
    seconds_of,
    within,
)
from monitor.state import detectors, named, progress, results
from monitor.state.database import State
from monitor.state.exclusive import Hold
from monitor.state.progress import DirtyWindow

MOST_AHEAD: Final = timedelta(minutes=10)
"""How far a live log may be ahead of the clock beside a window of detection: senders' clocks
differ."""

DETECT_WINDOWS: Final = 72
"""Windows of detection whose numbers are kept for people in one run; the newest ones."""

BATCH_WINDOWS: Final = 50
"""Windows whose results are written in one transaction."""

BATCH_NUMBERS: Final = 8_000_000
"""Numbers in the profiles that are in memory at once, 64 MB: 40 years of days took 1.3 GB."""


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One run over one model.

    Attributes:
        state: progress, pins and results.
        definitions: of contracts and references.
        builder: of profiles.
        card: of the model.
        upto: up to when its windows are closed.
        now: aware; the clock.
        hold: asked before anything is written that only one process may write.
    """

    state: State
    definitions: Definitions
    builder: Builder
    card: Card
    upto: datetime
    now: datetime
    hold: Hold

    def evaluate(self, told: Callable[[int, int], None]) -> int:
        """Number of new verdicts."""
        plan = inputs_plan(self.card, self._reference())
        said = feedback_plan(self.card, plan)
        # Audits look back from a whole window, so that time alone restates one only a few times.
        said = replace(said, asof=self._closed(said.seconds))
        self._begin_again_if_new(plan, said)
        older = references.older_contracts(self.definitions, self.card)
        follower = Follower(self.state, self.builder, said, older, self.now)
        self._look_again(follower.due())
        waiting = {
            family: progress.dirty_windows(self.state, model=self.card.model, family=family)
            for family in (dirty.INPUTS, dirty.FEEDBACK, dirty.UNREAD)
        }
        ranges = {family: dirty.ranges_of(windows) for family, windows in waiting.items()}
        done = self._built(plan, ranges[dirty.INPUTS], older, told)
        reviewed = self._built(said, ranges[dirty.FEEDBACK], older, told)
        reach("after_build")
        self.hold()
        follower.follow(reviewed)
        reach("after_reviews")
        done += reviewed
        unread, _ = parted(ranges[dirty.UNREAD], self._closed(plan.seconds))
        count = self._publish(plan, [*done, *unread])
        reach("after_publish")
        self.hold()
        watch_lines(self.state, self.card, self.upto)
        self._detect(plan)
        reach("after_detect")
        self.hold()
        for family, windows in waiting.items():
            length = said.seconds if family == dirty.FEEDBACK else plan.seconds
            self._forget(family, windows, self._closed(length))
        progress.close(self.state, self.card.model, dirty.INPUTS, self.upto)
        return count

    def _look_again(self, ranges: Sequence[Range]) -> None:
        """Write down windows of feedback as dirty, so that a run may die after building them."""
        windows = dirty.dirty_windows(self.card.model, dirty.FEEDBACK, ranges, self._version)
        progress.advance(self.state, dirty.EVENTS_JOB, self._version, windows)

    def _closed(self, length: int) -> int:
        """End of the last closed window of a length, in Unix seconds."""
        return floor(seconds_of(self.upto), length)

    def _forget(self, family: str, windows: Sequence[DirtyWindow], closed: int) -> None:
        """Forget windows that were rebuilt; what of them is not closed yet stays."""
        _, later = parted(dirty.ranges_of(windows), closed)
        rest = dirty.dirty_windows(self.card.model, family, later, self._version)
        # What stays is written first, so that a run may die in between.
        progress.advance(self.state, dirty.EVENTS_JOB, self._version, rest)
        kept = {(window.start, window.end) for window in rest}
        progress.clear(self.state, [w for w in windows if (w.start, w.end) not in kept])

    @property
    def _version(self) -> int:
        return self.builder.place.events

    def _built(
        self,
        plan: Plan,
        ranges: Sequence[Range],
        older: Sequence[Contract],
        told: Callable[[int, int], None],
    ) -> list[Range]:
        """The closed ranges, once their profiles are built.

        Windows of which events are no longer kept stand as they are.
        """
        ready, _ = parted(ranges, self._closed(plan.seconds))
        mark = kept_from(self.state, [self.card.model]).get(self.card.model)
        if mark is not None:
            _, ready = parted(ready, ceiling(seconds_of(mark), plan.seconds))
        build(
            self.builder,
            plan,
            ready,
            older=older,
            since=progress.closed(self.state, self.card.model, dirty.INPUTS),
            upto=self.upto,
            now=self.now,
            progress=told,
        )
        return ready

    def _reference(self) -> Reference | None:
        found = references.in_force(self.state, self.definitions, self.card)
        if found is None:
            found = references.named_by_card(self.builder.place, self.card, self.upto)
            if found is not None:
                references.pin(self.state, self.definitions, found, by="card", now=self.now)
        return found

    def _begin_again_if_new(self, plan: InputsPlan, said: FeedbackPlan) -> None:
        """Make all windows dirty when the model is profiled in another way than in the last run."""
        known = dirty.extent(self.state, self.card.model)
        assert known is not None
        name, present = f"plan:{self.card.model}", identity(plan, said)
        if named.value_of(self.state, name) == present:
            return
        windows = [
            window
            for family in (dirty.INPUTS, dirty.FEEDBACK)
            for window in dirty.dirty_windows(self.card.model, family, [known], self._version)
        ]
        progress.advance(self.state, dirty.EVENTS_JOB, self._version, windows)
        self.definitions.put("layout", plan.layout.id, plan.layout.definition, self.card.model)
        named.put(self.state, name, present)

    def _publish(self, plan: InputsPlan, done: Sequence[Range]) -> int:
        publisher = self._publisher(plan)
        *earlier, latest = self._windows(done, publisher)
        count = sum(self._add(publisher, some) for some in _batches(earlier, publisher))
        # The latest window looks back on what was published, just now too.
        past = published(self.state, self.card, latest.end)
        count += self._add(replace(publisher, past=past), [latest])
        named.put(self.state, self._calibrated_by, _hash_of(publisher))
        return count

    @property
    def _calibrated_by(self) -> str:
        return f"calibration:{self.card.model}"

    def _detect(self, plan: InputsPlan) -> None:
        """Take in windows of detection that closed since the last run.

        Whoever evaluates once closes windows before their time: results of these are restated,
        but the detector takes each window once, and so waits for its end. A log that is ahead of
        the clock is a simulated one, which is whole.
        """
        length = int(self.card.windows.detect.total_seconds())
        known = dirty.extent(self.state, self.card.model)
        assert known is not None
        is_ahead = instant(known[1]) > self.now + self.card.windows.detect + MOST_AHEAD
        upto = self.upto if is_ahead else min(self.upto, self.now)
        before = progress.closed(self.state, self.card.model, dirty.INPUTS)
        taken = detectors.taken(self.state, self.card.model)
        waits = taken is not None and seconds_of(taken) < floor(seconds_of(upto), length)
        is_new = before is None or floor(seconds_of(before), length) != self._closed(length)
        if not (is_new or waits):
            return
        reader = Reader(self.builder.profiles, self.card, plan)
        teller = Teller(self.state, reader, self.builder.log, self._version)
        Detection(self.state, reader, teller, known[0], upto, self.now).run()

    def _publisher(self, plan: InputsPlan) -> Publisher:
        publisher = Publisher(self.card, plan, self.builder.profiles, self.now)
        upto = seconds_of(self.upto)
        layouts = publisher.layouts[Family.TRUTH]
        delays = delays_of(self.card, self.builder.profiles, layouts, plan.seconds, upto)
        known = dirty.extent(self.state, self.card.model)
        assert known is not None
        calibrated = calibration(
            plan.reference,
            self.builder.profiles,
            layouts,
            plan.seconds,
            (known[0], min(known[1], upto)),
        )
        return replace(publisher, upto=upto, delays=delays, calibration=calibrated)

    def _add(self, publisher: Publisher, windows: Sequence[Window]) -> int:
        """Number of new verdicts on these windows."""
        spans = [(instant(window.start), instant(window.end)) for window in windows]
        lost = quarantined_in(self.builder.log, self.card.model, spans)
        found = publisher.results(windows, dict(zip(windows, lost, strict=True)))
        return results.add(self.state, list(found))

    def _windows(self, done: Sequence[Range], publisher: Publisher) -> list[Window]:
        """Closed windows that may have new numbers: rebuilt now, or closed since the last run."""
        known = dirty.extent(self.state, self.card.model)
        assert known is not None
        upto = seconds_of(self.upto)
        before = progress.closed(self.state, self.card.model, dirty.INPUTS)
        since = seconds_of(before) if before else known[0]
        lengths = {
            "publish": int(self.card.windows.publish.total_seconds()),
            "detect": int(self.card.windows.detect.total_seconds()),
        }
        windows = []
        held = [(start, end) for start, end, _ in self.builder.weights()]
        for kind, length in lengths.items():
            newly = (floor(since, length), floor(upto, length))
            touched = within(outward([*done, newly], length), outward(held, length))
            ready, _ = parted(touched, newly[1])
            each = [
                Window(kind, at, at + length)
                for start, end in ready
                for at in range(start, end, length)
            ]
            windows += each[-DETECT_WINDOWS:] if kind == "detect" else each
            if kind == "publish":
                windows += self._dependent(done, each, held, length)
                if named.value_of(self.state, self._calibrated_by) != _hash_of(publisher):
                    every = [(floor(known[0], length), newly[1])]
                    again = _of_truth(each, every, held, length)
                    windows += again
                    each += again
                if before and publisher.delays:
                    passed = (since, upto)
                    windows += _aged(publisher.delays, each, passed, held, length)
        # The latest window slides by whole windows of people and truth where it holds some.
        said = feedback_length(profile_seconds(self.card))
        step = lengths["detect"] if lengths["publish"] % said else max(lengths["detect"], said)
        end = floor(upto, step)
        return [*windows, Window("latest", end - lengths["publish"], end)]

    def _dependent(
        self, done: Sequence[Range], each: Sequence[Window], held: Sequence[Range], length: int
    ) -> list[Window]:
        """Windows that are judged by consumers' habits in those rebuilt, beside them."""
        later = [(end, end + HISTORY * length) for _, end in done]
        touched = within(outward(later, length), outward(held, length))
        ready, _ = parted(touched, self._closed(length))
        there = {window.start for window in each}
        return [
            Window("publish", at, at + length, Family.USE)
            for start, end in ready
            for at in range(start, end, length)
            if at not in there
        ]


def _aged(
    delays: Delays, each: Sequence[Window], passed: Range, held: Sequence[Range], length: int
) -> list[Window]:
    """Windows whose maturity is due to be said again, beside those that are published anyway."""
    spans = [(end - length, end) for end in delays.due(*passed, length)]
    return _of_truth(each, spans, held, length)


def _of_truth(
    each: Sequence[Window], spans: Sequence[Range], held: Sequence[Range], length: int
) -> list[Window]:
    """Windows of these spans of which truth alone may be new, beside those published anyway."""
    there = {window.start for window in each}
    return [
        Window("publish", at, at + length, Family.TRUTH)
        for start, end in within(outward(spans, length), outward(held, length))
        for at in range(start, end, length)
        if at not in there
    ]


def _hash_of(publisher: Publisher) -> str:
    return publisher.calibration.hash if publisher.calibration else ""


def _batches(windows: Sequence[Window], publisher: Publisher) -> Iterator[list[Window]]:
    """The windows in order, in groups that are neither many nor made of many profiles."""
    group: list[Window] = []
    weight = 0
    for window in windows:
        more = publisher.weight(window)
        if group and (len(group) == BATCH_WINDOWS or weight + more > BATCH_NUMBERS):
            yield group
            group, weight = [], 0
        group.append(window)
        weight += more
    if group:
        yield group
