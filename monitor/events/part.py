"""Structs of one kind, of many models, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import UNSET, Struct
from msgspec.structs import astuple
from numpy.typing import NDArray

from monitor.events.forms import Store
from monitor.events.kinds import FORMS
from monitor.events.schema import Kind
from monitor.events.shapes import Section, Shape
from monitor.events.values import (
    Column,
    Values,
    flag_column,
    flat_numbers,
    flat_texts,
    loose_texts,
    number_column,
    plain_numbers,
    text_column,
    time_column,
)


@dataclass(slots=True)
class Bin:
    """Structs of one type, in the order of their messages.

    Attributes:
        shape: under which they were decoded.
        rows: the structs, n of them.
        at: place of each one's message in the batch, n of them.
        texts: JSON texts in each one's message, n of them; -1 where they were not counted.
    """

    shape: Shape
    rows: list[Struct] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Values of a section of n rows end to end, in the order of each row's contract.

    Attributes:
        values: the values; NaN or null where one is missing.
        widths: values per row, shape (n,); 0 where a row has no such vector.
    """

    values: Any
    widths: NDArray[np.int64]

    def only(self, good: NDArray[np.bool_]) -> "Vectors":
        """The vectors of the rows for which `good` holds, shape (n,)."""
        kept = np.repeat(good, self.widths)
        is_numpy = isinstance(self.values, np.ndarray)
        values = self.values[kept] if is_numpy else self.values.filter(pa.array(kept))
        return Vectors(values, self.widths[good])


@dataclass(frozen=True, slots=True)
class Part:
    """n events of one kind.

    Attributes:
        at: place of each message in the batch, shape (n,).
        codes: code of each row's shape, shape (n,).
        columns: arrays of length n by key of the event; keys that no row has are left out.
        vectors: `numeric`, `category`, `attributes`, `probabilities`, `explanation`.
        doubtful: rows that only the exact way can read, shape (n,): some of their texts are not
            accounted for, or a time is not as Arrow reads it.
        extras: extra keys ("features.NAME") and the rows that have them.
    """

    at: NDArray[np.int64]
    codes: NDArray[np.int32]
    columns: Mapping[str, pa.Array]
    vectors: Mapping[str, Vectors]
    doubtful: NDArray[np.bool_]
    extras: Mapping[str, NDArray[np.int64]]

    def moved(self, origin: NDArray[np.int64]) -> "Part":
        """The same rows, `at` the origin of each message."""
        return replace(self, at=origin[self.at])

    def only(self, good: NDArray[np.bool_]) -> "Part":
        """The rows for which `good` holds, shape (n,)."""
        mask = pa.array(good)
        rank = np.cumsum(good) - 1
        return Part(
            self.at[good],
            self.codes[good],
            {name: array.filter(mask) for name, array in self.columns.items()},
            {name: vectors.only(good) for name, vectors in self.vectors.items()},
            self.doubtful[good],
            {name: rank[rows[good[rows]]] for name, rows in self.extras.items()},
        )


def part_of(kind: Kind, bins: Sequence[Bin], numeric: Sequence[bool]) -> Part:
    """The structs of these bins as one part.

    Args:
        kind: of all of them.
        bins: at least one, none of them empty.
        numeric: per shape code whether such a model's answers may be numbers.
    """
    return _Builder(kind, bins).part(numeric)


class _Builder:
    def __init__(self, kind: Kind, bins: Sequence[Bin]) -> None:
        self.kind, self.bins = kind, bins
        sizes = [len(b.rows) for b in bins]
        self.n = sum(sizes)
        self.spans = list(zip(bins, np.cumsum([0, *sizes[:-1]]).tolist(), sizes, strict=True))
        self.codes = np.repeat(np.array([b.shape.code for b in bins], np.int32), sizes)
        self.texts = np.full(self.n, 2, np.int64)  # the tag: its key and its value
        self.faulty = np.zeros(self.n, np.bool_)
        self.columns: dict[str, pa.Array] = {}
        self.vectors: dict[str, Vectors] = {}
        self.extras: dict[str, NDArray[np.int64]] = {}

    def part(self, numeric: Sequence[bool]) -> Part:
        tuples = list(chain.from_iterable(map(astuple, b.rows) for b in self.bins))
        names = self.bins[0].rows[0].__struct_fields__
        # Structs of other models may have more fields at the end (extras): zip stops before.
        raw = dict(zip(names, zip(*tuples, strict=False), strict=False))
        for name, form in FORMS[self.kind].items():
            if form.store is Store.ANSWER:
                self._answer(name, raw[name], numeric)
            else:
                self._keep(name, _COLUMN[form.store](raw[name]))
        self.texts += number_column(raw["schema"]).texts
        self._count_models()
        if self.kind is Kind.PREDICTION:
            self._sections(raw)
        self._envelope_extras()
        at = np.fromiter(chain.from_iterable(b.at for b in self.bins), np.int64, self.n)
        given = np.fromiter(chain.from_iterable(b.texts for b in self.bins), np.int64, self.n)
        doubtful = self.faulty | (given != self.texts)
        return Part(at, self.codes, self.columns, self.vectors, doubtful, self.extras)

    def _count_models(self) -> None:
        for b, start, size in self.spans:
            if b.shape.implied and b.shape.contract:
                self.texts[start : start + size] += loose_texts([row.model for row in b.rows])  # type: ignore[attr-defined]
            elif b.shape.contract:
                self.texts[start : start + size] += 2

    def _keep(self, name: str, column: Column) -> None:
        self.texts += column.texts
        if column.array is not None:
            self.columns[name] = column.array
        if column.faulty is not None:
            self.faulty |= column.faulty

    def _answer(self, name: str, values: Values, numeric: Sequence[bool]) -> None:
        self._keep(name, text_column(values))
        if any(numeric[b.shape.code] for b in self.bins):
            self.columns[f"{name}_value"] = plain_numbers(values)

    def _sections(self, raw: Mapping[str, Values]) -> None:
        features = self._opened("features", raw["features"])
        contracts = [(b.shape.contract, n) for b, _, n in self.spans]
        numbers = np.repeat([len(c.numeric) if c else 0 for c, _ in contracts], self._sizes)
        texts = np.repeat([len(c.category) if c else 0 for c, _ in contracts], self._sizes)
        split = [len(c.numeric) if c else 0 for c, _ in contracts]
        width = [len(c.features) if c else 0 for c, _ in contracts]
        self._numbers("numeric", _cut(features, [0] * len(split), split), numbers)
        self._texts("category", _cut(features, split, width), texts)
        attributes = self._opened("attributes", raw["attributes"])
        width = [len(c.attributes) if c else 0 for c, _ in contracts]
        widths = np.repeat(width, self._sizes)
        self._texts("attributes", _cut(attributes, [0] * len(width), width), widths)
        for name in ("probabilities", "explanation"):
            self._optional(name, raw[name])
        self._experiment(raw["experiment"])

    @property
    def _sizes(self) -> list[int]:
        return [n for _, _, n in self.spans]

    def _opened(self, name: str, values: Values) -> list[list[tuple[Any, ...]]]:
        """Tuples of a section's values per bin; of the empty section where a row has none."""
        self.texts += _keys(values)
        found = []
        for b, start, size in self.spans:
            section = b.shape.sections[name]
            rows = _tuples(values[start : start + size], section)
            if section.extras:
                self._section_extras(section, start, rows)
            found.append(rows)
        return found

    def _numbers(self, name: str, values: list[Any], widths: NDArray[np.int64]) -> None:
        flat, texts = flat_numbers(values, widths)
        self.vectors[name] = Vectors(flat, widths)
        self.texts += texts

    def _texts(self, name: str, values: list[Any], widths: NDArray[np.int64]) -> None:
        flat, texts = flat_texts(values, widths)
        self.vectors[name] = Vectors(flat, widths)
        self.texts += texts

    def _optional(self, name: str, values: Values) -> None:
        if values[0] is UNSET and values.count(UNSET) == self.n:
            return
        rows = self._opened(name, values)
        widths = [len(b.shape.sections[name].forms) for b in self.bins]
        flat = _cut(rows, [0] * len(widths), widths)
        full = np.repeat(widths, self._sizes)
        numbers, texts = flat_numbers(flat, full)
        self.texts += texts
        has = np.concatenate(
            [
                _is_a(b.shape.sections[name].struct, values[start : start + size])
                for b, start, size in self.spans
            ]
        )
        self.vectors[name] = Vectors(numbers[np.repeat(has, full)], np.where(has, full, 0))

    def _experiment(self, values: Values) -> None:
        if values[0] is UNSET and values.count(UNSET) == self.n:
            return
        rows = list(chain.from_iterable(self._opened("experiment", values)))
        for i, name in enumerate(("experiment", "variant")):
            self._keep(name, text_column([row[i] for row in rows]))

    def _section_extras(self, section: Section, start: int, rows: list[tuple[Any, ...]]) -> None:
        for i, name in enumerate(section.extras, len(section.forms)):
            self._extra(f"{section.name}.{name}", start, [row[i] for row in rows])

    def _envelope_extras(self) -> None:
        for b, start, _ in self.spans:
            for i, name in enumerate(b.shape.extras.get(self.kind.value, ())):
                self._extra(name, start, [getattr(row, f"x{i}") for row in b.rows])

    def _extra(self, name: str, start: int, values: Values) -> None:
        texts = loose_texts(values)
        self.texts[start : start + len(values)] += texts
        found = start + np.flatnonzero(texts)
        if len(found):
            before = self.extras.get(name, found[:0])
            self.extras[name] = np.concatenate((before, found))


_COLUMN = {
    Store.TEXT: text_column,
    Store.NUMBER: number_column,
    Store.FLAG: flag_column,
    Store.TIME: time_column,
}


def _keys(values: Values) -> NDArray[np.int64] | int:
    """Whether each row has the key of a section."""
    if values.count(UNSET) == 0:
        return 1
    return np.fromiter((v is not UNSET for v in values), np.int64, len(values))


def _is_a(struct: type[Struct], values: Values) -> NDArray[np.bool_]:
    """Which values are such structs, shape (n,)."""
    types = list(map(type, values))
    if types.count(struct) == len(types):
        return np.ones(len(types), np.bool_)
    return np.fromiter((found is struct for found in types), np.bool_, len(types))


def _tuples(values: Values, section: Section) -> list[tuple[Any, ...]]:
    try:
        return list(map(astuple, values))
    except TypeError:
        empty = section.empty
        return [astuple(v if isinstance(v, Struct) else empty) for v in values]


def _cut(rows: list[list[tuple[Any, ...]]], low: Sequence[int], high: Sequence[int]) -> list[Any]:
    """Values [low, high) of every tuple end to end; `low` and `high` per bin."""
    found: list[Any] = []
    for tuples, a, b in zip(rows, low, high, strict=True):
        is_whole = a == 0 and b == len(tuples[0])
        cut = tuples if is_whole else map(itemgetter(slice(a, b)), tuples)
        found.extend(chain.from_iterable(cut))
    return found


def joined(parts: Sequence[Part]) -> Part:
    """These parts end to end; at least one."""
    if len(parts) == 1:
        return parts[0]
    types = {name: array.type for p in parts for name, array in p.columns.items()}
    firsts = np.cumsum([0] + [len(p.at) for p in parts])
    extras: dict[str, list[NDArray[np.int64]]] = {}
    for first, part in zip(firsts, parts, strict=False):
        for name, rows in part.extras.items():
            extras.setdefault(name, []).append(rows + first)
    return Part(
        np.concatenate([p.at for p in parts]),
        np.concatenate([p.codes for p in parts]),
        {
            name: pa.concat_arrays(
                [p.columns[name] if name in p.columns else pa.nulls(len(p.at), t) for p in parts]
            )
            for name, t in types.items()
        },
        {name: _joined_vectors(name, parts) for name in {n for p in parts for n in p.vectors}},
        np.concatenate([p.doubtful for p in parts]),
        {name: np.concatenate(rows) for name, rows in extras.items()},
    )


def _joined_vectors(name: str, parts: Sequence[Part]) -> Vectors:
    found = [
        p.vectors.get(name) or Vectors(np.zeros(0), np.zeros(len(p.at), np.int64)) for p in parts
    ]
    values = [v.values for v in found]
    is_numpy = isinstance(values[0], np.ndarray)
    return Vectors(
        np.concatenate(values) if is_numpy else pa.concat_arrays(values),
        np.concatenate([v.widths for v in found]),
    )
