"""From the counts of windows to the numbers that are watched, one function per kind of signal.

Every function takes arrays over windows, shape (t,) or (t, k), and gives streams of shape (c, t).
A window without rows is missing, never 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from monitor.detection.components import Shape
from monitor.detection.readings import Kind
from monitor.profiles.layout import Floats, Ints

TOP: Final = 8
"""Categories that are watched by name; the others together."""

OTHER: Final = "other"
UNSEEN: Final = "unseen"


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """The c numbers of one signal in t windows.

    Attributes:
        names: of the components.
        kinds: `Kind` of each, shape (c,).
        weights: part of the signal's weight of each, shape (c,), of sum 1.
        value: shape (c, t).
        rows: shape (c, t) [rows]; 0 where a window has no value.
        variance: by sampling alone, shape (c, t); 1 where the kind gives it.
    """

    names: tuple[str, ...]
    kinds: NDArray[np.int8]
    weights: Floats
    value: Floats
    rows: Floats
    variance: Floats

    def named(self, prefix: str) -> Self:
        """The same with "prefix/" before the names."""
        return replace(self, names=tuple(f"{prefix}/{name}" for name in self.names))


def together(weighted: Sequence[tuple[float, Streams]]) -> Streams:
    """The streams of several signals, each with its share of the model's weight."""
    every = [streams for _, streams in weighted]
    return Streams(
        tuple(name for streams in every for name in streams.names),
        np.concatenate([streams.kinds for streams in every]),
        np.concatenate([weight * streams.weights for weight, streams in weighted]),
        np.concatenate([streams.value for streams in every]),
        np.concatenate([streams.rows for streams in every]),
        np.concatenate([streams.variance for streams in every]),
    )


def numeric(shape: Shape, counts: Ints) -> Streams:
    """Location, spread, skew and tails of a number, or the share of its upper of two bins.

    Args:
        shape: from the reference.
        counts: rows per bin, shape (t, k) [rows].
    """
    rows = counts.sum(axis=1)
    value = shape.values(counts).T
    if not shape.polynomials.shape[1]:
        return _streams(shape.names, Kind.SHARE, value, rows)
    return _streams(shape.names, Kind.NORMAL, value, rows, 1 / np.maximum(rows, 1), shape.weights)


def unusual(counts: Ints, usual: int) -> Streams:
    """Share of the rows that are not in the bin where nearly all of the reference was."""
    rows = counts.sum(axis=1)
    return share(rows - counts[:, usual], rows, "not the usual value")


@dataclass(frozen=True, slots=True)
class Watched:
    """Which categories are watched: by name, the others together, and those never seen.

    Attributes:
        top: places of the categories watched by name.
        other: places of those counted together.
        unseen: places of those without a row in the reference.
    """

    top: tuple[int, ...]
    other: tuple[int, ...]
    unseen: tuple[int, ...]


def watched(reference: Ints) -> Watched:
    """What to watch of a column, from the counts of its reference.

    Args:
        reference: rows per category, shape (k,) [rows]; missing values and all values without a
            name of their own may be categories too.
    """
    order = np.argsort(-reference, kind="stable").tolist()
    seen = [i for i in order if reference[i] > 0]
    unseen = tuple(sorted(i for i in order if reference[i] <= 0))
    return Watched(tuple(seen[:TOP]), tuple(seen[TOP:]), unseen)


def categories(which: Watched, counts: Ints, names: Sequence[str]) -> Streams:
    """Shares of the watched categories, of the others and of those never seen before.

    Of two categories one share is enough.

    Args:
        which: from the reference.
        counts: rows per category, shape (t, k) [rows].
        names: of the categories, k of them.
    """
    rows = counts.sum(axis=1)
    top = which.top[1:] if len(which.top) == 2 and not which.other else which.top
    events = [counts[:, i] for i in top]
    told = [names[i] for i in top]
    if which.other:
        events.append(counts[:, which.other].sum(axis=1))
        told.append(OTHER)
    if which.unseen or not told:
        events.append(counts[:, which.unseen].sum(axis=1))
        told.append(UNSEEN)
    value = np.array(events) / np.maximum(rows, 1)
    return _streams(tuple(told), Kind.SHARE, value, rows)


def share(events: Ints, rows: Ints, name: str = "share") -> Streams:
    """A proportion: of overrides, of missing values, of a class."""
    return _streams((name,), Kind.SHARE, (events / np.maximum(rows, 1))[None], rows)


def mean(total: Floats, rows: Ints, variance: float, name: str = "mean") -> Streams:
    """The mean of a number.

    Args:
        total: sum of its values per window, shape (t,).
        rows: per window, shape (t,) [rows].
        variance: of the values within windows, pooled over the reference.
    """
    many = np.maximum(rows, 1)
    return _streams((name,), Kind.NORMAL, (total / many)[None], rows, variance / many)


def expected_accuracy(confidence: Floats, doubt: Floats, rows: Ints) -> Streams:
    """Mean confidence of the predicted class, which is the accuracy that the model expects.

    Args:
        confidence: sum of c per window, shape (t,).
        doubt: sum of c (1 - c) per window, shape (t,).
        rows: per window, shape (t,) [rows].
    """
    many = np.maximum(rows, 1)
    variance = np.maximum(doubt / many, 1e-4) / many
    return _streams(("mean confidence",), Kind.NORMAL, (confidence / many)[None], rows, variance)


@dataclass(frozen=True, slots=True, eq=False)
class Graded:
    """Sums over labelled rows with probability p and outcome Y, one per window, shape (t,).

    Attributes:
        rows: with a label [rows].
        error: sum of Y - p.
        doubt: sum of p (1 - p).
        slope: sum of (Y - p) (p - mean p of the reference).
        slope_doubt: sum of p (1 - p) (p - mean p)^2.
    """

    rows: Ints
    error: Floats
    doubt: Floats
    slope: Floats
    slope_doubt: Floats


def calibration(graded: Graded, spread: float) -> Streams:
    """Whether outcomes come as often as said (bias), and as unevenly as said (slope).

    Args:
        graded: sums per window.
        spread: variance of p in the reference; 0 leaves the slope out.

    Source: Cox (1958), Two further applications of a model for binary regression; score
    statistics of intercept and slope at a calibrated model.
    """
    many = np.maximum(graded.rows, 1)
    value = [graded.error / many]
    variance = [np.maximum(graded.doubt / many, 1e-4) / many]
    if spread > 0:
        value.append(graded.slope / many / spread)
        variance.append(np.maximum(graded.slope_doubt / many / spread**2, 1e-4) / many)
    names = ("bias", "slope")[: len(value)]
    weights = np.array([0.6, 0.4][: len(value)])
    return _streams(
        names,
        Kind.NORMAL,
        np.array(value),
        graded.rows,
        np.array(variance),
        weights / weights.sum(),
    )


def gap(events: Ints, rows: Ints, rest_events: Ints, rest_rows: Ints) -> Streams:
    """Rate of a group less the rate of the rest; missing where either has no rows."""
    both = (rows > 0) & (rest_rows > 0)
    pooled = (events + rest_events + 1) / (rows + rest_rows + 2)
    one, other = np.maximum(rows, 1), np.maximum(rest_rows, 1)
    value = events / one - rest_events / other
    variance = pooled * (1 - pooled) * (1 / one + 1 / other)
    known = np.where(both, rows + rest_rows, 0)
    return _streams(("gap",), Kind.NORMAL, value[None], known, variance)


def volume(rows: Ints) -> Streams:
    """Logarithm of the rows; a window without any is missing, and other alerts tell of that."""
    value = np.log(np.maximum(rows, 1))
    return _streams(("log rows",), Kind.COUNT, value[None], rows)


def _streams(
    names: tuple[str, ...],
    kind: Kind,
    value: Floats,
    rows: Ints | Floats,
    variance: Floats | None = None,
    weights: Floats | None = None,
) -> Streams:
    count = len(names)
    every = (count, value.shape[1])
    plain = np.ones(every) if variance is None else np.broadcast_to(variance, every)
    return Streams(
        names,
        np.full(count, kind, np.int8),
        np.full(count, 1 / count) if weights is None else weights,
        np.asarray(value, np.float64),
        np.broadcast_to(np.asarray(rows, np.float64), every).copy(),
        np.where(np.broadcast_to(rows, every) > 0, plain, 1.0),
    )
