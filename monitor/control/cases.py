"""The predictions of an audit one by one: leaks, and required reviews that are not made."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.cards.contract import Contract
from monitor.events.schema import TIME
from monitor.profiles.audit import Case
from monitor.profiles.codes import Interned
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.joined import distinct
from monitor.profiles.known import Known
from monitor.profiles.layout import Ints
from monitor.profiles.reviewed import NEVER, USED, instants, is_any, micros

CASES: Final = pa.schema(
    [
        pa.field("prediction_id", pa.string()),
        pa.field("version", pa.string()),
        pa.field("prediction_time", TIME),
        pa.field("case", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("due", TIME),
        pa.field("effect", pa.string()),
        pa.field("consumer", pa.string()),
        pa.field("effect_at", TIME),
        pa.field("review_at", TIME),
    ]
)
"""A prediction a row. `reason`: name of the rule, or "sample". `due`: end of the time that its
review may take. `effect`: used or decided, null without one; `consumer`: who used it."""

DECIDED: Final = "decided"


@dataclass(frozen=True)
class CasesPlan:
    """Which predictions are listed.

    Attributes:
        feedback: how the model is audited.
        cases: what became of those that are listed.
    """

    feedback: FeedbackPlan
    cases: tuple[Case, ...]

    @property
    def contract(self) -> Contract:
        """Of the model."""
        return self.feedback.contract

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the event table that are needed of predictions."""
        return (*self.feedback.columns, "event_id")


def cases_of(plan: CasesPlan, predictions: pa.Table, feedback: pa.Table) -> pa.Table:
    """The predictions whose case is one of the plan's, with the schema `CASES`, in no order.

    Args:
        plan: of the model.
        predictions: all rows of the windows, with the plan's `columns`, duplicates included.
        feedback: all that is known of them, with `FEEDBACK_COLUMNS`.
    """
    policy = plan.feedback.policy
    if policy is None or not predictions.num_rows:
        return CASES.empty_table()
    table = distinct(predictions, plan.feedback.duplicates_within).combine_chunks()
    known = Known.of(plan.feedback, table, feedback)
    rows = np.flatnonzero(np.isin(known.audit.case, plan.cases))
    some = table.take(pa.array(rows))
    versions = Interned(plan.feedback.versions)
    version = versions.codes(some["version"].combine_chunks())
    effect = known.effective_at[rows]
    consumer, is_used = _users(known, rows)
    names = np.array([case.name.lower() for case in Case])
    columns = {
        "prediction_id": some["event_id"],
        "version": pa.array(np.array([*versions.texts, ""], object)[version], pa.string()),
        "prediction_time": some["event_time"],
        "case": pa.array(names[known.audit.case[rows]], pa.string()),
        "reason": pa.array(np.array(policy.reasons, object)[known.audit.reason[rows]], pa.string()),
        "due": _moments(known.made[rows] + micros(policy.within)),
        "effect": pc.if_else(
            pa.array(effect == NEVER),
            None,
            pc.if_else(pa.array(is_used), USED, DECIDED),
        ),
        "consumer": consumer,
        "effect_at": _moments(effect),
        "review_at": _moments(known.reviewed_at[rows]),
    }
    return pa.table([columns[name] for name in CASES.names], schema=CASES)


def _users(known: Known, rows: Ints) -> tuple[pa.Array, np.typing.NDArray[np.bool_]]:
    """Who used each prediction at the moment it took effect, and whether anybody did.

    Of several at the same moment the one with the smallest payload hash.
    """
    usage = known.usage
    target = usage.target
    mine = np.flatnonzero((target >= 0) & is_any(usage.table["used"], USED))
    mine = mine[instants(usage.table["event_time"])[mine] == known.effective_at[target[mine]]]
    # What is written last stands.
    mine = mine[np.argsort(usage.table["payload_hash"].to_numpy()[mine])[::-1]]
    user = np.full(known.rows, -1, np.int64)
    user[target[mine]] = mine
    found = user[rows]
    consumer = usage.table["consumer"].combine_chunks().take(pa.array(found, mask=found < 0))
    return consumer, found >= 0


def _moments(times: Ints) -> pa.Array:
    """Times as moments, null where it is never."""
    return pa.array(times, pa.int64(), mask=times == NEVER).cast(TIME)
