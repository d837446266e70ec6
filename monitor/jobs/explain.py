"""Why a number of a published window is another than in an earlier one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from monitor.cards.card import Card
from monitor.control.attribution import (
    NOTHING,
    OTHERS,
    Attribution,
    Part,
    attribution,
    tellable,
    with_rest,
)
from monitor.control.moved import Moved, moved
from monitor.control.question import Question
from monitor.errors import MonitorError
from monitor.jobs import references
from monitor.jobs.closed import NoWindowError, closed_window
from monitor.jobs.plan import dimensions, inputs_plan
from monitor.jobs.publish import Publisher, Window
from monitor.jobs.sums import by_segment
from monitor.log.definitions import Definitions
from monitor.log.profiles import ProfileTable, Revision
from monitor.log.store import Store
from monitor.metrics import BY_NAME
from monitor.metrics.base import Metric, Undefined, Value
from monitor.metrics.intervals import Z
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile
from monitor.profiles.segments import ALL, TOGETHER, segment_values
from monitor.profiles.windows import instant
from monitor.settings.check import nearest
from monitor.state.database import State

MEANS: Final = frozenset(
    (
        *("accuracy", "brier", "log_loss", "precision", "recall", "specificity"),
        *("labels_outside_contract", "label_coverage", "mae", "mean_error"),
        *("confidence_mean", "low_confidence", "prediction_share", "prediction_mean"),
        *("override", "hidden_disagreement", "override_correct", "escalation"),
        *("person_accuracy", "together_accuracy", "reviewed_model_accuracy"),
        *("automation_bias", "right_rejected"),
    )
)
"""Metrics that are a share or a mean over rows, and so the mean over any groups of them."""

VERSION: Final = "version"
"""What rows are parted by beside attributes."""


class UnknownMetricError(MonitorError):
    """There is no metric of this name; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What is known about a number of two windows.

    Attributes:
        metric: its name.
        column: class or other thing that it is about; "" for none.
        window: start and end of the later window.
        against: start and end of the earlier one.
        before: the number in the earlier window, or why there is none.
        after: the number in the later one.
        parted: by what rows were parted, and the change in mix and behaviour, or why not.
        features: those that moved, furthest first.
    """

    metric: str
    column: str
    window: tuple[datetime, datetime]
    against: tuple[datetime, datetime]
    before: Value | Undefined
    after: Value | Undefined
    parted: Mapping[str, Attribution | Undefined] = field(default_factory=dict)
    features: Sequence[Moved] = ()


@dataclass(frozen=True, slots=True)
class _Looked:
    """What both windows hold of the metric's family."""

    publisher: Publisher
    metric: Metric
    column: str
    version: str | None

    def of(self, profile: Profile, segment: str) -> Value | Undefined:
        """The number of some rows."""
        if not any(profile.has(s, self.metric.column) for s in self.metric.summaries):
            return Undefined("this model has no such number")
        subject = self.publisher.subject(profile, segment).asked(self.metric.column)
        found = self.metric.measure(subject)
        if isinstance(found, Value | Undefined):
            return found
        if self.column in found:
            return found[self.column]
        known = ", ".join(found) or "none"
        wrong = f"it has no column {self.column!r}" if self.column else "it has several columns"
        return Undefined(f"{wrong}; name one of them: {known}")

    def parts(self, revisions: Sequence[Revision], by: str) -> tuple[Part, dict[str, Part]]:
        """The number of all rows, and of each group."""
        sums = by_segment(revisions)
        whole = _part(_whole(self, revisions))
        if by == VERSION:
            groups = {
                version: _part(_whole(self, some))
                for version, some in _by_version(revisions).items()
            }
        else:
            wanted = tuple(by.split(TOGETHER))
            groups = {
                segment: _part(self.of(profile, segment))
                for segment, profile in sums.items()
                if tuple(segment_values(segment)) == wanted
            }
        return whole, groups


def _by_version(revisions: Sequence[Revision]) -> dict[str, list[Revision]]:
    found: dict[str, list[Revision]] = {}
    for revision in revisions:
        found.setdefault(revision.partial.key.version, []).append(revision)
    return found


def _part(found: Value | Undefined) -> Part:
    if isinstance(found, Undefined):
        return NOTHING
    if found.lower is None or found.upper is None:
        return Part(found.rows, found.value)
    return Part(found.rows, found.value, (found.upper - found.lower) / 2 / Z)


def explained(state: State, store: Store, card: Card, question: Question) -> Explained:
    """What is known about a number of a published window and an earlier one.

    Args:
        state: with results and progress.
        store: of the log and the profiles.
        card: of the model.
        question: which number.

    Raises:
        NoWindowError: there is no such window, or nothing in it.
        UnknownMetricError: there is no such metric.
    """
    metric, version = question.metric, question.version
    if metric not in BY_NAME:
        raise UnknownMetricError(f'there is no metric "{metric}"; {nearest(metric, BY_NAME)}')
    publisher = publisher_of(state, store, card)
    later, earlier = _windows(state, card, question.window, question.against)
    asked = _Looked(publisher, BY_NAME[metric], question.column, version)
    families = dict.fromkeys((BY_NAME[metric].family, Family.INPUTS))
    held = {
        family: {
            one: [r for r in some if version in (None, r.partial.key.version)]
            for one, some in publisher.held(family, [earlier, later]).items()
        }
        for family in families
    }
    for one in (earlier, later):
        if not held[Family.INPUTS][one]:
            raise NoWindowError(
                f"{card.model} has no predictions in the window of {instant(one.start)}; see"
                f" which have some: mbm results --model {card.model} --metric predictions"
            )
    mine = held[BY_NAME[metric].family]
    numbers = [_whole(asked, mine[one]) for one in (earlier, later)]
    inputs = [by_segment(held[Family.INPUTS][one])[ALL] for one in (earlier, later)]
    return Explained(
        metric=metric,
        column=question.column,
        window=(instant(later.start), instant(later.end)),
        against=(instant(earlier.start), instant(earlier.end)),
        before=numbers[0],
        after=numbers[1],
        parted=dict(_parted(asked, card, mine[earlier], mine[later])),
        features=moved(*inputs),
    )


def publisher_of(state: State, store: Store, card: Card) -> Publisher:
    """What holds the profiles of a model's windows, by the reference in force."""
    reference = references.in_force(state, Definitions.open(store), card)
    plan = inputs_plan(card, reference)
    return Publisher(card, plan, ProfileTable.open(store), instant(0))


def _windows(
    state: State, card: Card, window: datetime | None, against: datetime | None
) -> tuple[Window, Window]:
    """The later and the earlier one."""
    start, end = closed_window(state, card, window)
    if against is None:
        before = start - (end - start), start
    else:
        before = closed_window(state, card, against)
    if before == (start, end):
        raise NoWindowError("both moments lie in one window; choose two")
    return Window("publish", start, end), Window("publish", *before)


def _whole(asked: _Looked, revisions: Sequence[Revision]) -> Value | Undefined:
    sums = by_segment(revisions)
    return asked.of(sums[ALL], ALL) if ALL in sums else Undefined("no rows")


def _parted(
    asked: _Looked, card: Card, earlier: Sequence[Revision], later: Sequence[Revision]
) -> Iterator[tuple[str, Attribution | Undefined]]:
    by = [TOGETHER.join(one) for one in dimensions(card)]
    by += [VERSION] if asked.version is None else []
    for name in by:
        if asked.metric.name not in MEANS:
            why = f"{asked.metric.name} is no share or mean over rows, which could be parted"
            yield name, Undefined(why)
            continue
        windows = [asked.parts(some, name) for some in (earlier, later)]
        told = tellable(windows, card.fairness.minimum_rows)
        parts = [with_rest(*window, told) for window in windows]
        wrong = next((one for one in parts if isinstance(one, Undefined)), None)
        if wrong is not None:
            yield name, wrong
            continue
        before, after = (one for one in parts if not isinstance(one, Undefined))
        if {*before, *after} <= {OTHERS}:
            yield name, Undefined("no group of it has enough rows")
        else:
            yield name, attribution(before, after)
