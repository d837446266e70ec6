"""The frozen reference of a model: bins, centres, categories, and the profile it has in them."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.cards.contract import Contract
from monitor.errors import LayoutMismatchError
from monitor.profiles.columns import NOVELTY
from monitor.profiles.counts import Counts
from monitor.profiles.layout import Floats, Layout, Profile

QUANTILES: Final = (
    *(0.001, 0.005, 0.02),
    *(step / 20 for step in range(1, 20)),
    *(0.98, 0.995, 0.999),
)
"""Edges of a numeric column. The outer six keep the tails apart: with equal-mass bins alone
the Wasserstein distance of a shift by half a standard deviation came out a quarter too large."""

DISTINCT: Final = 20
"""A column with at most this many different values has a bin per value."""

SCORE_CELLS: Final = 500
"""Most cells of the score. With as many rows in each, half the tied pairs are 0.1 % of all."""

CATEGORIES: Final = 50
"""Most frequent categories that are counted by name; the others together."""

GROUPS: Final = 50
"""Most frequent values of an attribute that are followed when the card declares none."""


@dataclass(frozen=True, slots=True)
class Bins:
    """How a number is binned.

    Attributes:
        edges: inner edges, finite and increasing.
        shift: the reference's mean, in the number's unit.
        scale: power of two nearest to its standard deviation; 1 for a constant.
    """

    edges: tuple[float, ...]
    shift: float
    scale: float


@dataclass(frozen=True)
class Reference:
    """What windows are compared with; never changed, only replaced by another.

    Attributes:
        model: name of the model.
        version: version it is the reference of; "" for all versions.
        contract: id of the contract whose columns it holds.
        described: where its rows came from, in words.
        rows: rows it rests on, duplicates left out [rows].
        numeric: bins per numeric feature that has any value.
        category: names per categorical feature, most frequent first.
        groups: values per attribute, most frequent first.
        prediction: bins of the prediction where a number is predicted, else None.
        score: bins of the score, None where no row has one.
        score_cells: inner edges of the cells of the score, for two classes; () where none has one.
        ints: integers of its own inputs profile.
        lows: smallest values of that profile, None where there is none.
        highs: largest values of it.
        span: first and first later moment of its rows in the log, Unix seconds; None of a file.
        of_version: the version that its rows are of, "" for all.
    """

    model: str
    version: str
    contract: str
    described: str
    rows: int
    numeric: Mapping[str, Bins]
    category: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[str, ...]]
    prediction: Bins | None = None
    score: Bins | None = None
    score_cells: tuple[float, ...] = ()
    ints: tuple[int, ...] = field(default=())
    lows: tuple[float | None, ...] = field(default=())
    highs: tuple[float | None, ...] = field(default=())
    span: tuple[int, int] | None = None
    of_version: str = ""

    @cached_property
    def definition(self) -> str:
        """Canonical JSON, from which `from_definition` makes the same reference."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of `definition`."""
        return hashlib.sha256(self.definition.encode()).hexdigest()[:16]

    @classmethod
    def from_definition(cls, text: str) -> Self:
        """The reference that `definition` was taken of."""
        raw: dict[str, Any] = json.loads(text)
        lists = {name: tuple(raw[name]) for name in ("score_cells", "ints", "lows", "highs")}
        return cls(
            **{
                **raw,
                **lists,
                "numeric": {name: _bins(bins) for name, bins in raw["numeric"].items()},
                "category": {name: tuple(names) for name, names in raw["category"].items()},
                "groups": {name: tuple(names) for name, names in raw["groups"].items()},
                **{name: raw[name] and _bins(raw[name]) for name in ("prediction", "score")},
                "span": None if raw.get("span") is None else tuple(raw["span"]),
            }
        )

    def profile(self, layout: Layout) -> Profile:
        """The profile of the reference's own rows, in the layout that its bins give.

        What is novel was not known when they were counted, so that none of them is.

        Raises:
            LayoutMismatchError: the layout is of another contract.
        """
        known = layout.places.get((Counts.name(), NOVELTY), (None, layout.ints, 0))[1]
        if len(self.ints) != known or len(self.lows) != layout.extremes:
            raise LayoutMismatchError(
                f"the reference of {self.model} is of another contract;"
                f" run: mbm reference set {self.model}"
            )
        return Profile(
            layout,
            np.array([*self.ints, *[0] * (layout.ints - known)], np.int64),
            np.array([math.inf if x is None else x for x in self.lows], np.float64),
            np.array([-math.inf if x is None else x for x in self.highs], np.float64),
        )

    def with_profile(self, profile: Profile, rows: int) -> Self:
        """The same bins with the profile that the reference's rows have in them."""
        return replace(
            self,
            rows=rows,
            ints=tuple(profile.ints.tolist()),
            lows=tuple(x if math.isfinite(x) else None for x in profile.lows.tolist()),
            highs=tuple(x if math.isfinite(x) else None for x in profile.highs.tolist()),
        )


def _bins(raw: Mapping[str, Any]) -> Bins:
    return Bins(tuple(raw["edges"]), raw["shift"], raw["scale"])


def bins_of(values: Floats) -> Bins | None:
    """Bins for a column with these values; None without any finite value.

    Args:
        values: what the reference holds, shape (n,); NaN and infinities are left out.

    >>> bins_of(np.array([0.0, 1.0, 1.0])).edges[1]
    0.5
    """
    finite = np.sort(values[np.isfinite(values)])
    if not len(finite):
        return None
    is_first = np.ones(len(finite), np.bool_)
    is_first[1:] = finite[1:] != finite[:-1]
    if np.count_nonzero(is_first) <= DISTINCT:
        distinct = finite[is_first]
        # Guards at both ends, so that a value never seen does not count as its neighbour.
        middles = distinct[:-1] / 2 + distinct[1:] / 2
        edges = np.array([distinct[0], *middles, np.nextafter(distinct[-1], np.inf)])
    else:
        edges = _quantiles(finite, QUANTILES)
    edges = edges[np.isfinite(edges)]
    # They ascend: `np.unique` would sort them again, and load a module for masks.
    edges = edges[np.diff(edges, prepend=-np.inf) > 0]
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(finite.std())
        centre = float(finite.mean())
    if not (math.isfinite(spread) and math.isfinite(centre)):
        # Values of the column itself, for between them an interpolation would overflow again.
        low, centre, high = _quantiles(finite, (0.25, 0.5, 0.75)).tolist()
        spread = high - low
    scale = 2.0 ** min(round(math.log2(spread)), 1023) if 0 < spread < math.inf else 1.0
    return Bins(tuple(edges.tolist()), centre, scale)


def cells_of(scores: Floats) -> tuple[float, ...]:
    """Inner edges of cells that hold about as many of the scores each; () without any.

    Of at most `SCORE_CELLS` different ones each has a cell.

    Args:
        scores: what the reference holds, shape (n,); NaN and infinities are left out.

    >>> cells_of(np.array([1.0, 2.0, 2.0, 4.0]))
    (1.5, 3.0)
    """
    finite = np.sort(scores[np.isfinite(scores)])
    different = np.unique(finite)
    if len(different) <= SCORE_CELLS:
        return tuple((different[:-1] / 2 + different[1:] / 2).tolist())
    return tuple(
        np.unique(_quantiles(finite, [i / SCORE_CELLS for i in range(1, SCORE_CELLS)])).tolist()
    )


def _quantiles(ascending: Floats, shares: Sequence[float]) -> Floats:
    """The least values that at least these shares of the values do not exceed.

    What `np.quantile` calls "inverted_cdf", for values that are sorted already.
    """
    places = np.ceil(len(ascending) * np.asarray(shares) - 1)
    found: Floats = ascending[np.clip(places, 0, len(ascending) - 1).astype(np.int64)]
    return found


def reference_of(
    contract: Contract, sample: pa.Table, *, version: str = "", described: str = ""
) -> Reference:
    """The bins for a model's reference, still without its profile.

    Args:
        contract: of the model.
        sample: rows of the reference or a fair, repeatable sample of them, with the columns
            numeric, category, attributes, predicted_value and score of the event table.
        version: version it is meant for, "" for all.
        described: where the rows came from.
    """
    table = sample.combine_chunks()
    numbers = _matrix(table["numeric"], len(contract.numeric))
    texts = _columns(table["category"], len(contract.category))
    attributes = _columns(table["attributes"], len(contract.attributes))
    numeric = {f.name: bins_of(numbers[:, i]) for i, f in enumerate(contract.numeric)}
    predicted, score = (
        table[name].to_numpy().astype(np.float64) for name in ("predicted_value", "score")
    )
    return Reference(
        model=contract.model,
        version=version,
        contract=contract.id,
        described=described,
        rows=table.num_rows,
        numeric={name: bins for name, bins in numeric.items() if bins},
        category={
            f.name: f.categories or _frequent(texts[i], CATEGORIES)
            for i, f in enumerate(contract.category)
        },
        groups={
            a.name: a.values or _frequent(attributes[i], GROUPS)
            for i, a in enumerate(contract.attributes)
        },
        prediction=None if contract.classes else bins_of(predicted),
        score=bins_of(score),
        score_cells=cells_of(score) if contract.positive is not None else (),
    )


def _matrix(column: pa.ChunkedArray, width: int) -> Floats:
    flat = pc.list_flatten(column)
    values = flat.to_numpy() if flat.num_chunks else np.empty(0)
    return np.asarray(values, np.float64).reshape(len(column), width)


def _columns(column: pa.ChunkedArray, width: int) -> list[pa.ChunkedArray]:
    flat = pc.list_flatten(column)
    return [flat.take(pa.array(np.arange(i, len(flat), width))) for i in range(width)]


def _frequent(values: pa.ChunkedArray, most: int) -> tuple[str, ...]:
    """The most frequent values, ties in the order of the text."""
    counts = Counter({str(k): int(n) for k, n in _counted(values)})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(name for name, _ in ranked[:most])


def _counted(values: pa.ChunkedArray) -> list[tuple[Any, Any]]:
    pairs = pc.value_counts(values).to_pylist()
    return [(pair["values"], pair["counts"]) for pair in pairs if pair["values"] is not None]
