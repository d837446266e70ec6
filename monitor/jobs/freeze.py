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

SAMPLE_ROWS = 100_000
"""Rows from which bins are taken: those with the smallest id hashes, the same in any order."""

SAMPLED = [
    *("id_hi", "id_lo", "payload_hash"),
    *("numeric", "category", "attributes", "predicted_value"),
]
"""Columns of the sample: those of `reference_of`, and what tells rows apart."""

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
    kept: list[pa.Table] = []
    count = 0
    greatest = np.iinfo(np.int64).max
    for batch in batches:
        rows = pa.table(batch).select(SAMPLED)
        below = rows["id_hi"].to_numpy() <= greatest
        kept.append(rows if below.all() else rows.filter(pa.array(below)))
        count += len(kept[-1])
        if count > 2 * SAMPLE_ROWS:
            kept = [_smallest(pa.concat_tables(kept))]
            count = len(kept[0])
            if count == SAMPLE_ROWS:
                greatest = int(kept[0]["id_hi"].to_numpy().max())
    return _smallest(pa.concat_tables(kept)) if kept else pa.schema([]).empty_table()


def _smallest(rows: pa.Table) -> pa.Table:
    payload, low, high = (rows[name].to_numpy() for name in ("payload_hash", "id_lo", "id_hi"))
    order = np.lexsort((payload, low, high))
    first = np.ones(len(order), np.bool_)
    high, low = high[order], low[order]
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return rows.take(pa.array(order[first][:SAMPLE_ROWS]))
