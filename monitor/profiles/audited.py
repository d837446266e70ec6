"""The audit of reviews as parts of a profile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.profiles.added import Added, Fed, Reached
from monitor.profiles.audit import LEAKS, WAITING, Case
from monitor.profiles.counts import Counts
from monitor.profiles.durations import Durations, durations_fed
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part
from monitor.profiles.reviewed import ESCALATED, NEVER, instants, is_any

REVIEW: Final = "review"
LATENCY: Final = "review_latency"
WORK: Final = "review_work"
"""Columns of the layout: the audit, times from prediction to review, and from its begin to it."""

COUNTED: Final = (
    *("audited", "required", "sampled", "in_time", "late", "leaked", "leaked_reviewed"),
    *("open", "overdue", "without_need", "decided", "handed_on"),
)
"""What is counted of the audit. `leaked` holds all leaks; those reviewed since are in
`leaked_reviewed` too. `decided` and `handed_on`: predictions with any decision, and with one that
handed the case on; they need no policy."""


def parts() -> tuple[Fed, ...]:
    """What a profile of people holds of reviews."""
    return (
        Fed(Counts.part(COUNTED, REVIEW), _counts),
        Fed(Durations.part(LATENCY), _latency),
        Fed(Durations.part(WORK), _work),
        # Only all rows together are looked at again.
        Fed(Pending.part(), _pending, whole_only=True),
    )


def _counts(known: Known) -> Iterator[Added]:
    """The counts of the audit."""
    found = known.audit
    said = known.decision.spoken
    handed_on = np.zeros(known.rows, np.bool_)
    handed_on[said.target[(said.target >= 0) & is_any(said.table["action"], ESCALATED)]] = True
    of: dict[str, NDArray[np.bool_]] = {
        "audited": found.case != Case.UNAUDITED,
        "required": found.reason >= 0,
        "leaked": np.isin(found.case, LEAKS),
        "decided": known.decision.given,
        "handed_on": handed_on,
    }
    if known.plan.policy is not None:
        of["sampled"] = found.reason == len(known.plan.policy.rules)
    for case in Case:
        of.setdefault(case.name.lower(), found.case == case)
    for place, name in enumerate(COUNTED):
        if name in of:
            yield Added(np.flatnonzero(of[name]), place)


def _latency(known: Known) -> Iterator[Added]:
    """Time from prediction to first review; a review a little before its prediction took none."""
    review = known.reviewed_at
    rows = np.flatnonzero(review != NEVER)
    return durations_fed(rows, np.maximum(review[rows] - known.made[rows], 0))


def _work(known: Known) -> Iterator[Added]:
    """Time from the begin of the first review to its decision, where its begin is known."""
    decisions = known.decision.spoken.table
    begun = decisions["review_started_at"]
    row = known.first_review
    rows = np.flatnonzero(row >= 0)
    rows = rows[begun.is_valid().to_numpy()[row[rows]]]
    spent = instants(decisions["event_time"])[row[rows]] - instants(begun)[row[rows]]
    # A review that begins after its end says nothing of its length.
    return durations_fed(rows[spent >= 0], spent[spent >= 0])


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """What of a window's audit is not at its end, and which leaks it has.

    Attributes:
        leaks: a number that changes with the set of leaks and with what became of each.
        oldest: when the oldest prediction that waits for its review was made, inf if none [µs].
        due: first moment after which a case becomes another by itself, inf if none [µs].
    """

    leaks: int
    oldest: float
    due: float

    @classmethod
    def name(cls) -> str:
        return "pending"

    @classmethod
    def part(cls) -> Part:
        """Room for one number and two pairs of extremes."""
        return Part(cls.name(), REVIEW, {}, 1, 2)

    @classmethod
    def read(cls, part: Part, ints: Ints, lows: Floats, highs: Floats) -> Self:
        return cls(int(ints[0]), float(lows[0]), float(lows[1]))


def _pending(known: Known) -> Iterator[Added | Reached]:
    """The mark of each leak, and the times of what waits."""
    found = known.audit
    leaks = np.flatnonzero(np.isin(found.case, LEAKS))
    ids = (known.predictions[name].to_numpy()[leaks] for name in ("id_hi", "id_lo"))
    high, low = ids
    # Sums of hashes wrap around at 64 bits, in any order to the same number.
    mark = (high ^ (low << 1)) * np.where(found.case[leaks] == Case.LEAKED, 1, 3)
    yield Added(leaks, 0, mark)
    waiting = np.flatnonzero(np.isin(found.case, WAITING))
    yield Reached(waiting, known.made[waiting].astype(np.float64), 0)
    pending = np.flatnonzero(found.due != NEVER)
    yield Reached(pending, found.due[pending].astype(np.float64), 1)
