"""A bounded sample of the reference's rows, and which of its windows each is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.control.multivariate import FEWEST_WINDOWS, LEAST
from monitor.jobs import references
from monitor.jobs.sample import inputs_of
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.metrics.base import Undefined
from monitor.profiles.layout import Ints
from monitor.profiles.reference import Reference
from monitor.profiles.windows import Range, instant, seconds_of
from monitor.state.results import latest

MOST: Final = 10_000
"""Rows of a sample: with more, Evidently and the classifier only become slower [rows]."""

WINDOWS: Final = 10
"""Windows of the reference that are sampled one by one, evenly over it."""

MOST_READ: Final = 3_000_000
"""Rows of such windows that are read together, as far as five windows allow [rows]."""


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceRows:
    """Rows of the reference.

    Attributes:
        id: of the reference.
        rows: n of them, one chunk, with `monitor.jobs.sample.INPUTS`.
        windows: window that each is of, shape (n,); all 0 where windows are not told apart.
    """

    id: str
    rows: pa.Table
    windows: Ints


def reference_rows(parts: Opened, card: Card) -> ReferenceRows | Undefined:
    """At most `MOST` rows of the reference in force, the same in any order of arrival.

    Of each of some published windows as many; of the reference as a whole, where its windows
    are few or small.
    """
    reference = references.in_force(parts.state, Definitions.open(parts.store), card)
    if reference is None:
        return Undefined("no reference; run: mbm reference set")
    if reference.span is None:
        return Undefined(
            "the rows of the reference are not in the log; choose a window or a version of it:"
            " mbm reference set"
        )
    spans = _windows(parts, card, reference) or [reference.span]
    version = reference.of_version or None
    tables = [
        inputs_of(parts, card, span, version=version, most=MOST // len(spans)) for span in spans
    ]
    some = [table for table in tables if table.num_rows]
    if not some:
        return Undefined("the log no longer holds the rows of the reference")
    rows = pa.concat_tables(some).unify_dictionaries().combine_chunks()
    windows = np.repeat(np.arange(len(some)), [len(table) for table in some])
    return ReferenceRows(reference.id, rows, windows)


def rows_before(parts: Opened, card: Card, span: Range) -> ReferenceRows | Undefined:
    """The same of any span in place of the reference, its windows not told apart."""
    rows = inputs_of(parts, card, span, most=MOST)
    if not rows.num_rows:
        return Undefined(f"no predictions from {instant(span[0])} to {instant(span[1])}")
    return ReferenceRows("", rows, np.zeros(len(rows), np.int64))


def _windows(parts: Opened, card: Card, reference: Reference) -> Sequence[Range]:
    """Published windows of the reference, evenly over it; none where they are few or small."""
    assert reference.span is not None
    start, end = reference.span
    rows = latest(
        parts.state,
        model=card.model,
        metric="predictions",
        version=reference.of_version or None,
        segment="",
        window_kind="publish",
        since=instant(start),
        until=instant(end),
    )
    counts: dict[Range, int] = {}
    for row in rows:
        span = seconds_of(row.start), seconds_of(row.end)
        if row.value and not row.stage and span[0] >= start and span[1] <= end:
            counts[span] = counts.get(span, 0) + int(row.value)
    # Halves of them by chance, of which one may be somewhat smaller.
    large = [span for span, count in sorted(counts.items()) if count >= 3 * LEAST]
    if len(large) < FEWEST_WINDOWS:
        return ()
    usual = int(median(counts[span] for span in large))
    most = min(max(MOST_READ // usual, FEWEST_WINDOWS), WINDOWS, len(large))
    places = np.linspace(0, len(large) - 1, most).round().astype(int)
    return [large[place] for place in dict.fromkeys(places.tolist())]
