"""The prediction of each row of feedback, found by hash among predictions that stream by."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from monitor.profiles.index import Index

Ints = NDArray[np.int64]

COLUMNS: Final = ("id_hi", "id_lo", "model", "event_time")
"""Columns of predictions that a search needs."""

NO_MODEL: Final = -1


@dataclass(frozen=True, slots=True)
class Wanted:
    """n searches.

    Attributes:
        hi: high half of the prediction's hash, shape (n,).
        lo: low half, shape (n,).
        model: code of the model in `models`, `NO_MODEL` where the feedback names none.
        models: names by code; grows by those of the predictions.
        earliest: Unix microseconds before which no prediction fits, shape (n,).
        latest: Unix microseconds from which on none fits, shape (n,).
    """

    hi: Ints
    lo: Ints
    model: Ints
    models: dict[str, int]
    earliest: Ints
    latest: Ints


@dataclass(frozen=True, slots=True)
class Found:
    """What n searches found.

    Attributes:
        models: how many models have such a prediction, shape (n,): 0 is not found, 2 ambiguous.
        model: name of the model where there is one, shape (n,).
        time: the earliest event time of the prediction in Unix microseconds, shape (n,).
    """

    models: Ints
    model: pa.StringArray
    time: Ints

    def part(self, start: int, count: int) -> Self:
        """What searches `start` to `start + count` found."""
        here = slice(start, start + count)
        return replace(
            self,
            models=self.models[here],
            model=self.model.slice(start, count),
            time=self.time[here],
        )


def probe(wanted: Wanted, predictions: Iterable[pa.RecordBatch]) -> Found:
    """What each search found.

    Memory grows with the searches and their hits, not with the predictions. A prediction that
    was sent again with another time counts with its earliest.

    Args:
        wanted: n searches.
        predictions: batches with `COLUMNS`.
    """
    searches = _Searches.of(wanted)
    hits = [_hits(wanted, searches, batch) for batch in predictions if len(batch)]
    n = len(wanted.lo)
    models, code, earliest = np.zeros(n, np.int64), np.full(n, NO_MODEL), np.zeros(n, np.int64)
    at, model, time = np.concatenate([np.empty((3, 0), np.int64), *hits], axis=1)
    # Per search and model the earliest time comes first.
    by = np.lexsort((time, model, at))
    at, model, time = at[by], model[by], time[by]
    first = np.ones(len(at), np.bool_)
    first[1:] = (at[1:] != at[:-1]) | (model[1:] != model[:-1])
    at, model, time = at[first], model[first], time[first]
    np.add.at(models, at, 1)
    code[at], earliest[at] = model, time
    names = pa.array(list(wanted.models), pa.string())
    return Found(models, names.take(pa.array(code, mask=code == NO_MODEL)), earliest)


@dataclass(frozen=True, slots=True, eq=False)
class _Searches:
    """The searches by what they seek; those of one id lie side by side.

    Attributes:
        index: the first search of each id.
        order: of the searches, shape (n,).
        start: where in `order` those of the same id begin, told of the first of them, shape (n,).
        count: how many they are, told of the first, shape (n,).
    """

    index: "Index"
    order: Ints
    start: Ints
    count: Ints

    @classmethod
    def of(cls, wanted: Wanted) -> Self:
        # Brings numba, which who only reads the log need not load.
        from monitor.profiles.index import Index

        index = Index.of(wanted.hi, wanted.lo, np.arange(len(wanted.lo)))
        first = index.find(wanted.hi, wanted.lo)
        count = np.bincount(first, minlength=len(first))
        return cls(index, np.argsort(first, kind="stable"), np.cumsum(count) - count, count)


def _hits(wanted: Wanted, searches: _Searches, batch: pa.RecordBatch) -> Ints:
    """Search, model and time of each fit in a batch, shape (3, hits)."""
    first = searches.index.find(*(batch.column(name).to_numpy() for name in ("id_hi", "id_lo")))
    inside = np.flatnonzero(first >= 0)
    if not len(inside):
        return np.empty((3, 0), np.int64)
    # One prediction may be sought by several rows.
    count = searches.count[first[inside]]
    row = np.repeat(inside, count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    at = searches.order[np.repeat(searches.start[first[inside]], count) + step]

    time = batch.column("event_time").cast(pa.int64()).to_numpy()[row]
    model = _codes(batch.column("model"), wanted.models)[row]
    fits = (
        ((wanted.model[at] == NO_MODEL) | (wanted.model[at] == model))
        & (wanted.earliest[at] <= time)
        & (time < wanted.latest[at])
    )
    return np.stack([at[fits], model[fits], time[fits]])


def _codes(names: pa.StringArray, codes: dict[str, int]) -> Ints:
    """Code of each name; null is `NO_MODEL`, a new name gets the next code."""
    encoded = names.dictionary_encode(null_encoding="encode")
    of_name = [
        NO_MODEL if name is None else codes.setdefault(name, len(codes))
        for name in encoded.dictionary.to_pylist()
    ]
    return np.asarray(np.array(of_name, np.int64)[encoded.indices.to_numpy()])


def codes_of(names: pa.ChunkedArray, codes: dict[str, int]) -> Ints:
    """Code of each model's name, as `Wanted` holds them."""
    return _codes(names.combine_chunks(), codes) if len(names) else np.empty(0, np.int64)
