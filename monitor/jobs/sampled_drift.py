"""Drift of a window's rows against the reference's: all features together, and by Evidently."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.control.conditions import Column
from monitor.control.multivariate import Sides, design, domain, reconstruction, usual_areas
from monitor.jobs.closed import around_deployment, closed_window
from monitor.jobs.reference_rows import MOST, ReferenceRows, reference_rows, rows_before
from monitor.jobs.sample import inputs_of
from monitor.jobs.sampled_columns import features
from monitor.jobs.service import Opened
from monitor.metrics.base import Undefined, Value
from monitor.outputs import evidently
from monitor.outputs.evidently import WHOLE, Tables
from monitor.state import named
from monitor.told import Told, tell_nobody
from monitor.version import VERSION


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
    since_deployment: bool = False,
    told: Told = tell_nobody,
) -> list[Drift]:
    """How the window differs from the reference, features together, then what Evidently says.

    Args:
        parts: of the service.
        card: of the model.
        window: a moment in the window; by default the newest closed one.
        asked: pairs of a feature and one of Evidently's methods.
        html: where the report of Evidently's drift preset is to be written; None for none.
        since_deployment: compare the last days since the last deployment with as many before it,
            and not a published window with the reference.
        told: as each step begins and ends.

    Raises:
        NoWindowError: there is no such closed window, or no deployment.
    """
    told("rows to compare with", 0, 0)
    if since_deployment:
        earlier, span = around_deployment(parts.state, card)
        before = rows_before(parts, card, earlier)
    else:
        span = closed_window(parts.state, card, window)
        before = reference_rows(parts, card)
    told("rows to compare with", 1, 1)
    told("rows of the window", 0, 0)
    after = inputs_of(parts, card, span, most=MOST)
    told("rows of the window", 1, 1)
    if not after.num_rows:
        before = Undefined("no predictions")
    if isinstance(before, Undefined):
        every = [("reconstruction", ""), ("domain classifier", "")]
        every += [(f"evidently {method}", column) for column, method in asked]
        return [_drift(method, column, before) for method, column in every]
    told("all features together", 0, 0)
    rebuilt, apart = together(parts, card, before, after)
    told("all features together", 1, 1)
    found = [
        _drift("reconstruction", "", rebuilt),
        _drift("domain classifier", "", apart),
    ]
    if asked or html is not None:
        told("Evidently", 0, 0)
    measured = by_evidently(card, before, after, asked, html)
    found += [_drift(f"evidently {pair[1]}", pair[0], one) for pair, one in measured.items()]
    return found


def together(
    parts: Opened, card: Card, before: ReferenceRows, after: pa.Table
) -> tuple[Value | Undefined, Value | Undefined]:
    """Error of rebuilding the rows, and area of telling them from the reference's.

    Args:
        parts: of the service.
        card: of the model.
        before: rows of the reference.
        after: rows of a window, at least one, those of the smallest hashes first.
    """
    one, other = ([*features(card.contract, rows).values()] for rows in (before.rows, after))
    halves = [(rows["id_lo"].to_numpy() & 1).astype(np.bool_) for rows in (before.rows, after)]
    first, second = halves
    sides = Sides(*design(one, other), first, second, before.windows)
    usual = _usual(parts, card, before, sides)
    told = usual if isinstance(usual, Undefined) else domain(sides, usual)
    return reconstruction(sides), told


def _usual(
    parts: Opened, card: Card, before: ReferenceRows, sides: Sides
) -> Sequence[float] | Undefined:
    """Areas of the reference's own windows, which stay as long as it does: trees take seconds."""
    if not sides.own:
        return ()
    name = f"areas:{card.model}"
    basis = [before.id, VERSION, np.bincount(before.windows).tolist()]
    known = named.value_of(parts.state, name)
    if isinstance(known, dict) and known.get("basis") == basis:
        areas: list[float] = known["areas"]
        return areas
    found = usual_areas(sides)
    if not isinstance(found, Undefined):
        named.put(parts.state, name, {"basis": basis, "areas": found})
    return found


def by_evidently(
    card: Card,
    before: ReferenceRows,
    after: pa.Table,
    asked: Sequence[tuple[str, str]],
    html: Path | None = None,
) -> dict[tuple[str, str], Value | Undefined]:
    """What Evidently says for each pair of a feature and a method; `WHOLE` is for all features.

    Args:
        card: of the model.
        before: rows of the reference.
        after: rows of a window, at least one.
        asked: what is wanted.
        html: where the report of its drift preset is to be written; None for none.
    """
    if not asked and html is None:
        return {}
    tables = tables_of(card, before, after)
    names = tables.reference.column_names
    known = [pair for pair in asked if pair == WHOLE or pair[0] in names]
    found = dict(zip(known, evidently.drift(tables, known, html=html), strict=True))
    fault = Undefined("the card declares no such feature")
    return {pair: found.get(pair, fault) for pair in asked}


def tables_of(card: Card, before: ReferenceRows, after: pa.Table) -> Tables:
    """Every feature of both sides, as Evidently reads them."""
    one, other = (features(card.contract, rows) for rows in (before.rows, after))
    reference, current = (
        pa.table({name: _array(column) for name, column in side.items()}) for side in (one, other)
    )
    numbers = tuple(name for name, column in one.items() if column.numbers is not None)
    return Tables(reference, current, numbers)


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
