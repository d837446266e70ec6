"""A frozen reference from rows: bins from a repeatable sample, counts from all of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs.plan import inputs_plan
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.layout import total
from monitor.profiles.reference import Reference, reference_of
from monitor.profiles.segments import ALL
from monitor.profiles.windows import DAY

SAMPLE_ROWS = 200_000
"""Rows from which bins are taken: those with the smallest id hashes, the same in any order."""

WHOLE = 300 * 365 * DAY
"""One window for all rows: an id counts once, as in the sample, and memory does not grow with
the length of the reference."""

Batches = Callable[[], Iterator[pa.RecordBatch]]
"""The rows of the reference from the start, with the columns of `InputsKernel`, in any order."""


class NoRowsError(MonitorError):
    """A reference was to be made of rows, and there are none."""


def frozen(card: Card, batches: Batches, *, version: str = "", described: str = "") -> Reference:
    """The reference made of these rows, duplicates left out.

    Args:
        card: of the model.
        batches: called two or three times.
        version: version it is the reference of, "" for all.
        described: where the rows come from, in words.

    Raises:
        NoRowsError: there are none.
    """
    sample = _sample(batches())
    if not sample.num_rows:
        raise NoRowsError(
            f"{card.model}: no predictions in {described}; choose a reference that holds some:"
            f" mbm reference set {card.model} --help"
        )
    bins = reference_of(card.contract, sample, version=version, described=described)
    plan = replace(inputs_plan(card, bins), dimensions=(), seconds=WHOLE)
    kernel = InputsKernel(plan)
    for batch in batches():
        kernel.feed(batch)
    disputes = kernel.disputes()
    if len(disputes):
        kernel = InputsKernel(plan, disputes)
        for batch in batches():
            kernel.feed(batch)
    partials = [partial for partial in kernel.partials() if partial.key.segment == ALL]
    whole = total(plan.layout, [partial.profile for partial in partials])
    return bins.with_profile(whole, sum(partial.rows for partial in partials))


def _sample(batches: Iterator[pa.RecordBatch]) -> pa.Table:
    """At most `SAMPLE_ROWS` rows, one per id: those with the smallest id hashes."""
    kept = pa.schema([]).empty_table()
    for batch in batches:
        rows = pa.table(batch)
        joined = pa.concat_tables([kept, rows]) if kept.num_columns else rows
        kept = joined if len(joined) <= 2 * SAMPLE_ROWS else _smallest(joined)
    return _smallest(kept) if kept.num_columns else kept


def _smallest(rows: pa.Table) -> pa.Table:
    payload, low, high = (rows[name].to_numpy() for name in ("payload_hash", "id_lo", "id_hi"))
    order = np.lexsort((payload, low, high))
    first = np.ones(len(order), np.bool_)
    high, low = high[order], low[order]
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return rows.take(pa.array(order[first][:SAMPLE_ROWS]))
