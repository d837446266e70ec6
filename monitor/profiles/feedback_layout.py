"""The families that come of feedback: what their profiles hold, and what fills it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from monitor.profiles import (
    audited,
    calibration,
    cases,
    confusion,
    finals,
    losses,
    residuals,
    reviewing,
    scores,
    tallies,
    used,
)
from monitor.profiles.added import Added, Fed
from monitor.profiles.calibration import Calibration
from monitor.profiles.cases import Cases
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.divisions import Division
from monitor.profiles.family import Family
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.finals import Finals
from monitor.profiles.known import Flags, Known
from monitor.profiles.layout import Ints, Layout
from monitor.profiles.losses import Losses
from monitor.profiles.reviewing import MOST_CLASSES
from monitor.profiles.scores import Scores
from monitor.profiles.tallies import Tallies

PREDICTIONS: Final = "predictions"

Counted = Mapping[str, Callable[[Known], Flags | Ints]]
"""Per name, what is counted: rows for which it holds, or how much each row adds."""

TRUTH_COUNTS: Final[Counted] = {
    PREDICTIONS: lambda known: np.ones(known.rows, np.bool_),
    "labelled": lambda known: known.outcome.given,
    "revisions": lambda known: known.outcome.revisions,
    "outside": lambda known: known.outside,
}
PEOPLE_COUNTS: Final[Counted] = {
    PREDICTIONS: lambda known: np.ones(known.rows, np.bool_),
    "reviewed": lambda known: known.decision.given,
    "shown": lambda known: known.shown,
    "overridden": lambda known: known.overridden,
    "timed": lambda known: known.timed,
    "fast": lambda known: known.timed & (known.review_seconds < (known.plan.fastest or 0.0)),
    "escalated": lambda known: known.decision.given & known.escalated,
    "revisions": lambda known: known.decision.revisions,
}

MOST_OF_A_TABLE: Final = 100
"""With more classes a table of confusion, which grows with their square, is not kept."""


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
        FeedbackFamily(Family.TRUTH, tuple(_truth(plan))),
        FeedbackFamily(Family.PEOPLE, tuple(_people(plan)), reviewing.divisions),
        FeedbackFamily(
            Family.USE, used.parts(), used.divisions, used.units, (used.MADE, used.USES)
        ),
    )


def _truth(plan: FeedbackPlan) -> Iterator[Fed]:
    contract = plan.contract
    yield _counts(TRUTH_COUNTS)
    if contract.classes:
        if len(contract.classes) <= MOST_OF_A_TABLE:
            yield Fed(Confusion.part(contract.classes), confusion.fed)
        else:
            yield Fed(Tallies.part(contract.classes), tallies.fed)
        yield Fed(Calibration.part(), calibration.fed)
        yield Fed(Losses.part(losses.OF_CLASSES), losses.fed)
    yield from residuals.parts(contract)
    if contract.positive is not None:
        cells = Scores.part(contract.classes.index(contract.positive))
        yield Fed(cells, scores.fed, whole_only=True)


def _people(plan: FeedbackPlan) -> Iterator[Fed]:
    classes = plan.contract.classes
    yield _counts(PEOPLE_COUNTS)
    if 0 < len(classes) <= MOST_OF_A_TABLE:
        yield Fed(Finals.part(classes), finals.fed)
    if 0 < len(classes) <= MOST_CLASSES:
        yield Fed(Cases.part(classes), cases.fed)
    yield from reviewing.parts(plan)
    yield from audited.parts()


def _counts(counted: Counted) -> Fed:
    def feed(known: Known) -> Iterator[Added]:
        for place, of in enumerate(counted.values()):
            amount = of(known)
            rows = np.flatnonzero(amount)
            if amount.dtype == np.bool_:
                yield Added(rows, place)
            else:
                yield Added(rows, place, amount[rows].astype(np.int64))

    return Fed(Counts.part(list(counted)), feed)
