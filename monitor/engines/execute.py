"""What a task does, the same on every engine: scan, feed the kernel, return partial profiles."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from monitor.control.cases import CasesPlan, cases_of
from monitor.engines.base import Task
from monitor.engines.realign import by_contract, realigned
from monitor.events.schema import Kind
from monitor.log.events import EventLog, scanned
from monitor.log.feedback import FEEDBACK, FeedbackLog
from monitor.log.moved import COLUMNS as COPIED
from monitor.log.moved import Copies, MovedLog
from monitor.profiles import failures
from monitor.profiles.failures import failure_partials
from monitor.profiles.feedback import feedback_partials
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.joined import FEEDBACK_COLUMNS
from monitor.profiles.rows import PARTIALS, table_of


def execute(task: Task) -> pa.Table:
    """Partial profiles of all windows of a task (`PARTIALS`), or the cases it names (`CASES`).

    Raises:
        LogError: the pinned versions cannot be read.
    """
    if isinstance(task.plan, InputsPlan):
        return _inputs(task, task.plan)
    if isinstance(task.plan, CasesPlan):
        return cases_of(task.plan, *_joined(task, task.plan.columns))
    return _feedback(task, task.plan)


def predictions(
    task: Task, columns: Sequence[str], *, encoded: bool = False
) -> Iterator[pa.RecordBatch]:
    """The task's predictions under the model's present contract, duplicates included.

    Those that stand in an earlier window too are left out.

    With `encoded`, texts that repeat are dictionaries.
    """
    log = EventLog.open(task.place.store, task.place.partition)
    contract = task.plan.contract
    older = {old.id: old for old in task.older}
    moved = _moved(task)
    sought = COPIED if len(moved) else ()
    batches = log.scan(
        kind=Kind.PREDICTION,
        model=contract.model,
        start=task.start,
        end=task.end,
        columns=tuple(dict.fromkeys((*columns, "contract", *sought))),
        version=task.place.events,
        encoded=encoded,
    )
    for batch in batches:
        kept = _without(batch, moved) if len(moved) else batch
        for name, rows in by_contract(kept.select([*columns, "contract"])):
            yield rows if name == contract.id else realigned(rows, older[name], contract)


def _moved(task: Task) -> Copies:
    if not task.place.moved:
        return Copies.together(())
    known = MovedLog.open(task.place.store)
    return known.within(task.plan.contract.model, task.start, task.end, task.place.moved)


def _without(batch: pa.RecordBatch, moved: Copies) -> pa.RecordBatch:
    """The rows that count in their window."""
    gone = moved.holds(Copies.of(batch))
    return batch.filter(pa.array(~gone)) if gone.any() else batch


def _inputs(task: Task, plan: InputsPlan) -> pa.Table:
    def through(kernel: InputsKernel) -> InputsKernel:
        for batch in predictions(task, plan.columns, encoded=True):
            kernel.feed(batch)
        return kernel

    kernel = through(InputsKernel(plan))
    disputes = kernel.disputes()
    if len(disputes):
        kernel = through(InputsKernel(plan, disputes))
    return table_of([*kernel.partials(), *failure_partials(plan, _failures(task))])


def _failures(task: Task) -> pa.Table:
    log = EventLog.open(task.place.store, task.place.partition)
    return log.scan(
        kind=Kind.FAILURE,
        model=task.plan.contract.model,
        start=task.start,
        end=task.end,
        columns=failures.COLUMNS,
        version=task.place.events,
    ).read_all()


def _feedback(task: Task, plan: FeedbackPlan) -> pa.Table:
    """Each family becomes a table before the next is summed, so that its vectors can go."""
    partials = feedback_partials(plan, *_joined(task, plan.columns, encoded=True))
    tables = [table_of(some) for _, some in groupby(partials, lambda each: each.key.family)]
    return pa.concat_tables([PARTIALS.empty_table(), *tables])


def _joined(
    task: Task, columns: Sequence[str], *, encoded: bool = False
) -> tuple[pa.Table, pa.Table]:
    """The task's predictions and all that was said of them."""
    schema = scanned((*columns, "contract"), encoded=encoded)
    rows = pa.Table.from_batches(predictions(task, columns, encoded=encoded), schema)
    return rows, said_of(task)


def said_of(task: Task, greatest: int | None = None) -> pa.Table:
    """What was said of the task's predictions, with `FEEDBACK_COLUMNS`.

    Args:
        task: whose plan and windows these are.
        greatest: only of predictions whose id's upper half is no greater; of all without it.
    """
    batches = FeedbackLog.open(task.place.store).scan(
        model=task.plan.contract.model,
        start=task.start,
        end=task.end,
        columns=FEEDBACK_COLUMNS,
        by_month=task.place.partition == "month",
        version=task.place.feedback,
    )
    if greatest is not None:
        batches = (batch.filter(pc.less_equal(batch["p_hi"], greatest)) for batch in batches)
    return pa.Table.from_batches(batches, pa.schema([FEEDBACK.field(n) for n in FEEDBACK_COLUMNS]))
