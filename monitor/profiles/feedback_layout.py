"""The families that come of feedback: what their profiles hold, and what fills it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from monitor.profiles import (
    answers,
    audited,
    cases,
    early,
    finals,
    reviewing,
    truth_layout,
    used,
)
from monitor.profiles.added import Fed
from monitor.profiles.cases import Cases
from monitor.profiles.counted import PREDICTIONS, Counted, counted, every
from monitor.profiles.divisions import Division
from monitor.profiles.family import Family
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.finals import Finals
from monitor.profiles.known import Known
from monitor.profiles.layout import Ints, Layout
from monitor.profiles.reviewing import MOST_CLASSES
from monitor.profiles.truth_layout import MOST_OF_A_TABLE

PEOPLE_COUNTS: Final[Counted] = {
    PREDICTIONS: every,
    "reviewed": lambda known: known.decision.given,
    "shown": lambda known: known.shown,
    "overridden": lambda known: known.overridden,
    "timed": lambda known: known.timed,
    "fast": lambda known: known.timed & (known.review_seconds < (known.plan.fastest or 0.0)),
    "escalated": lambda known: known.decision.given & known.escalated,
    "revisions": lambda known: known.decision.revisions,
}


@dataclass(frozen=True)
class FeedbackFamily:
    """What the profiles of a family hold.

    Attributes:
        family: which one.
        parts: of the profile of all rows, in the order of its layout.
        named: divisions of units that only this family has, beside those over attributes.
        units: prediction of each thing that parts sum over; by default the predictions.
        rows: names of counts; the first that is not 0 is how many units a profile is made of.
    """

    family: Family
    parts: tuple[Fed, ...]
    named: Callable[[Known], Iterable[Division]] = lambda _: ()
    units: Callable[[Known], Ints] = lambda known: known.every
    rows: tuple[str, ...] = (PREDICTIONS,)

    @cached_property
    def whole(self) -> Layout:
        """Layout of the profile of all rows."""
        return Layout(tuple(fed.part for fed in self.parts))

    @cached_property
    def group(self) -> Layout:
        """Layout of a group's profile."""
        return Layout(tuple(fed.part for fed in self.parts if not fed.whole_only))

    @property
    def layouts(self) -> dict[str, Layout]:
        """Both by their ids; they may be the same."""
        return {layout.id: layout for layout in (self.whole, self.group)}


def families(plan: FeedbackPlan) -> tuple[FeedbackFamily, ...]:
    """The families that come of predictions and their feedback."""
    return (
        FeedbackFamily(Family.TRUTH, tuple(truth_layout.parts(plan))),
        FeedbackFamily(Family.PEOPLE, tuple(_people(plan)), reviewing.divisions),
        FeedbackFamily(
            Family.USE, used.parts(), used.divisions, used.units, (used.MADE, used.USES)
        ),
        FeedbackFamily(
            Family.EARLY,
            early.parts(plan),
            early.divisions,
            early.units_of,
            (used.MADE, used.USES),
        ),
    )


def _people(plan: FeedbackPlan) -> Iterator[Fed]:
    classes = plan.contract.classes
    yield counted(PEOPLE_COUNTS)
    if not classes:
        yield answers.fed(plan)
    if 0 < len(classes) <= MOST_OF_A_TABLE:
        yield Fed(Finals.part(classes), finals.fed)
    if 0 < len(classes) <= MOST_CLASSES:
        yield Fed(Cases.part(classes), cases.fed)
    yield from reviewing.parts(plan)
    yield from audited.parts()
