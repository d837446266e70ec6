"""The contracts of all models side by side, so that one pass judges every model's values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.cards.contract import FeatureType
from monitor.events.models import ModelEvents
from monitor.events.part import Vectors
from monitor.events.schema import Rule

Breaches = list[tuple[int, str]]
"""(row, "rule:name") of every value that broke its contract."""


@dataclass(frozen=True, slots=True)
class Columns:
    """One kind of vector over all models: its columns, numbered through.

    Attributes:
        names: of the columns.
        base: per model code the number of its first column.
        dropped: columns never stored, shape (columns,).
        hashed: columns stored as pseudonyms, shape (columns,).
    """

    names: Sequence[str]
    base: NDArray[np.int64]
    dropped: NDArray[np.bool_]
    hashed: NDArray[np.bool_]

    def numbers(self, codes: NDArray[np.int32], vectors: Vectors) -> NDArray[np.int64]:
        """The column that each value of the vectors stands in, shape (values,)."""
        starts = np.cumsum(vectors.widths) - vectors.widths
        shift = np.repeat(self.base[codes] - starts, vectors.widths)
        result: NDArray[np.int64] = shift + np.arange(len(shift))
        return result


@dataclass(frozen=True, slots=True)
class Numeric:
    """What numeric features may be, all arrays of shape (columns,)."""

    columns: Columns
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    whole: NDArray[np.bool_]
    binary: NDArray[np.bool_]

    def judged(
        self, codes: NDArray[np.int32], vectors: Vectors
    ) -> tuple[NDArray[np.float64], Breaches]:
        """The values, NaN where one is missing or breaks its contract, and the breaches."""
        values = vectors.values
        column = self.columns.numbers(codes, vectors)
        whole = self.whole[column]
        outside = (values < self.low[column]) | (values > self.high[column])
        wrong = whole & (values != np.floor(values)) & ~np.isnan(values)
        wrong |= self.binary[column] & outside
        if not (outside.any() or wrong.any() or self.columns.dropped.any()):
            return values, []
        bad = np.flatnonzero(outside | wrong)
        rows = np.repeat(np.arange(len(codes)), vectors.widths)[bad]
        names = self.columns.names
        breaches = [
            (row, f"{Rule.WRONG_TYPE if fault else Rule.OUT_OF_RANGE}:{names[c]}")
            for row, c, fault in zip(
                rows.tolist(), column[bad].tolist(), wrong[bad].tolist(), strict=True
            )
        ]
        return np.where(outside | wrong | self.columns.dropped[column], np.nan, values), breaches


@dataclass(frozen=True, slots=True)
class Texts:
    """What category features or attributes may be.

    Attributes:
        columns: their columns.
        allowed: declared values per column, or None where any text is allowed.
    """

    columns: Columns
    allowed: Sequence[frozenset[str] | None]
    declared: NDArray[np.bool_]

    def judged(self, codes: NDArray[np.int32], vectors: Vectors) -> tuple[pa.StringArray, Breaches]:
        """The values, null where one is missing or breaks its contract, and the breaches."""
        values = vectors.values
        hidden = self.columns.dropped.any()
        if not (self.declared.any() or hidden):
            return values, []
        column = self.columns.numbers(codes, vectors)
        bad = self._unseen(values, column)
        wrong = np.flatnonzero(bad)
        rows = np.repeat(np.arange(len(codes)), vectors.widths)[wrong]
        breaches = [
            (row, f"{Rule.UNSEEN_CATEGORY}:{self.columns.names[c]}")
            for row, c in zip(rows.tolist(), column[wrong].tolist(), strict=True)
        ]
        if hidden:
            bad |= self.columns.dropped[column]
        if hidden or len(wrong):
            values = pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), values)
        return values, breaches

    def _unseen(self, values: pa.StringArray, column: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which values are not among those that their column declares, shape (values,)."""
        bad = np.zeros(len(column), np.bool_)
        declared = self.declared[column]
        chosen = slice(None) if declared.all() else np.flatnonzero(declared)
        some = values if isinstance(chosen, slice) else values.take(pa.array(chosen))
        texts, pair = pairs(some, column[chosen])
        width = len(texts) + 1
        unseen = np.zeros(len(self.allowed) * width, np.bool_)
        unseen[pair] = True
        for found in np.flatnonzero(unseen).tolist():
            c, t = divmod(found, width)
            unseen[found] = t < len(texts) and texts[t] not in (self.allowed[c] or ())
        if unseen.any():
            bad[chosen] = unseen[pair]
        return bad


def pairs(
    texts: pa.StringArray, groups: NDArray[np.integer]
) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct texts t of them, and per row group * (t + 1) + text; text t is a null.

    Args:
        texts: n texts.
        groups: n numbers from 0.
    """
    encoded = texts.dictionary_encode()
    known = encoded.dictionary.to_pylist()
    number = encoded.indices.fill_null(len(known)).to_numpy().astype(np.int64)
    result: NDArray[np.int64] = groups.astype(np.int64) * (len(known) + 1) + number
    return known, result


def numeric_limits(models: Sequence[ModelEvents]) -> Numeric:
    """What the numeric features of these models, in order of their codes, may be."""
    features = [f for m in models for f in m.contract.numeric]
    switches = np.array([f.type is FeatureType.BOOLEAN for f in features], np.bool_)
    low = np.array([-np.inf if f.low is None else f.low for f in features], np.float64)
    high = np.array([np.inf if f.high is None else f.high for f in features], np.float64)
    return Numeric(
        columns=_columns([[f.name for f in m.contract.numeric] for m in models], models),
        low=np.where(switches, 0.0, low),
        high=np.where(switches, 1.0, high),
        whole=switches | np.array([f.type is FeatureType.INTEGER for f in features], np.bool_),
        binary=switches,
    )


def category_limits(models: Sequence[ModelEvents]) -> Texts:
    """What the category features of these models, in order of their codes, may be."""
    names = [[f.name for f in m.contract.category] for m in models]
    return _texts(names, [f.categories for m in models for f in m.contract.category], models)


def attribute_limits(models: Sequence[ModelEvents]) -> Texts:
    """What the attributes of these models, in order of their codes, may be."""
    names = [[a.name for a in m.contract.attributes] for m in models]
    return _texts(names, [a.values for m in models for a in m.contract.attributes], models)


def _texts(
    names: Sequence[Sequence[str]],
    allowed: Sequence[Sequence[str] | None],
    models: Sequence[ModelEvents],
) -> Texts:
    sets = [None if values is None else frozenset(values) for values in allowed]
    declared = np.array([values is not None for values in sets], np.bool_)
    return Texts(_columns(names, models), sets, declared)


def _columns(names: Sequence[Sequence[str]], models: Sequence[ModelEvents]) -> Columns:
    widths = np.array([len(n) for n in names], np.int64)
    pairs = [(name, model) for group, model in zip(names, models, strict=True) for name in group]
    return Columns(
        names=[name for name, _ in pairs],
        # One more entry for feedback without a model, which has no columns.
        base=np.concatenate((np.cumsum(widths) - widths, [0])).astype(np.int64),
        dropped=np.array([name in m.dropped for name, m in pairs], np.bool_),
        hashed=np.array([name in m.hashed for name, m in pairs], np.bool_),
    )
