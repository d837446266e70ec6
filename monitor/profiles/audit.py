"""What became of predictions that need a review: in time, late, or in effect without it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from monitor.cards.policy import Policy
from monitor.profiles.layout import Ints
from monitor.profiles.policy import NOT_AUDITED, NOT_REQUIRED
from monitor.profiles.reviewed import NEVER, micros


class Case(IntEnum):
    """What became of a prediction under the policy; each is exactly one of these."""

    UNAUDITED = 0
    FREE = 1
    WITHOUT_NEED = 2
    IN_TIME = 3
    LATE = 4
    OPEN = 5
    OVERDUE = 6
    LEAKED = 7
    LEAKED_REVIEWED = 8


WAITING: Final = (Case.OPEN, Case.OVERDUE)
LEAKS: Final = (Case.LEAKED, Case.LEAKED_REVIEWED)


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """The audit of n predictions, every array of shape (n,).

    Attributes:
        reason: which of the policy's reasons asks for a review, else `NOT_REQUIRED` or
            `NOT_AUDITED`.
        case: one of `Case`.
        due: moment after which the case becomes another although nothing happens, `NEVER` if it
            does not [µs].
    """

    reason: Ints
    case: Ints
    due: Ints


def audit(
    policy: Policy, now: int, *, reason: Ints, made: Ints, review: Ints, effect: Ints
) -> Audit:
    """The audit, as far as events are known up to a closed time.

    An effect, or the end of the time limit, counts once the closed time is past it by the
    tolerance: before, what would tell otherwise may still be on its way.

    Args:
        policy: of the model.
        now: end of the closed time [µs].
        reason: as `policy.required` has it, shape (n,).
        made: when each prediction was made, shape (n,) [µs].
        review: when it was first reviewed, else `NEVER`, shape (n,) [µs].
        effect: when it first took effect, else `NEVER`, shape (n,) [µs].
    """
    tolerance = micros(policy.tolerance)
    limit = made + micros(policy.within) + tolerance
    is_reviewed = review != NEVER
    # Not `effect + tolerance < review`: either may be NEVER, and that must not overflow.
    is_before = (effect != NEVER) & (effect < review - tolerance)
    has_leaked = is_before & (effect < now - tolerance)
    case = np.select(
        [
            reason == NOT_AUDITED,
            reason == NOT_REQUIRED,
            has_leaked,
            is_reviewed,
            limit < now,
        ],
        [
            np.full(len(made), Case.UNAUDITED, np.int64),
            np.where(is_reviewed, Case.WITHOUT_NEED, Case.FREE),
            np.where(is_reviewed, Case.LEAKED_REVIEWED, Case.LEAKED),
            np.where(review <= limit, Case.IN_TIME, Case.LATE),
            np.full(len(made), Case.OVERDUE, np.int64),
        ],
        Case.OPEN,
    )
    due = np.where(case == Case.OPEN, limit, NEVER)
    is_pending = (reason >= 0) & is_before & ~has_leaked
    due[is_pending] = np.minimum(due[is_pending], effect[is_pending] + tolerance)
    return Audit(reason, case.astype(np.int64), due)


def nothing_audited(rows: int) -> Audit:
    """The audit of n predictions where there is no policy."""
    return Audit(
        np.full(rows, NOT_AUDITED, np.int64),
        np.full(rows, Case.UNAUDITED, np.int64),
        np.full(rows, NEVER, np.int64),
    )
