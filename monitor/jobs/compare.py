"""Two versions or stages of a model side by side, and the cases that both saw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.cards.card import Card
from monitor.control.conditions import Flags
from monitor.control.pairs import Answers, answers, cases, disagreements, paired, same
from monitor.engines.base import Place, Task
from monitor.engines.execute import predictions, said_of
from monitor.jobs import references
from monitor.jobs.closed import closed_window
from monitor.jobs.plan import feedback_plan, inputs_plan
from monitor.jobs.service import Opened
from monitor.jobs.side_by_side import COLUMNS, Row, Which, side_by_side
from monitor.log.definitions import Definitions
from monitor.metrics.intervals import mean_interval, wilson
from monitor.metrics.intervals import paired as paired_interval
from monitor.profiles.codes import MISSING
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.windows import Range, instant

LISTED: Final = 20
"""Kinds of disagreement that are listed."""


def compare(
    parts: Opened, card: Card, first: Which, second: Which, *, window: datetime | None = None
) -> list[Row]:
    """Deployments of both, every published number with its difference, cases that both saw.

    Args:
        parts: of the service.
        card: of the model.
        first: what is compared with.
        second: what is compared.
        window: a moment in the window; by default the newest closed one.

    Raises:
        NoWindowError: there is no such closed window, or one of the two has no result in it.
    """
    span = closed_window(parts.state, card, window)
    rows = side_by_side(parts.state, parts.store, card, first, second, span)
    return [*rows, *_pairs(parts, card, first, second, span)]


def _pairs(parts: Opened, card: Card, first: Which, second: Which, span: Range) -> Iterator[Row]:
    """What is known of cases with equal inputs and subject that both saw."""
    task = _task(parts, card, span)
    one, other = _Seen.read(task, (first, second)).answers()
    places = paired(one, other)
    if not len(places[0]):
        yield {"part": "pairs", "reason": _why(one, other)}
        return
    # Only now the other columns, of these rows alone: a window may have many more.
    every = np.union1d(*places)
    rows, others = (np.searchsorted(every, some) for some in places)
    plan = feedback_plan(card, inputs_plan(card, None))
    table = _taken(task, plan.columns, every)
    known = Known.of(plan, table, said_of(task, int(table["id_hi"].to_numpy().max())))
    n = len(rows)
    yield {"part": "pairs", "metric": "cases", "first": n, "second": n, "rows_first": n}
    if card.contract.classes:
        predicted = table["predicted_class"]
        unlike = int((~same(predicted, rows, others)).sum())
        lower, upper = wilson(unlike, n)
        share = {"metric": "disagreement", "gap": unlike / n, "lower": lower, "upper": upper}
        yield {"part": "pairs", "rows_first": n, **share}
        yield from _right(known, rows, others)
        for row in disagreements(predicted, rows, others).to_pylist()[:LISTED]:
            said = f"{row['first']}→{row['second']}"
            yield {"part": "answers", "column": said, "rows_first": row["cases"]}
    else:
        value = table["predicted_value"].to_numpy().astype(np.float64)
        yield from _mean("predicted_value", value, rows, others)
    yield from _mean("confidence", known.confidence, rows, others)


def _why(one: Answers, other: Answers) -> str:
    if not len(one.case) or not len(other.case):
        return "one of the two has no case of its own"
    return "no case with equal inputs and subject was seen by both"


def _right(known: Known, rows: Ints, others: Ints) -> Iterator[Row]:
    """Accuracy on the same cases; the outcome of either is that of the case."""
    label = np.where(known.label[rows] != MISSING, known.label[rows], known.label[others])
    some = label != MISSING
    n = int(some.sum())
    if not n:
        yield {"part": "pairs", "metric": "accuracy", "reason": "no outcome of such a case yet"}
        return
    inside = label[some] < len(known.contract.classes)
    first = (known.predicted[rows][some] == label[some]) & inside
    second = (known.predicted[others][some] == label[some]) & inside
    more, less = int((second & ~first).sum()), int((first & ~second).sum())
    lower, upper = paired_interval(more, less, n)
    yield {
        "part": "pairs",
        "metric": "accuracy",
        "first": float(first.mean()),
        "second": float(second.mean()),
        "gap": (more - less) / n,
        "lower": lower,
        "upper": upper,
        "rows_first": n,
    }


def _mean(name: str, values: Floats, rows: Ints, others: Ints) -> Iterator[Row]:
    one, other = values[rows], values[others]
    both = ~np.isnan(one) & ~np.isnan(other)
    if not both.any():
        return
    gap = other[both] - one[both]
    ends = mean_interval(len(gap), float(gap.sum()), float((gap * gap).sum())) or (None, None)
    yield {
        "part": "pairs",
        "metric": name,
        "first": float(one[both].mean()),
        "second": float(other[both].mean()),
        "gap": float(gap.mean()),
        "lower": ends[0],
        "upper": ends[1],
        "rows_first": len(gap),
    }


def _task(parts: Opened, card: Card, span: Range) -> Task:
    older = references.older_contracts(Definitions.open(parts.store), card)
    plan = inputs_plan(card, None)
    place = Place.newest(parts.store, parts.settings.log.partition)
    return Task(place, plan, instant(span[0]), instant(span[1]), older)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What tells the cases of a window.

    Attributes:
        case: hash of the inputs of each prediction, shape (n,).
        identity: hash of its id, shape (n,).
        payload: hash of its message, shape (n,).
        of: for each of the two versions, which predictions are its own, shape (n,).
    """

    case: Ints
    identity: Ints
    payload: Ints
    of: Sequence[Flags]

    @classmethod
    def read(cls, task: Task, both: Sequence[Which]) -> "_Seen":
        """The predictions in the order of the log."""
        width = len(task.plan.contract.numeric)
        keys = ("id_hi", "payload_hash")
        columns = ("numeric", "category", "subject", "version", "stage", *keys)
        found: list[tuple[Any, ...]] = []
        for batch in predictions(task, columns, encoded=True):
            flat = batch["numeric"].flatten().to_numpy(zero_copy_only=False)
            numeric = flat.astype(np.float64).reshape(batch.num_rows, width)
            case = cases(numeric, batch["category"].flatten(), batch["subject"])
            own = (batch[key].to_numpy() for key in keys)
            found.append((case, *own, *(_is(batch, which) for which in both)))
        if not found:
            nothing = np.empty(0, np.int64)
            return cls(nothing, nothing, nothing, [nothing.astype(np.bool_)] * len(both))
        case, identity, payload, *of = map(np.concatenate, zip(*found, strict=True))
        return cls(case, identity, payload, of)

    def answers(self) -> list[Answers]:
        """What each of the two said."""
        return [answers(self.case, mine, self.identity, self.payload) for mine in self.of]


def _taken(task: Task, columns: Sequence[str], rows: Ints) -> pa.Table:
    """Some predictions of the window, by their places in the log's order, ascending."""
    tables, first = [], 0
    for batch in predictions(task, tuple(columns), encoded=True):
        begin, end = np.searchsorted(rows, (first, first + batch.num_rows))
        tables.append(pa.table(batch.take(pa.array(rows[begin:end] - first))).select(columns))
        first += batch.num_rows
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _is(batch: pa.RecordBatch, which: Which) -> Flags:
    mine = pc.equal(batch["version"], which.version)
    if which.stage:
        mine = pc.and_(mine, pc.equal(batch["stage"], which.stage))
    return np.asarray(pc.fill_null(mine, fill_value=False).to_numpy(zero_copy_only=False), np.bool_)


def table_of(rows: Sequence[Row]) -> pa.Table:
    """A comparison as an Arrow table with `COLUMNS`."""
    texts = dict.fromkeys(("part", "metric", "column", "reason", "at"), pa.string())
    counts = dict.fromkeys(("rows_first", "rows_second"), pa.int64())
    types = {**texts, **counts, "differs": pa.bool_()}
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in COLUMNS])
    return pa.Table.from_pylist(list(rows), schema=schema)
