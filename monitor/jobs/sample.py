"""A bounded, repeatable sample of a model's predictions with all that became of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.engines.base import Place, Task
from monitor.engines.execute import predictions, said_of
from monitor.jobs import references
from monitor.jobs.bounded import KEYS, smallest
from monitor.jobs.plan import feedback_plan, inputs_plan
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.profiles.known import Known
from monitor.profiles.reference import Reference
from monitor.profiles.windows import Range, instant

MOST: Final = 50_000
"""Rows of a sample: enough for a slice of one row in a hundred, and 50 MB with 50 features."""

COLUMNS: Final = ("event_id", "numeric", "category", "attributes", "violations", *KEYS)
"""What a sample has of predictions beside what the join with feedback needs."""

INPUTS: Final = ("numeric", "category", *KEYS)
"""What a sample has of predictions where nobody asks what became of them."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Rows of a window.

    Attributes:
        known: the predictions, one chunk, those of the smallest hashes first, with `COLUMNS`,
            and what is known of them.
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
    task, reference = _task(parts, card, span)
    plan = feedback_plan(card, inputs_plan(card, reference))
    columns = tuple(dict.fromkeys((*plan.columns, *COLUMNS)))
    rows = _in_order(smallest(partial(_of_version, task, version), columns, most))
    if not rows.num_rows:
        return None
    said = said_of(task, int(rows["id_hi"].to_numpy().max()))
    known = Known.of(plan, rows, said)
    return Sampled(known, reference, rows.num_rows < most)


def inputs_of(
    parts: Opened, card: Card, span: Range, *, version: str | None = None, most: int
) -> pa.Table:
    """The same rows with `INPUTS` only; maybe none.

    Args:
        parts: of the service.
        card: of the model.
        span: of event time, Unix seconds.
        version: only of this one.
        most: rows at most [rows].
    """
    task, _ = _task(parts, card, span)
    return _in_order(smallest(partial(_of_version, task, version), INPUTS, most))


def _in_order(rows: pa.Table) -> pa.Table:
    """One chunk in the order of the hashes, so that no sum depends on the order of arrival."""
    if not rows.num_rows:
        return rows
    high, low = (rows[name].to_numpy() for name in ("id_hi", "id_lo"))
    return rows.take(pa.array(np.lexsort((low, high)))).combine_chunks()


def _task(parts: Opened, card: Card, span: Range) -> tuple[Task, Reference | None]:
    place = Place.newest(parts.store, parts.settings.log.partition)
    definitions = Definitions.open(parts.store)
    reference = references.in_force(parts.state, definitions, card)
    older = references.older_contracts(definitions, card)
    plan = inputs_plan(card, reference)
    return Task(place, plan, instant(span[0]), instant(span[1]), older), reference


def _of_version(
    task: Task, version: str | None, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    import pyarrow.compute as pc

    wanted = dict.fromkeys((*columns, *(() if version is None else ("version",))))
    for batch in predictions(task, tuple(wanted), encoded=True):
        yield batch if version is None else batch.filter(pc.equal(batch["version"], version))
