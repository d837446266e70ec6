"""Predictions that were sent again with another event time, written down so that they count once.

A retry has the event time of the first try, so that both fall into one window, where the kernel
drops one. A sender that stamps its retries anew puts the same id into two windows; only a look
over all of them finds that. The earliest time wins, and the others are listed here for the kernel.
The list only grows: should a still earlier copy come, the one that won until then joins it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.events.schema import EVENTS, Kind
from monitor.log import read
from monitor.log.changes import Changes, changes
from monitor.log.events import EventLog
from monitor.log.files import Layout
from monitor.log.ledger import WINDOWS, Range, windows_of, windows_text
from monitor.log.store import Store, Table

Ints = NDArray[np.int64]

MOVED: Final = pa.schema(
    [EVENTS.field(n) for n in ("day", "kind", "model", "id_hi", "id_lo", "event_time")]
)
"""Columns of `moved`: which row of `events` does not count."""

LAYOUT: Final = Layout(
    schema=MOVED,
    partition_by=("day", "kind"),
    sort_by=("model", "event_time"),
    statistics=("model", "event_time"),
    unique=frozenset(("id_hi", "id_lo")),
)

JOB: Final = "moved"
"""Transaction id under which the table keeps the version of `events` that was looked at."""

MOST: Final = 1_000_000
"""Ids that are sought at a time, in one scan of their model; each takes 200 bytes meanwhile."""

BEGIN, END = datetime(1678, 1, 1, tzinfo=UTC), datetime(2261, 1, 1, tzinfo=UTC)

COLUMNS: Final = ("id_hi", "id_lo", "event_time")


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Rows of events by id and time, each array of shape (n,).

    Attributes:
        high: upper half of the id's hash.
        low: lower half of it.
        time: event time [µs].
    """

    high: Ints
    low: Ints
    time: Ints

    @classmethod
    def of(cls, rows: pa.RecordBatch | pa.Table) -> Self:
        """Those of rows that have the columns `COLUMNS`."""
        time = rows["event_time"].cast(pa.int64()).to_numpy()
        return cls(rows["id_hi"].to_numpy(), rows["id_lo"].to_numpy(), time)

    @classmethod
    def together(cls, some: Sequence["Copies"]) -> Self:
        """The rows of all of these."""
        names = ("high", "low", "time")
        empty = [np.empty(0, np.int64)]
        return cls(*(np.concatenate([*(getattr(c, n) for c in some), *empty]) for n in names))

    def __len__(self) -> int:
        return len(self.low)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Some of the rows."""
        return type(self)(self.high[chosen], self.low[chosen], self.time[chosen])

    def distinct(self) -> Self:
        """The same in the order of ids and times, each once."""
        order = np.lexsort((self.time, self.high, self.low))
        sorted_ = self.where(order)
        return sorted_.where(~_same(sorted_, with_time=True))

    def holds(self, other: "Copies") -> NDArray[np.bool_]:
        """Which rows of another are among these, which are `distinct`; shape (len(other),)."""
        found = np.zeros(len(other), np.bool_)
        at = np.searchsorted(self.low, other.low)
        open_ = np.flatnonzero(at < len(self))
        # Rows that share the lower half follow each other; few do.
        while len(open_):
            place = at[open_]
            same = self.low[place] == other.low[open_]
            hit = same & (self.high[place] == other.high[open_])
            hit &= self.time[place] == other.time[open_]
            found[open_[hit]] = True
            open_ = open_[same & ~hit]
            at[open_] += 1
            open_ = open_[at[open_] < len(self)]
        return found

    def later(self, seconds: int) -> Self:
        """Of these, which are `distinct`, those outside the window of their id's earliest."""
        is_first = ~_same(self, with_time=False)
        window = self.time // (seconds * 1_000_000)
        earliest = window[np.flatnonzero(is_first)][np.cumsum(is_first) - 1]
        return self.where(window != earliest)


class MovedLog:
    """The table `moved`, held open by one thread."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def open(cls, store: Store) -> Self:
        """The table in a store, made if it is not there."""
        return cls(store.open("moved", LAYOUT))

    def version(self) -> int:
        """The newest version."""
        return self.table.version()

    def changes(self, after: int, upto: int) -> Changes:
        """Windows of which a row no longer counts."""
        return changes(self.table, after, upto)

    def looked(self) -> int | None:
        """Version of `events` up to which was looked; None before the first look."""
        mark = self.table.current().transaction_version(JOB)
        return None if mark is None else int(mark)

    def within(
        self, model: str, start: datetime, end: datetime, version: int | None = None
    ) -> Copies:
        """Rows of a model with a time in [start, end) that do not count, `distinct`."""
        table = self.table.current() if version is None else self.table.at(version)
        condition = read.all_of(f"model = {read.text(model)}", read.between(COLUMNS[2], start, end))
        return Copies.of(read.rows(table, MOVED, COLUMNS, condition).read_all()).distinct()

    def counts(self) -> dict[str, int]:
        """Rows that do not count, by model."""
        rows = read.rows(self.table.current(), MOVED, ["model"], "true").read_all()
        pairs = pc.value_counts(rows["model"].combine_chunks()).to_pylist()
        return {pair["values"]: pair["counts"] for pair in pairs}

    def append(self, log: EventLog, model: str, copies: Copies) -> None:
        """Write down that these rows of a model do not count."""
        time = pa.array(copies.time).cast(MOVED.field("event_time").type)
        unit = "month" if log.by_month else "day"
        day = pc.floor_temporal(time, unit=unit).cast(pa.timestamp("us")).cast(pa.date32())
        count = len(copies)
        kind = pa.repeat(Kind.PREDICTION.value, count)
        names = pa.repeat(model, count)
        arrays = [day, kind, names, pa.array(copies.high), pa.array(copies.low), time]
        rows = pa.Table.from_arrays(arrays, schema=MOVED)
        self.table.append(rows, metadata={WINDOWS: windows_text(windows_of(rows, 0.0))})


def look(log: EventLog, moved: MovedLog, seconds: Mapping[str, int]) -> int:
    """Number of rows that were found not to count; a look that dies may be taken again.

    Only ids that came since the last look are sought, among all rows of their model.

    Args:
        log: where.
        moved: what is known.
        seconds: length of a model's windows [s], by model; others are left alone.

    Raises:
        LogError: the history does not go back to where the last look ended.
    """
    upto, before = log.version(), moved.looked()
    if before is not None and before >= upto:
        return 0
    touched: dict[str, Iterable[Range]] = {m: [_range(BEGIN, END)] for m in seconds}
    if before is not None:
        gained = log.changes(before, upto).windows
        touched = {m: ranges for (kind, m), ranges in gained.items() if kind == Kind.PREDICTION}
    count = 0
    for model, ranges in touched.items():
        for wanted in _pieces(log, model, ranges, upto) if model in seconds else ():
            later = _all_copies(log, model, wanted, upto).later(seconds[model])
            if len(later):
                fresh = later.where(~moved.within(model, BEGIN, END).holds(later))
                if len(fresh):
                    moved.append(log, model, fresh)
                count += len(fresh)
    moved.table.append(MOVED.empty_table(), marks={JOB: upto}, metadata={WINDOWS: "{}"})
    return count


def _pieces(log: EventLog, model: str, ranges: Iterable[Range], version: int) -> Iterator[Copies]:
    """The rows of some ranges of time, at most about `MOST` at once."""
    held: list[Copies] = []
    for start, end in ranges:
        span = datetime.fromtimestamp(0, UTC)
        begin, stop = span + timedelta(seconds=start), span + timedelta(seconds=end)
        for copies in _read(log, model, begin, stop, version):
            held.append(copies)
            if sum(map(len, held)) >= MOST:
                yield Copies.together(held)
                held = []
    if held:
        yield Copies.together(held)


def _all_copies(log: EventLog, model: str, wanted: Copies, version: int) -> Copies:
    """Every row of the model with one of these ids, `distinct`; maybe others."""
    low = np.sort(wanted.low)
    held: list[Copies] = []
    count = 0
    for copies in _read(log, model, BEGIN, END, version):
        at = np.minimum(np.searchsorted(low, copies.low), len(low) - 1)
        held.append(copies.where(low[at] == copies.low))
        count += len(held[-1])
        # Copies with the same time, which the kernel drops, must not fill the memory.
        if count > 2 * MOST:
            held = [Copies.together(held).distinct()]
            count = len(held[0])
    return Copies.together(held).distinct()


def _read(
    log: EventLog, model: str, start: datetime, end: datetime, version: int
) -> Iterator[Copies]:
    rows = log.scan(
        kind=Kind.PREDICTION, model=model, start=start, end=end, columns=COLUMNS, version=version
    )
    return map(Copies.of, rows)


def _range(start: datetime, end: datetime) -> Range:
    return int(start.timestamp()), int(end.timestamp())


def _same(rows: Copies, *, with_time: bool) -> NDArray[np.bool_]:
    """Whether each row is of the id of the one before, and of its time; shape (n,)."""
    same = np.zeros(len(rows), np.bool_)
    same[1:] = (rows.low[1:] == rows.low[:-1]) & (rows.high[1:] == rows.high[:-1])
    if with_time:
        same[1:] &= rows.time[1:] == rows.time[:-1]
    return same
