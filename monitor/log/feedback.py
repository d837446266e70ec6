"""What people and the world said of predictions: one table, with the prediction of each row."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import pyarrow as pa

from monitor.events.schema import EVENTS, TIME, Kind
from monitor.log import read
from monitor.log.changes import Changes, changes
from monitor.log.files import Layout
from monitor.log.rewrite import files
from monitor.log.scan import Span, rows
from monitor.log.store import Store, Table


class State(StrEnum):
    """What became of a row's search for its prediction."""

    FOUND = "found"
    WAITING = "waiting"
    ORPHANED = "orphaned"
    AMBIGUOUS = "ambiguous"


KINDS: Final = (Kind.DECISION, Kind.OUTCOME, Kind.USAGE)
"""Kinds of events that speak of a prediction."""

TAKEN: Final = (
    *("model", "id_hi", "id_lo", "payload_hash", "event_time", "prediction_time"),
    *("decision", "decision_value", "reviewer", "reviewer_role", "team", "recommendation_shown"),
    *("action", "reason_code", "review_started_at", "effective_at"),
    *("label", "label_value", "label_version", "weight", "consumer", "used", "value"),
)
"""Columns that a row has from its event."""

FEEDBACK: Final = pa.schema(
    [
        pa.field("state", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("p_hi", pa.int64()),
        pa.field("p_lo", pa.int64()),
        *(EVENTS.field(name) for name in TAKEN),
        pa.field("stated_time", TIME),
    ]
)
"""Columns of `feedback`.

`day` is the partition of the prediction when it is found, of the row's own event time until then.
`p_hi`, `p_lo`: hash of the prediction's id. `prediction_time`: the prediction's event time, null
until it is found. `stated_time`: the prediction's time as the event gave it.
"""

LAYOUT: Final = Layout(
    schema=FEEDBACK,
    partition_by=("state", "day", "kind"),
    sort_by=("model", "prediction_time"),
    statistics=("model", "event_time", "prediction_time"),
    unique=frozenset(("p_hi", "p_lo", "id_hi", "id_lo", "payload_hash")),
)


class FeedbackLog:
    """The table `feedback`, held open by one thread.

    Rows that found their prediction and rows that wait lie in one table, so that going from one
    to the other is one commit.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def open(cls, store: Store) -> "FeedbackLog":
        """The table in a store, made if it is not there."""
        return cls(store.open("feedback", LAYOUT))

    def version(self) -> int:
        """The newest version."""
        return self.table.version()

    def changes(self, after: int, upto: int) -> Changes:
        """Windows of predictions of which something new was said, by kind of what was said."""
        return changes(self.table, after, upto)

    def scan(
        self,
        *,
        model: str,
        start: datetime,
        end: datetime,
        columns: Sequence[str],
        by_month: bool = False,
        version: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """What was said of predictions made in [start, end), in no particular order.

        Revisions and repetitions are included.

        Args:
            model: whose predictions.
            start: aware.
            end: aware.
            columns: names, in the order wanted.
            by_month: whether a partition of the log spans a month.
            version: of the table; the newest without it.
        """
        table = self.table.current() if version is None else self.table.at(version)
        days = read.partition_days(start, end, by_month)
        span = Span({"state": State.FOUND}, "prediction_time", start, end, *days, model)
        return rows(self.table, table, pa.schema([FEEDBACK.field(n) for n in columns]), span)

    def count(self, state: State) -> int:
        """Rows in a state; of found ones those that retention left."""
        return sum(f.rows for f in files(self.table.current()) if ("state", state) in f.partition)
