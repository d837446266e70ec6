"""The unit of work of every engine: some windows of one model through one kernel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, Self

import pyarrow as pa

from monitor.cards.contract import Contract
from monitor.control.cases import CasesPlan
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.moved import MovedLog
from monitor.log.store import Store
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.inputs_plan import InputsPlan


@dataclass(frozen=True, slots=True)
class Place:
    """Where the events are, and as of when.

    Attributes:
        store: of the tables.
        partition: what a partition of the log spans.
        events: version of the event table.
        feedback: version of the feedback table.
        moved: version of the list of predictions that do not count.
    """

    store: Store
    partition: Literal["day", "month"]
    events: int
    feedback: int
    moved: int

    @classmethod
    def newest(cls, store: Store, partition: Literal["day", "month"]) -> Self:
        """The events as they stand: files of earlier versions may be deleted already."""
        return cls(
            store,
            partition,
            EventLog.open(store, partition).version(),
            FeedbackLog.open(store).version(),
            MovedLog.open(store).version(),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """Rows of one model in [start, end), for the kernel that the plan is of.

    It holds all that is needed to run it elsewhere, and running it twice does no harm: it
    reads pinned versions and writes nothing.

    Attributes:
        place: where the rows are.
        plan: what the kernel must know of the model.
        start: of the first window.
        end: of the last window.
        older: contracts that rows of the model may still be of.
    """

    place: Place
    plan: InputsPlan | FeedbackPlan | CasesPlan
    start: datetime
    end: datetime
    older: tuple[Contract, ...] = ()


class Engine(Protocol):
    """Runs tasks, here or on a cluster."""

    def run(self, tasks: Sequence[Task]) -> Iterator[pa.Table]:
        """What each task found: partial profiles (`PARTIALS`), or cases (`CASES`)."""
        ...
