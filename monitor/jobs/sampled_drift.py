"""Drift of a window's rows against the reference's: all features together, and by Evidently."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.control.conditions import Column
from monitor.control.multivariate import Sides, design, domain, reconstruction
from monitor.jobs import references
from monitor.jobs.closed import closed_window
from monitor.jobs.sample import Sampled, sampled
from monitor.jobs.sampled_columns import features
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.metrics.base import Undefined, Value
from monitor.outputs import evidently
from monitor.outputs.evidently import Tables

MOST = 10_000
"""Rows of each side's sample: with more, Evidently and the classifier only become slower."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One number about how the rows of a window differ from those of the reference.

    Attributes:
        method: how it was measured.
        column: the feature, "" for all together.
        value: of it, None where there is none.
        lower: lower end of its 95 % interval, None without one.
        upper: upper end.
        rows: of the window [rows].
        reason: why there is no value, "" where there is one.
    """

    method: str
    column: str
    value: float | None
    lower: float | None
    upper: float | None
    rows: int
    reason: str


def drifts(
    parts: Opened,
    card: Card,
    *,
    window: datetime | None = None,
    asked: Sequence[tuple[str, str]] = (),
    html: Path | None = None,
) -> list[Drift]:
    """How the window differs from the reference, features together, then what Evidently says.

    Args:
        parts: of the service.
        card: of the model.
        window: a moment in the window; by default the newest closed one.
        asked: pairs of a feature and one of Evidently's methods.
        html: where the report of Evidently's drift preset is to be written; None for none.

    Raises:
        NoWindowError: there is no such closed window.
    """
    span = closed_window(parts, card, window)
    after = sampled(parts, card, span, most=MOST)
    before = _reference(parts, card)
    if isinstance(before, Undefined) or after is None:
        fault = before if isinstance(before, Undefined) else Undefined("no predictions")
        every = [("reconstruction", ""), ("domain classifier", "")]
        every += [(f"evidently {method}", column) for column, method in asked]
        return [_drift(method, column, fault) for method, column in every]
    return [*_together(before, after), *_evidently(before, after, asked, html)]


def _reference(parts: Opened, card: Card) -> Sampled | Undefined:
    reference = references.in_force(parts.state, Definitions.open(parts.store), card)
    if reference is None:
        return Undefined("no reference; run: mbm reference set")
    if reference.span is None:
        return Undefined(
            "the rows of the reference are not in the log; choose a window or a version of it:"
            " mbm reference set"
        )
    version = reference.of_version or None
    found = sampled(parts, card, reference.span, version=version, most=MOST)
    return found or Undefined("the log no longer holds the rows of the reference")


def _together(before: Sampled, after: Sampled) -> Iterator[Drift]:
    one, other = ([*features(side.known).values()] for side in (before, after))
    halves = (
        (side.known.predictions["id_lo"].to_numpy() & 1).astype(np.bool_)
        for side in (before, after)
    )
    rows, others = design(one, other)
    first, second = halves
    sides = Sides(rows, others, first, second)
    yield _drift("reconstruction", "", reconstruction(sides))
    yield _drift("domain classifier", "", domain(sides))


def _evidently(
    before: Sampled, after: Sampled, asked: Sequence[tuple[str, str]], html: Path | None
) -> Iterator[Drift]:
    if not asked and html is None:
        return
    one, other = (features(side.known) for side in (before, after))
    reference, current = (
        pa.table({name: _array(column) for name, column in side.items()}) for side in (one, other)
    )
    tables = Tables(
        reference,
        current,
        numbers=tuple(name for name, column in one.items() if column.numbers is not None),
    )
    known = [pair for pair in asked if pair[0] in one]
    found = dict(zip(known, evidently.drift(tables, known, html=html), strict=True))
    for column, method in asked:
        fault = Undefined("the card declares no such feature")
        yield _drift(f"evidently {method}", column, found.get((column, method), fault))


def _array(column: Column) -> pa.Array:
    if column.numbers is not None:
        return pa.array(column.numbers, from_pandas=True)
    assert column.codes is not None
    return pa.array(column.names, pa.string()).take(pa.array(column.codes, mask=column.codes < 0))


def _drift(method: str, column: str, found: Value | Undefined) -> Drift:
    if isinstance(found, Undefined):
        return Drift(method, column, None, None, None, 0, found.why)
    return Drift(method, column, found.value, found.lower, found.upper, found.rows, "")


def table_of(some: Sequence[Drift]) -> pa.Table:
    """These as an Arrow table, a column per attribute."""
    texts = dict.fromkeys(("method", "column", "reason"), pa.string())
    types = {**texts, "rows": pa.int64()}
    schema = pa.schema([(n, types.get(n, pa.float64())) for n in Drift.__slots__])
    return pa.Table.from_pylist([asdict(one) for one in some], schema=schema)
