"""The kernel of the family `inputs`: batches of predictions in, partial profiles out."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.profiles import columns
from monitor.profiles.accumulator import Accumulator, side_by_side
from monitor.profiles.codes import MISSING, Interned
from monitor.profiles.counts import Counts
from monitor.profiles.duplicates import CONFLICT, NEW, Seen
from monitor.profiles.family import Family
from monitor.profiles.inputs_layout import breach_names
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.inputs_read import Read
from monitor.profiles.inputs_view import View
from monitor.profiles.inputs_whole import Whole
from monitor.profiles.layout import Ints, Layout
from monitor.profiles.rows import EPOCH, Key, Partial
from monitor.profiles.segments import ALL, segment_name


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
        self._all = View(plan.layout, plan)
        self._whole = Whole(self._all.sums, plan)
        self._groups = {dimension: View(plan.group, plan) for dimension in plan.dimensions}
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
        read = Read(batch, self._plan)
        slots = self._all.sums.slots(window[rows], version[rows], stage[rows])
        rows, slots = side_by_side(rows, slots)
        novel = self._whole.add(read, rows, slots)
        self._all.add(read, rows, slots, novel)
        self._count_breaches(batch.column("violations"), rows, slots)
        for dimension, view in self._groups.items():
            code = self._group_code(read, dimension)[rows]
            some = np.flatnonzero(code != MISSING)
            if len(some):
                groups = view.sums.slots(slots[some], code[some])
                view.add(read, *side_by_side(rows[some], groups), novel)

    def _group_code(self, read: Read, dimension: Sequence[str]) -> Ints:
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
