"""Batches of raw messages as rows of the log: quick for many, exact for each."""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from monitor.events.adapters import Letters, SourceFormat, adapted, adapter_of
from monitor.events.alike import Templates
from monitor.events.batch import Decoded, RawBatch, Tally
from monitor.events.learn import learned
from monitor.events.limits import Breaches
from monitor.events.models import ModelEvents
from monitor.events.part import Bin, Part, joined, part_of
from monitor.events.privacy import HashKey
from monitor.events.quarantine import Refused
from monitor.events.rows import Book, version_counts
from monitor.events.schema import EVENTS, Kind
from monitor.events.screen import sorted_out
from monitor.events.shapes import Shape
from monitor.events.single import Clock, Reading, Roster, reading
from monitor.events.strict import Rejection
from monitor.events.table import Partition, Place, events_table, quarantine_table
from monitor.events.times import EARLIEST, micros

CHUNK = 2_500
"""Messages that are decoded together: what is made of them fits the processor's cache."""

MOST_CHUNK = 20_000
"""Messages that are decoded together of models whose events differ: each needs some of its own."""

CHUNK_BYTES = 12 << 20
"""Bytes of the messages that are decoded together: the places of their quotes may take eight
times as many."""

MOST_KEYS = 200
"""Unknown keys that are counted by name in one batch; the others count as "other"."""


@dataclass(slots=True)
class _Harvest:
    """What has been made of a batch so far."""

    parts: dict[Kind, list[Part]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[int, Rejection] = field(default_factory=dict)
    breaches: dict[int, Sequence[str]] = field(default_factory=dict)
    exact: dict[type[Struct], Bin] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)


class Decoder:
    """Turns batches of raw messages into rows of the log.

    Every message has one verdict, whatever batch it travels in. Messages that differ from one
    before in nothing but values are read as columns (`alike`). The others are decoded as typed
    structs (`screen`), and only those in which every text is accounted for and whose time is in
    order are taken. What is left is read alone (`single.reading`), which also says why a message
    is refused.
    """

    def __init__(
        self,
        models: Mapping[str, ModelEvents],
        formats: Mapping[str, SourceFormat],
        keys: HashKey,
        max_ahead: timedelta = timedelta(minutes=5),
        partition: Partition = "day",
        limit: int = 1_000_000,
        *,
        quick: bool = True,
        fewest: int = 128,
    ) -> None:
        """A decoder for these models.

        Args:
            models: by name.
            formats: by name of the source; any other source is native and names its models.
            keys: under which subjects and reviewers are hashed.
            max_ahead: how far an event may lie ahead of the clock.
            partition: whether the log keeps a partition per day or per month.
            limit: largest allowed message [bytes].
            quick: False reads every message alone: the same rows and reasons, ten times slower.
            fewest: messages that must be alike for columns to pay; see `Templates`.

        Raises:
            SourceError: a source's format does not fit its model.
        """
        names = sorted(models)
        self._book = Book.of([models[name] for name in names], keys)
        self._max_ahead, self._partition, self._limit = max_ahead, partition, limit
        self._formats, self._quick = formats, quick
        self._templates = Templates(fewest)
        self._adapters = {name: adapter_of(form, models) for name, form in formats.items()}
        self._named = {
            name: Shape(i, models[name].contract, False, {}) for i, name in enumerate(names)
        }
        nobody = Shape(len(names), None, True, {})
        self._implied: dict[str | None, Shape] = {None: nobody}
        for form in formats.values():
            if form.model in self._named:
                code = self._named[form.model].code
                self._implied[form.model] = Shape(code, models[form.model].contract, True, {})
        self._numeric = [not m.contract.classes for m in self._book.models] + [True]

    def decode(
        self, batch: RawBatch, *, now: datetime, kept_from: Mapping[str, datetime] | None = None
    ) -> Decoded:
        """The batch as rows, every message accounted for.

        Args:
            batch: of one source.
            now: the clock, aware.
            kept_from: by model the first instant that the log still keeps; earlier events are
                refused as too late.
        """
        with _without_collection():
            return self._decode(batch, now, kept_from or {})

    def _decode(self, batch: RawBatch, now: datetime, kept_from: Mapping[str, datetime]) -> Decoded:
        clock = self._clock(now, kept_from)
        letters = adapted(batch.values, self._adapters.get(batch.source), self._limit)
        harvest = _Harvest()
        form = self._formats.get(batch.source, SourceFormat())
        layouts = len({shape.layout for shape in self._named.values()})
        for chunk in _chunks(letters.messages, min(CHUNK * max(layouts, 1), MOST_CHUNK)):
            self._read(letters.messages[chunk], chunk.start, form.model, clock, harvest)
        for bins in _by_kind(harvest.exact.values()).items():
            harvest.parts[bins[0]].append(part_of(*bins, self._numeric))
        place = Place.of(batch, self._partition, now)
        return self._decoded(letters, harvest, place)

    def _clock(self, now: datetime, kept_from: Mapping[str, datetime]) -> Clock:
        earliest = np.full(len(self._book.models) + 1, EARLIEST, np.int64)
        for name, instant in kept_from.items():
            if name in self._named:
                earliest[self._named[name].code] = micros(instant)
        return Clock(micros(now + self._max_ahead), earliest)

    def _read(
        self,
        messages: Sequence[bytes | None],
        start: int,
        model: str | None,
        clock: Clock,
        harvest: _Harvest,
    ) -> None:
        roster = Roster(self._named, self._implied.get(model, self._implied[None]))
        left = list(range(start, start + len(messages)))
        if self._quick:
            parts, left = self._templates.read(messages, start, roster, self._limit)
            left += _kept(parts, clock, harvest)
            waiting = {at: messages[at - start] for at in left}
            left = self._parsed(waiting, roster, clock, harvest) if waiting else []
        readings = []
        for at in left:
            try:
                found_alone = reading(messages[at - start], roster, clock, self._limit)
            except Rejection as rejection:
                harvest.refused[at] = rejection
                continue
            readings.append(found_alone)
            _gather(found_alone, at, harvest)
        self._learn(readings)

    def _parsed(
        self,
        messages: Mapping[int, bytes | None],
        roster: Roster,
        clock: Clock,
        harvest: _Harvest,
    ) -> list[int]:
        """Take in what the typed parser reads, by place in the batch; the places of the others."""
        quick = {name.encode(): shape for name, shape in roster.shapes.items()}
        bins, left = sorted_out(messages, quick, roster.default, self._limit)
        for kind, found in _by_kind(bins.values()).items():
            part = part_of(kind, found, self._numeric)
            left += _kept([(kind, part)], clock, harvest)
            self._templates.learn(kind, part, messages, {b.shape.code: b.shape for b in found})
        return left

    def _learn(self, readings: Sequence[Reading]) -> None:
        if not any(found.strangers for found in readings):
            return
        for known in (self._named, self._implied):
            new = learned(known.values(), readings)
            for name, shape in known.items():
                known[name] = new.get(shape, shape)  # type: ignore[index]

    def _decoded(self, letters: Letters, harvest: _Harvest, place: Place) -> Decoded:
        batch = place.batch
        tables: list[pa.Table] = []
        versions: Counter[tuple[str, str]] = Counter()
        stored = np.zeros(len(batch.values), np.bool_)
        for kind in sorted(harvest.parts):
            part = joined(harvest.parts[kind])
            for name, rows in part.extras.items():
                harvest.keys[name] += len(rows)
            breaches = _breaches(part, harvest)
            part = part.moved(letters.origin)
            stored[part.at] = True
            tables.append(events_table(kind, part, breaches, self._book, place))
            versions.update(version_counts(part, self._book))
        refused = {int(letters.origin[at]): why for at, why in harvest.refused.items()}
        refused |= letters.refused
        if refused:
            tables.append(quarantine_table(_refused(batch, refused), place))
        tables.sort(key=lambda table: table["kind"][0].as_py())
        return Decoded(
            rows=pa.concat_tables(tables) if tables else EVENTS.empty_table(),
            tallies=_tallies(batch, stored, refused, letters.ignored),
            unknown_versions=versions,
            unknown_keys=_bounded(harvest.keys),
        )


@contextmanager
def _without_collection() -> Iterator[None]:
    # Thousands of tuples at a time set off Python's collector of cycles, a third of the cost,
    # though nothing here makes a cycle.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _chunks(messages: Sequence[bytes | None], most: int) -> Iterator[slice]:
    """Stretches of at most `most` messages and `CHUNK_BYTES`, but of at least one message."""
    ends = np.cumsum([len(message or b"") for message in messages])
    start = 0
    while start < len(messages):
        before = ends[start - 1] if start else 0
        fitting = int(np.searchsorted(ends, before + CHUNK_BYTES, side="right"))
        end = min(max(fitting, start + 1), start + most)
        yield slice(start, end)
        start = end


def _by_kind(bins: Iterable[Bin]) -> dict[Kind, list[Bin]]:
    found: dict[Kind, list[Bin]] = defaultdict(list)
    for b in bins:
        found[b.shape.kinds[type(b.rows[0])]].append(b)
    return found


def _is_good(part: Part, clock: Clock) -> NDArray[np.bool_]:
    """Rows that can be taken without being read alone, shape (n,)."""
    times = part.columns["event_time"].cast(pa.int64()).fill_null(clock.latest + 1).to_numpy()
    in_time = (times <= clock.latest) & (times >= clock.earliest[part.codes])
    result: NDArray[np.bool_] = in_time & ~part.doubtful
    return result


def _kept(parts: Iterable[tuple[Kind, Part]], clock: Clock, harvest: _Harvest) -> list[int]:
    """Take in the rows that are good; the places of the others."""
    left: list[int] = []
    for kind, part in parts:
        good = _is_good(part, clock)
        if good.all():
            harvest.parts[kind].append(part)
            continue
        left += part.at[~good].tolist()
        if good.any():
            harvest.parts[kind].append(part.only(good))
    return left


def _gather(found: Reading, at: int, harvest: _Harvest) -> None:
    rows = harvest.exact.setdefault(type(found.row), Bin(found.shape))
    rows.rows.append(found.row)
    rows.at.append(at)
    rows.texts.append(-1)
    if found.violations:
        harvest.breaches[at] = found.violations
    for place, name, _ in found.strangers:
        harvest.keys[name if place == found.kind else f"{place}.{name}"] += 1


def _breaches(part: Part, harvest: _Harvest) -> Breaches:
    if not harvest.breaches:
        return []
    return [
        (row, text)
        for row, at in enumerate(part.at.tolist())
        for text in harvest.breaches.get(at, ())
    ]


def _refused(batch: RawBatch, refused: Mapping[int, Rejection]) -> list[Refused]:
    return [
        Refused(at, batch.values[at], batch.headers[at] if batch.headers else None, refused[at])
        for at in sorted(refused)
    ]


def _tallies(
    batch: RawBatch,
    stored: NDArray[np.bool_],
    refused: Mapping[int, Rejection],
    ignored: Sequence[int],
) -> dict[str, Tally]:
    k = len(batch.partitions)
    received = np.bincount(batch.partition, minlength=k)
    good = np.bincount(batch.partition[stored], minlength=k)
    bad = np.bincount(batch.partition[sorted(refused)], minlength=k)
    other = np.bincount(batch.partition[list(ignored)], minlength=k)
    return {
        name: Tally(
            received=int(received[i]),
            stored=int(good[i]),
            quarantined=int(bad[i]),
            ignored={"no_mapping": int(other[i])} if other[i] else {},
            rows=int(good[i]),
        )
        for i, name in enumerate(batch.partitions)
    }


def _bounded(keys: Counter[str]) -> dict[str, int]:
    named = dict(sorted(keys.items(), key=lambda item: (-item[1], item[0]))[:MOST_KEYS])
    rest = keys.total() - sum(named.values())
    return {**named, "other": named.get("other", 0) + rest} if rest else named
