"""A bounded, repeatable sample: the rows with the smallest hashes of their ids.

They are the same in any order of arrival, and those of a smaller sample are among them.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from monitor.profiles.layout import Ints

KEYS = ("id_hi", "id_lo", "payload_hash")
"""Columns that tell rows apart; a sample needs them beside its own."""

_FRESH = 16
"""Filtered batches that are copied into one: each keeps room for the vectors of all its rows."""

Batches = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
"""Rows from the start, with the columns that are named and maybe more, in any order."""


def smallest(batches: Batches, columns: Sequence[str], most: int) -> pa.Table:
    """At most so many rows, one per id: those with the smallest id hashes.

    Of several payloads of an id the one with the smallest hash is taken. Memory holds the sample.

    Args:
        batches: called twice, first for what costs little to read.
        columns: wanted, `KEYS` among them.
        most: rows [rows].
    """
    greatest = _greatest(batches(("id_hi",)), most)
    kept: list[pa.Table] = []
    fresh: list[pa.Table] = []
    count = 0
    for batch in batches(columns):
        below = batch.column("id_hi").to_numpy() <= greatest
        fresh.append(pa.table(batch).select(columns).filter(pa.array(below)))
        count += len(fresh[-1])
        if len(fresh) == _FRESH:
            kept.append(_joined(fresh).combine_chunks())
            fresh = []
        # Only ids that come again and again make more of them.
        if count > 2 * most:
            kept = [_first_of(_joined([*kept, *fresh]), most)]
            fresh = []
            count = len(kept[0])
    kept += fresh
    return _first_of(_joined(kept), most) if kept else pa.schema([]).empty_table()


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).unify_dictionaries()


def _greatest(batches: Iterator[pa.RecordBatch], most: int) -> int:
    """Upper half of an id's hash that none of the sample exceeds."""
    kept: list[Ints] = []
    count = 0
    greatest = int(np.iinfo(np.int64).max)
    for batch in batches:
        high = batch.column("id_hi").to_numpy()
        kept.append(high[high <= greatest])
        count += len(kept[-1])
        if count > 2 * most:
            kept = [_different(kept)[:most]]
            count = len(kept[0])
            if count == most:
                greatest = int(kept[0][-1])
    if count > most:
        different = _different(kept)
        if len(different) >= most:
            greatest = int(different[most - 1])
    return greatest


def _different(parts: list[Ints]) -> Ints:
    # A sort, where `np.unique` fills a hash set at ten times the cost.
    ascending: Ints = np.sort(np.concatenate(parts))
    is_first = np.ones(len(ascending), np.bool_)
    is_first[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_first]


def _first_of(rows: pa.Table, most: int) -> pa.Table:
    payload, low, high = (rows[name].to_numpy() for name in ("payload_hash", "id_lo", "id_hi"))
    order = np.lexsort((payload, low, high))
    first = np.ones(len(order), np.bool_)
    high, low = high[order], low[order]
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    chosen = order[first][:most]
    if len(chosen) == len(rows):
        return rows
    mask = np.zeros(len(rows), np.bool_)
    mask[chosen] = True
    return rows.filter(pa.array(mask))
