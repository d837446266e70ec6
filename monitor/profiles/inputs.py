"""The kernel of the family `inputs`: batches of predictions in, partial profiles out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.cards.contract import Contract
from monitor.profiles import columns
from monitor.profiles.accumulator import Accumulator, order_of
from monitor.profiles.bins import BinnedColumn, Binning, add_numbers, binning
from monitor.profiles.categories import Categories
from monitor.profiles.codes import MISSING, Interned, places_in
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.doubt import Doubt, doubts
from monitor.profiles.duplicates import CONFLICT, NEW, Seen
from monitor.profiles.family import Family
from monitor.profiles.inputs_layout import breach_names, group_layout, inputs_layout
from monitor.profiles.layout import Floats, Ints, Layout
from monitor.profiles.reference import Reference
from monitor.profiles.rows import EPOCH, Key, Partial
from monitor.profiles.segments import ALL, segment_name
from monitor.profiles.span import Span

COLUMNS: Final = (
    *("id_hi", "id_lo", "payload_hash", "event_time", "version", "stage"),
    *("numeric", "category", "attributes", "predicted_class", "predicted_value"),
    *("confidence", "violations", "probabilities", "score", "latency_ms"),
)
"""Columns of the event table that `InputsKernel.feed` may need; `InputsPlan.columns` says which."""


@dataclass(frozen=True)
class InputsPlan:
    """What the kernel must know of a model.

    Attributes:
        contract: of the model; rows under an older contract are left to another plan.
        reference: frozen reference, or None while there is none.
        dimensions: attributes, or several together, whose values get profiles of their own.
        seconds: length of a window [s].
        low_confidence: confidence below which a prediction counts as unsure, or None.
        near: distance from the threshold within which a prediction counts as near it.
        versions: those that are told apart, all others count as one; None tells all apart.
    """

    contract: Contract
    reference: Reference | None
    dimensions: tuple[tuple[str, ...], ...]
    seconds: int
    low_confidence: float | None = None
    near: float = 0.05
    versions: tuple[str, ...] | None = None
    layout: Layout = field(init=False)
    group: Layout = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", inputs_layout(self.contract, self.reference))
        object.__setattr__(self, "group", group_layout(self.contract, self.reference))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the event table that the kernel needs."""
        needless = set() if self.contract.classes else {"probabilities"}
        if self.reference is None or self.reference.score is None:
            needless.add("score")
        return tuple(name for name in COLUMNS if name not in needless)

    def values(self, attribute: str) -> tuple[str, ...]:
        """Values of an attribute that are followed; fixed, so that order changes nothing."""
        declared = next(a for a in self.contract.attributes if a.name == attribute).values
        if declared is not None:
            return declared
        return self.reference.groups.get(attribute, ()) if self.reference else ()


class InputsKernel:
    """Adds up batches of one model's predictions.

    `disputes()` after the last batch names the ids that came with several payloads; if there
    are any, the same rows are to be fed to a new kernel that is given them.
    """

    def __init__(self, plan: InputsPlan, disputes: Ints | None = None) -> None:
        self._plan = plan
        self._seen = Seen(disputes)
        self._versions = Interned(plan.versions)
        self._stages = Interned()
        self._all = _View(plan.layout, plan)
        self._groups = {dimension: _View(plan.group, plan) for dimension in plan.dimensions}
        self._left_out = Accumulator(Layout((Counts.part(("duplicates", "conflicts")),)))
        self._breaches = {name: i for i, name in enumerate(breach_names(plan.contract))}

    def disputes(self) -> Ints:
        """Ids that came with several payloads in this run, shape (d, 4)."""
        return self._seen.disputes()

    def feed(self, batch: pa.RecordBatch) -> None:
        """Add rows of the event table, with the columns of the plan."""
        window = _windows(batch.column("event_time"), self._plan.seconds)
        ids = [batch.column(n).to_numpy() for n in ("id_hi", "id_lo", "payload_hash")]
        verdict = self._seen.classify(window, *ids)
        version = self._versions.codes(batch.column("version"))
        stage = self._stages.codes(batch.column("stage"))
        left_out = np.flatnonzero(verdict != NEW)
        if len(left_out):
            key = (window[left_out], version[left_out], stage[left_out])
            slots = self._left_out.slots(*key)
            self._left_out.add(slots, np.where(verdict[left_out] == CONFLICT, 1, 0))
        rows = np.flatnonzero(verdict == NEW)
        if not len(rows):
            return
        read = _Read(batch, self._plan)
        slots = self._all.sums.slots(window[rows], version[rows], stage[rows])
        self._all.add(read, rows, slots, features=True)
        self._count_breaches(batch.column("violations"), rows, slots)
        for dimension, view in self._groups.items():
            code = self._group_code(read, dimension)[rows]
            some = np.flatnonzero(code != MISSING)
            if len(some):
                groups = view.sums.slots(slots[some], code[some])
                view.add(read, rows[some], groups, features=False)

    def _group_code(self, read: "_Read", dimension: Sequence[str]) -> Ints:
        """Code of each row's group, `MISSING` where an attribute is missing or not followed."""
        code = np.zeros(read.rows, np.int64)
        lost = np.zeros(read.rows, np.bool_)
        for attribute in dimension:
            values = self._plan.values(attribute)
            place = read.attribute(attribute)
            lost |= (place == MISSING) | (place >= len(values))
            code = code * len(values) + place
        return np.where(lost, MISSING, code)

    def _count_breaches(self, column: pa.Array, rows: Ints, slots: Ints) -> None:
        if column.null_count == len(column):
            return
        parent = pc.list_parent_indices(column).to_numpy()
        names = column.flatten().to_pylist()
        place = np.array([self._breaches.get(name, MISSING) for name in names], np.int64)
        slot_of = np.full(len(column), MISSING, np.int64)
        slot_of[rows] = slots
        counted = (slot_of[parent] != MISSING) & (place != MISSING)
        first = self._plan.layout.places[Counts.name(), columns.VIOLATIONS][1]
        self._all.sums.add(slot_of[parent[counted]], first + place[counted])

    def partials(self) -> Iterator[Partial]:
        """The profiles of all that was fed."""
        plan = self._plan
        left_out = {key: profile.ints for key, profile in self._left_out.profiles()}
        nothing = np.zeros(2, np.int64)
        keys = {key for key, _ in self._all.sums.profiles()}
        # A window of which only losers are left still says so.
        for key in left_out.keys() - keys:
            self._all.sums.slots(*(np.array([part]) for part in key))
        for key, profile in self._all.sums.profiles():
            duplicates, conflicts = left_out.get(key, nothing).tolist()
            rows = profile.get(Counts).of["rows"]
            yield Partial(self._key(key, ALL), profile, rows, duplicates, conflicts)
        whole = self._all.sums.keys()
        for dimension, view in self._groups.items():
            values = [plan.values(attribute) for attribute in dimension]
            found = sorted(view.sums.profiles(), key=lambda item: (whole[item[0][0]], item[0][1]))
            for (slot, code), profile in found:
                chosen = np.unravel_index(code, [len(known) for known in values])
                named = {
                    attribute: known[int(i)]
                    for attribute, known, i in zip(dimension, values, chosen, strict=True)
                }
                rows = profile.get(Counts).of["rows"]
                yield Partial(self._key(whole[slot], segment_name(named)), profile, rows)

    def _key(self, key: tuple[int, ...], segment: str) -> Key:
        window, version, stage = key
        return Key(
            family=Family.INPUTS,
            model=self._plan.contract.model,
            version=self._versions.texts[version],
            stage=self._stages.texts[stage],
            segment=segment,
            start=EPOCH + timedelta(seconds=window * self._plan.seconds),
            seconds=self._plan.seconds,
            reference=self._plan.reference.id if self._plan.reference else "",
        )


def _windows(times: pa.Array, seconds: int) -> Ints:
    """Number of the window since 1970 per row; negative before."""
    micros: Ints = times.cast(pa.int64()).to_numpy()
    return micros // (seconds * 1_000_000)


class _Read:
    """The columns of one batch as the kernel wants them, each decoded once, when asked."""

    def __init__(self, batch: pa.RecordBatch, plan: InputsPlan) -> None:
        self.rows = batch.num_rows
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

    def numeric(self) -> pa.Array:
        """Numbers of all rows, row after row."""
        return _flat(self._batch.column("numeric"), len(self._plan.contract.numeric))

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


class _View:
    """Sums of one division of the rows: all of them, or by the values of an attribute."""

    def __init__(self, layout: Layout, plan: InputsPlan) -> None:
        self.sums = Accumulator(layout)
        self._plan = plan
        places = layout.places
        contract = plan.contract
        self._rows_at = places[Counts.name(), columns.ROWS][1]
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

    def add(self, read: _Read, rows: Ints, slots: Ints, *, features: bool) -> None:
        """Add some rows of a batch to the profiles in these slots."""
        order = order_of(slots)
        rows, slots = rows[order], slots[order]
        self.sums.add(slots, self._rows_at)
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
                self._add_numbers(self._numeric, read.numeric(), rows, slots)
            category = read.category() if self._categories else None
            for i, (part, place) in enumerate(self._categories):
                assert category is not None
                self._add_places(place, len(part.spec["names"]), category[:, i], rows, slots)

    def _add_confidence(self, read: _Read, rows: Ints, slots: Ints) -> None:
        self._add_numbers(self._confidence, read.confidence, rows, slots)
        if self._plan.low_confidence is not None:
            values = read.confidence.to_numpy(zero_copy_only=False)[rows]
            # NaN, that is missing, is not below the line.
            self.sums.add(slots[values < self._plan.low_confidence], self._rows_at + 1)

    def _add_rest(self, read: _Read, rows: Ints, slots: Ints) -> None:
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
