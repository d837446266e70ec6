"""A bounded, repeatable sample of a model's predictions with all that became of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pyarrow as pa

from monitor.cards.card import Card
from monitor.engines.base import Place, Task
from monitor.engines.execute import predictions
from monitor.jobs import references
from monitor.jobs.bounded import KEYS, smallest
from monitor.jobs.plan import feedback_plan, inputs_plan
from monitor.jobs.service import Opened
from monitor.log import read
from monitor.log.definitions import Definitions
from monitor.log.events import EventLog
from monitor.log.feedback import FEEDBACK, FeedbackLog, State
from monitor.log.moved import MovedLog
from monitor.profiles.joined import FEEDBACK_COLUMNS
from monitor.profiles.known import Known
from monitor.profiles.reference import Reference
from monitor.profiles.windows import Range, instant

MOST: Final = 50_000
"""Rows of a sample: enough for a slice of one row in a hundred, and 50 MB with 50 features."""

COLUMNS: Final = ("event_id", "numeric", "category", "attributes", "violations", *KEYS)
"""What a sample has of predictions beside what the join with feedback needs."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Rows of a window.

    Attributes:
        known: the predictions, one chunk, with `COLUMNS`, and what is known of them.
        reference: in force, None if there is none.
        is_whole: whether it is every row of the window.
    """

    known: Known
    reference: Reference | None
    is_whole: bool


def sampled(
    parts: Opened, card: Card, span: Range, *, version: str | None = None, most: int = MOST
) -> Sampled | None:
    """The sample of a window; None where it has no predictions.

    Args:
        parts: of the service.
        card: of the model.
        span: of event time, Unix seconds.
        version: only of this one.
        most: rows at most [rows].
    """
    place = pinned(parts)
    definitions = Definitions.open(parts.store)
    reference = references.in_force(parts.state, definitions, card)
    inputs = inputs_plan(card, reference)
    plan = feedback_plan(card, inputs)
    older = references.older_contracts(definitions, card)
    task = Task(place, inputs, instant(span[0]), instant(span[1]), older)
    columns = tuple(dict.fromkeys((*plan.columns, *COLUMNS)))
    rows = smallest(partial(_of_version, task, version), columns, most)
    if not rows.num_rows:
        return None
    said = said_of(task, int(rows["id_hi"].to_numpy().max()))
    known = Known.of(plan, rows.combine_chunks(), said)
    return Sampled(known, reference, rows.num_rows < most)


def _of_version(
    task: Task, version: str | None, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    import pyarrow.compute as pc

    wanted = dict.fromkeys((*columns, *(() if version is None else ("version",))))
    for batch in predictions(task, tuple(wanted), encoded=True):
        yield batch if version is None else batch.filter(pc.equal(batch["version"], version))


def said_of(task: Task, greatest: int) -> pa.Table:
    """What was said of predictions whose id's upper half is no greater."""
    feedback = FeedbackLog.open(task.place.store).table.at(task.place.feedback)
    by_month = task.place.partition == "month"
    condition = read.all_of(
        f"state = {read.text(State.FOUND)}",
        f"model = {read.text(task.plan.contract.model)}",
        f"p_hi <= {greatest}",
        read.between("prediction_time", task.start, task.end, day="day", by_month=by_month),
    )
    return read.rows(feedback, FEEDBACK, FEEDBACK_COLUMNS, condition).read_all()


def pinned(parts: Opened) -> Place:
    """The log as it stands."""
    partition = parts.settings.log.partition
    return Place(
        parts.store,
        partition,
        EventLog.open(parts.store, partition).version(),
        FeedbackLog.open(parts.store).version(),
        MovedLog.open(parts.store).version(),
    )
