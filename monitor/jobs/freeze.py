"""A frozen reference from rows: bins from a repeatable sample, counts from all of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs.plan import inputs_plan
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.layout import Ints, total
from monitor.profiles.reference import Reference, reference_of
from monitor.profiles.segments import ALL
from monitor.profiles.windows import DAY

SAMPLE_ROWS = 100_000
"""Rows from which bins are taken: those with the smallest id hashes, the same in any order."""

SAMPLED = (
    *("id_hi", "id_lo", "payload_hash"),
    *("numeric", "category", "attributes", "predicted_value", "score"),
)
"""Columns of the sample: those of `reference_of`, and what tells rows apart."""

WHOLE = 300 * 365 * DAY
"""One window for all rows: an id counts once, as in the sample, and memory does not grow with
the length of the reference."""

Batches = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
"""The rows of the reference from the start, with the columns that are named and maybe more, in any
order. Asked for some of the columns of `InputsKernel`, first for those that cost little to read."""


class NoRowsError(MonitorError):
    """A reference was to be made of rows, and there are none."""


def frozen(
    card: Card,
    batches: Batches,
    *,
    described: str = "",
    span: tuple[int, int] | None = None,
    of_version: str = "",
) -> Reference:
    """The reference made of these rows, duplicates left out.

    Args:
        card: of the model.
        batches: called three or four times; memory holds the sample alone.
        described: where the rows come from, in words.
        span: of time in which they lie, Unix seconds; None where they are not of the log.
        of_version: the version that they are of, "" for all.

    Raises:
        NoRowsError: there are none.
    """
    sample = _sample(batches(SAMPLED), _greatest(batches(("id_hi",))))
    if not sample.num_rows:
        raise NoRowsError(
            f"{card.model}: no predictions in {described}; choose a reference that holds some:"
            f" mbm reference set {card.model} --help"
        )
    bins = reference_of(card.contract, sample, described=described)
    bins = replace(bins, span=span, of_version=of_version)
    plan = replace(inputs_plan(card, bins), dimensions=(), seconds=WHOLE)
    kernel = InputsKernel(plan)
    for batch in batches(plan.columns):
        kernel.feed(batch)
    disputes = kernel.disputes()
    if len(disputes):
        kernel = InputsKernel(plan, disputes)
        for batch in batches(plan.columns):
            kernel.feed(batch)
    partials = [partial for partial in kernel.partials() if partial.key.segment == ALL]
    whole = total(plan.layout, [partial.profile for partial in partials])
    return bins.with_profile(whole, sum(partial.rows for partial in partials))


def _greatest(batches: Iterator[pa.RecordBatch]) -> int:
    """Upper half of an id's hash that none of the sample exceeds."""
    kept: list[Ints] = []
    count = 0
    greatest = int(np.iinfo(np.int64).max)
    for batch in batches:
        high = batch.column("id_hi").to_numpy()
        kept.append(high[high <= greatest])
        count += len(kept[-1])
        if count > 2 * SAMPLE_ROWS:
            kept = [_different(kept)[:SAMPLE_ROWS]]
            count = len(kept[0])
            if count == SAMPLE_ROWS:
                greatest = int(kept[0][-1])
    if count > SAMPLE_ROWS:
        different = _different(kept)
        if len(different) >= SAMPLE_ROWS:
            greatest = int(different[SAMPLE_ROWS - 1])
    return greatest


def _different(parts: list[Ints]) -> Ints:
    # A sort, where `np.unique` fills a hash set at ten times the cost.
    ascending: Ints = np.sort(np.concatenate(parts))
    is_first = np.ones(len(ascending), np.bool_)
    is_first[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_first]


def _sample(batches: Iterator[pa.RecordBatch], greatest: int) -> pa.Table:
    """At most `SAMPLE_ROWS` rows, one per id: those with the smallest id hashes."""
    kept: list[pa.Table] = []
    count = 0
    for batch in batches:
        below = batch.column("id_hi").to_numpy() <= greatest
        kept.append(pa.table(batch).select(SAMPLED).filter(pa.array(below)))
        count += len(kept[-1])
        # Only ids that come again and again make more of them.
        if count > 2 * SAMPLE_ROWS:
            kept = [_smallest(pa.concat_tables(kept))]
            count = len(kept[0])
    return _smallest(pa.concat_tables(kept)) if kept else pa.schema([]).empty_table()


def _smallest(rows: pa.Table) -> pa.Table:
    payload, low, high = (rows[name].to_numpy() for name in ("payload_hash", "id_lo", "id_hi"))
    order = np.lexsort((payload, low, high))
    first = np.ones(len(order), np.bool_)
    high, low = high[order], low[order]
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    chosen = order[first][:SAMPLE_ROWS]
    if len(chosen) == len(rows):
        return rows
    mask = np.zeros(len(rows), np.bool_)
    mask[chosen] = True
    return rows.filter(pa.array(mask))
