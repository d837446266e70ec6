"""The columns of a batch of predictions, and the profiles of one division of its rows."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.profiles import columns
from monitor.profiles.accumulator import Accumulator, order_of
from monitor.profiles.bins import BinnedColumn, Binning, add_numbers, binning
from monitor.profiles.categories import Categories
from monitor.profiles.codes import MISSING, places_in
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.doubt import Doubt, doubts
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Floats, Ints, Layout
from monitor.profiles.novel import Surprise, of_categories, of_numbers
from monitor.profiles.span import Span


class Read:
    """The columns of one batch as the kernel wants them, each decoded once, when asked."""

    def __init__(
        self, batch: pa.RecordBatch, plan: InputsPlan, surprise: Surprise | None = None
    ) -> None:
        self.rows = batch.num_rows
        self._surprise = surprise
        self._batch = batch
        self._plan = plan
        contract = plan.contract
        names = [plan.values(a.name) for a in contract.attributes]
        attributes = _flat(batch.column("attributes"), len(names))
        self._attributes = places_in(attributes, names) if names else np.empty((self.rows, 0))
        self.confidence = batch.column("confidence")
        self.predicted_value = batch.column("predicted_value")
        self.latency = batch.column("latency_ms")
        self.predicted_class = places_in(batch.column("predicted_class"), [contract.classes])

    def attribute(self, name: str) -> Ints:
        """Place of each row's value among those followed."""
        index = [a.name for a in self._plan.contract.attributes].index(name)
        return self._attributes[:, index].astype(np.int64)

    def score(self) -> pa.Array:
        """Score of all rows."""
        return self._batch.column("score")

    def seconds(self) -> Floats:
        """Unix time of all rows."""
        micros: Ints = self._batch.column("event_time").cast(pa.int64()).to_numpy()
        return micros / 1e6

    def doubts(self) -> Doubt:
        """How undecided the probabilities of all rows are."""
        contract = self._plan.contract
        return doubts(
            self._batch.column("probabilities"),
            len(contract.classes),
            None if contract.positive is None else contract.classes.index(contract.positive),
            0.5 if contract.threshold is None else contract.threshold,
            self._plan.near,
        )

    @cached_property
    def numeric(self) -> pa.Array:
        """Numbers of all rows, row after row."""
        return _flat(self._batch.column("numeric"), len(self._plan.contract.numeric))

    @cached_property
    def novel(self) -> NDArray[np.bool_]:
        """Whether each row is unlike the reference; none is where that cannot be told."""
        surprise, contract = self._surprise, self._plan.contract
        total = np.zeros(self.rows)
        if surprise is None:
            return total > 0
        if numeric := [columns.feature(f.name) for f in contract.numeric]:
            total += of_numbers(
                surprise, _binned(self._plan.layout, numeric), numeric, self.numeric
            )
        if category := [columns.feature(f.name) for f in contract.category]:
            total += of_categories(surprise, category, self.category)
        found: NDArray[np.bool_] = surprise.scaled(total) > columns.NOVEL_FROM
        return found

    @cached_property
    def category(self) -> Ints:
        """Place of each category among the known ones, shape (rows, categories)."""
        contract = self._plan.contract
        reference = self._plan.reference
        known = [
            reference.category.get(f.name, ()) if reference else (f.categories or ())
            for f in contract.category
        ]
        return places_in(_flat(self._batch.column("category"), len(known)), known)


def _flat(column: pa.Array, width: int) -> pa.Array:
    """The lists' items end to end.

    Raises:
        ValueError: a row's vector is not as long as its contract says.
    """
    flat = column.flatten()
    if len(flat) != width * len(column):
        raise ValueError(f"vectors of {width} expected; the rows are of another contract")
    return flat


class View:
    """Sums of one division of the rows: all of them, or by the values of an attribute."""

    def __init__(self, layout: Layout, plan: InputsPlan) -> None:
        self.sums = Accumulator(layout)
        self._plan = plan
        places = layout.places
        contract = plan.contract
        self._rows_at = places[Counts.name(), columns.ROWS][1]
        novel = places.get((Counts.name(), columns.NOVELTY))
        self._novel_at = None if novel is None else novel[1]
        self._confidence = _binned(layout, [columns.CONFIDENCE])
        self._value = None if contract.classes else _binned(layout, [columns.PREDICTION])
        self._class_at = places[Categories.name(), columns.PREDICTION][1] if contract.classes else 0
        if (Span.name(), columns.EVENT_TIME) in places:
            self._span_at = places[Span.name(), columns.EVENT_TIME][2]
            self._latency = _binned(layout, [columns.LATENCY])
            doubt = [columns.ENTROPY, columns.MARGIN] if contract.classes else []
            self._doubt = _binned(layout, doubt) if doubt else None
            has_score = (Distribution.name(), columns.SCORE) in places
            self._score = _binned(layout, [columns.SCORE]) if has_score else None
        numeric = [columns.feature(f.name) for f in contract.numeric]
        category = [columns.feature(f.name) for f in contract.category]
        has_features = all((Distribution.name(), name) in places for name in numeric)
        self._numeric = _binned(layout, numeric) if numeric and has_features else None
        self._categories = [
            places[Categories.name(), name][:2]
            for name in category
            if (Categories.name(), name) in places
        ]

    def add(self, read: Read, rows: Ints, slots: Ints, *, features: bool) -> None:
        """Add some rows of a batch to the profiles in these slots."""
        order = order_of(slots)
        rows, slots = rows[order], slots[order]
        self.sums.add(slots, self._rows_at)
        if self._novel_at is not None:
            self.sums.add(slots[read.novel[rows]], self._novel_at)
        self._add_confidence(read, rows, slots)
        if self._value:
            self._add_numbers(self._value, read.predicted_value, rows, slots)
        else:
            self._add_places(
                self._class_at,
                len(self._plan.contract.classes),
                read.predicted_class[:, 0],
                rows,
                slots,
            )
        if features:
            self._add_rest(read, rows, slots)
            if self._numeric:
                self._add_numbers(self._numeric, read.numeric, rows, slots)
            category = read.category if self._categories else None
            for i, (part, place) in enumerate(self._categories):
                assert category is not None
                self._add_places(place, len(part.spec["names"]), category[:, i], rows, slots)

    def _add_confidence(self, read: Read, rows: Ints, slots: Ints) -> None:
        self._add_numbers(self._confidence, read.confidence, rows, slots)
        if self._plan.low_confidence is not None:
            values = read.confidence.to_numpy(zero_copy_only=False)[rows]
            # NaN, that is missing, is not below the line.
            self.sums.add(slots[values < self._plan.low_confidence], self._rows_at + 1)

    def _add_rest(self, read: Read, rows: Ints, slots: Ints) -> None:
        """Add what the profile of all rows alone holds of the outputs."""
        begins = np.flatnonzero(np.diff(slots, prepend=-1))
        times = read.seconds()[rows]
        self.sums.reach(slots[begins], self._span_at, np.minimum.reduceat(times, begins))
        self.sums.reach(slots[begins], self._span_at, np.maximum.reduceat(times, begins))
        self._add_numbers(self._latency, read.latency, rows, slots)
        if self._score:
            self._add_numbers(self._score, read.score(), rows, slots)
        if self._doubt:
            doubt = read.doubts()
            column = pa.array(doubt.values.reshape(-1), mask=np.isnan(doubt.values).reshape(-1))
            self._add_numbers(self._doubt, column, rows, slots)
            self.sums.add(slots[doubt.near[rows]], self._rows_at + 2)

    def _add_places(self, first: int, known: int, places: Ints, rows: Ints, slots: Ints) -> None:
        chosen = places[rows]
        # Known names, then others, then missing.
        self.sums.add(slots, first + np.where(chosen == MISSING, known + 1, chosen))

    def _add_numbers(self, binned: Binning, column: pa.Array, rows: Ints, slots: Ints) -> None:
        validity, data = column.buffers()
        values = np.frombuffer(data, np.float64) if data else np.empty(0)
        bitmap = validity if column.null_count else None
        add_numbers(
            binned,
            values,
            np.frombuffer(bitmap, np.uint8) if bitmap else np.empty(0, np.uint8),
            column.offset,
            rows,
            slots,
            self.sums.ints,
            self.sums.lows,
            self.sums.highs,
        )


def _binned(layout: Layout, names: Sequence[str]) -> Binning:
    """How the kernel bins these columns of a layout."""
    columns_of = []
    for name in names:
        part, place, extreme = layout.places[Distribution.name(), name]
        spec = part.spec
        columns_of.append(BinnedColumn(spec["edges"], spec["shift"], spec["scale"], place, extreme))
    return binning(columns_of)
