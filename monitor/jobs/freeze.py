"""A frozen reference from rows: bins from a repeatable sample, counts from all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs.bounded import Batches, smallest
from monitor.jobs.plan import inputs_plan
from monitor.profiles.inputs import InputsKernel
from monitor.profiles.layout import total
from monitor.profiles.reference import Reference, reference_of
from monitor.profiles.segments import ALL
from monitor.profiles.windows import DAY
from monitor.told import Told, tell_nobody

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


class NoRowsError(MonitorError):
    """A reference was to be made of rows, and there are none."""


def frozen(
    card: Card,
    batches: Batches,
    *,
    described: str = "",
    span: tuple[int, int] | None = None,
    of_version: str = "",
    told: Told = tell_nobody,
) -> Reference:
    """The reference made of these rows, duplicates left out.

    Args:
        card: of the model.
        batches: called three or four times; memory holds the sample alone.
        described: where the rows come from, in words.
        span: of time in which they lie, Unix seconds; None where they are not of the log.
        of_version: the version that they are of, "" for all.
        told: of the rows read, each time that they are.

    Raises:
        NoRowsError: there are none.
    """
    batches = _told_of(batches, told)
    sample = smallest(batches, SAMPLED, SAMPLE_ROWS)
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


def _told_of(batches: Batches, told: Told) -> Batches:
    """The same rows; the first time nobody knows how many there are."""
    counts: list[int] = []

    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        whole = counts[0] if counts else 0
        name = f"rows, reading {len(counts) + 1}"
        count = 0
        for batch in batches(columns):
            yield batch
            count += batch.num_rows
            told(name, count, whole)
        counts.append(count)

    return read
