"""When a prediction was first reviewed, and when it first took effect."""

from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.cards.policy import Policy
from monitor.profiles.layout import Ints
from monitor.profiles.picked import Picked

NEVER: Final = np.iinfo(np.int64).max
"""The time of what has not happened [µs]."""

ESCALATED: Final = "escalated"
USED: Final = "used"
TOLERANCE: Final = timedelta(minutes=1)
"""How far clocks may differ where no policy says it."""

_MICROSECOND: Final = timedelta(microseconds=1)


def first_reviews(made: Ints, decisions: Picked, target: Ints, policy: Policy | None) -> Ints:
    """Row of the decision that is the first review of each prediction, -1 for none, shape (n,).

    No review is: a decision that hands the case on, one by a role that may not review, one from
    before the prediction. Of two at the same moment the one with the smaller payload hash counts.

    Args:
        made: when each prediction was made, shape (n,) [µs].
        decisions: all of them, m rows with `FEEDBACK_COLUMNS`.
        target: prediction that each speaks of, -1 for none, shape (m,).
        policy: of the model, if it has one.
    """
    tolerance = micros(policy.tolerance if policy else TOLERANCE)
    counts = (target >= 0) & ~is_any(decisions["action"], ESCALATED)
    if policy is not None and policy.roles:
        counts &= is_any(decisions["reviewer_role"], *policy.roles)
    time = instants(decisions["event_time"])
    some = np.flatnonzero(counts)
    some = some[time[some] >= made[target[some]] - tolerance]
    # What is written last stands, so the first review comes last.
    order = np.lexsort((decisions["payload_hash"].to_numpy()[some], time[some]))[::-1]
    row = np.full(len(made), -1, np.int64)
    row[target[some[order]]] = some[order]
    return row


def first_effects(rows: int, decisions: Picked, decided: Ints, usage: Picked, used: Ints) -> Ints:
    """When each prediction first took effect, `NEVER` where nobody says so, shape (n,) [µs].

    It took effect when a consumer used it, or when a decision says that it did.

    Args:
        rows: predictions [rows].
        decisions: all of them, with `FEEDBACK_COLUMNS`.
        decided: prediction that each speaks of, -1 for none.
        usage: all of it, with `FEEDBACK_COLUMNS`.
        used: prediction that each speaks of, -1 for none.
    """
    effect = np.full(rows, NEVER, np.int64)
    took = np.flatnonzero((used >= 0) & is_any(usage["used"], USED))
    np.minimum.at(effect, used[took], instants(usage["event_time"])[took])
    said = decisions["effective_at"]
    stated = np.flatnonzero((decided >= 0) & said.is_valid().to_numpy())
    np.minimum.at(effect, decided[stated], instants(said)[stated])
    return effect


def instants(column: pa.ChunkedArray) -> Ints:
    """Times as whole microseconds since 1970; 0 where null, shape (n,)."""
    found: Ints = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    return found


def micros(length: timedelta) -> int:
    """A length of time in microseconds."""
    return length // _MICROSECOND


def is_any(column: pa.ChunkedArray, *words: str) -> NDArray[np.bool_]:
    """Whether each text is one of these; null is none."""
    found = pc.is_in(column, value_set=pa.array(words, pa.string()))
    return np.asarray(found.to_numpy(), np.bool_)
