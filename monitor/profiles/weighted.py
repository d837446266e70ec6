"""Labelled rows by the weight of their outcome, for samples that were not drawn evenly."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from monitor.profiles import losses
from monitor.profiles.added import Added, Fed, Summed
from monitor.profiles.columns import WEIGHTED_CLASSES, WEIGHTED_ERRORS, WEIGHTS
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part
from monitor.profiles.sums import Sums, counted, summed

LARGEST: Final = 2.0**40
"""Weights from here on are counted and left out."""

MOST_CLASSES: Final = 12
"""With more classes no weighted table is kept."""

_OF_A_GROUP: Final = 3
"""Most classes with which groups of the rows have a weighted table too."""

_LOW: Final = -64
_DIGITS: Final = 6

_REACH: Final = 2.0**24
"""Errors this many scales large are left out."""

OF_MEAN: Final = ("w", "w2", "wx", "w2x", "w2x2")
"""What the mean of x over weights w needs, with its error: sums of w, w2, w x, w2 x, w2 x2."""


def cell(predicted: int, label: int) -> tuple[str, str]:
    """Names of the sums of the weights and of their squares of a cell of the table."""
    return f"{predicted},{label}", f"{predicted},{label} squared"


def named(what: str) -> tuple[str, ...]:
    """Names of the sums for the mean of something."""
    return tuple(f"{what} {name}" for name in OF_MEAN)


def fed(plan: FeedbackPlan) -> Iterator[Fed]:
    """Sums over weights of what is also summed without.

    An outcome without a weight counts as 1, one of weight 0 not at all. `rows` of the part are
    those whose outcome has a weight of its own: without any there is nothing to weigh.
    """
    classes = plan.contract.classes
    yield _alone()
    if classes:
        if len(classes) <= MOST_CLASSES:
            yield _of_classes(classes, plan.contract.positive)
    else:
        yield _of_numbers(plan.scale)


def _alone() -> Fed:
    part = Sums.part(WEIGHTS, OF_MEAN[:2], _LOW, _DIGITS)

    def feed(known: Known) -> Iterator[Added | Summed]:
        weight = _weights(known)
        yield from _given(known, weight)
        rows = _usable(np.flatnonzero(known.outcome.given), weight)
        yield summed(part, "w", rows, weight[rows])
        yield summed(part, "w2", rows, weight[rows] ** 2)

    return Fed(part, feed)


def _of_classes(classes: tuple[str, ...], positive: str | None) -> Fed:
    k = len(classes)
    at = None if positive is None else classes.index(positive)
    places = range(k + 1)
    table = [name for p in places for y in places for name in cell(p, y)]
    means = [name for loss in losses.OF_CLASSES for name in named(loss)]
    part = Sums.part(WEIGHTED_CLASSES, [*table, *means], _LOW, _DIGITS, classes=k, positive=at)

    def feed(known: Known) -> Iterator[Added | Summed]:
        weight = _weights(known)
        yield from _given(known, weight)
        rows = _usable(known.judged, weight)
        digits_of_cell = 2 * _DIGITS
        cells = (known.predicted[rows] * (k + 1) + known.label[rows]) * digits_of_cell
        for name, values in zip(table[:2], (weight[rows], weight[rows] ** 2), strict=True):
            yield summed(part, name, rows, values, cells)
        rows = _usable(known.forecast, weight)
        for loss, values in losses.each(known, rows).items():
            yield from _mean(part, loss, rows, weight[rows], values)

    return Fed(part, feed, whole_only=k > _OF_A_GROUP)


def _of_numbers(scale: float) -> Fed:
    names = [name for what in ("error", "absolute", "square") for name in named(what)]
    part = Sums.part(WEIGHTED_ERRORS, names, -192, 13, scale=scale)

    def feed(known: Known) -> Iterator[Added | Summed]:
        weight = _weights(known)
        yield from _given(known, weight)
        rows, error, _ = known.deviations
        some = (weight[rows] > 0) & (weight[rows] < LARGEST) & (np.abs(error) < _REACH)
        rows, e = rows[some], error[some]
        for what, values in (("error", e), ("absolute", np.abs(e)), ("square", e * e)):
            yield from _mean(part, what, rows, weight[rows], values)

    return Fed(part, feed)


def _mean(part: Part, what: str, rows: Ints, w: Floats, x: Floats) -> Iterator[Summed]:
    values: Mapping[str, Floats] = dict(
        zip(OF_MEAN, (w, w * w, w * x, w * w * x, w * w * (x * x)), strict=True)
    )
    for name, each in values.items():
        yield summed(part, f"{what} {name}", rows, each)


def _weights(known: Known) -> Floats:
    """Weight of each row's outcome, 1 where it has none, shape (n,)."""
    return np.where(np.isnan(known.weight), 1.0, known.weight)


def _given(known: Known, weight: Floats) -> Iterator[Added]:
    has_own = ~np.isnan(known.weight)
    fits = weight < LARGEST
    yield from counted(np.flatnonzero(has_own & fits), np.flatnonzero(has_own & ~fits))


def _usable(rows: Ints, weight: Floats) -> Ints:
    return rows[(weight[rows] > 0) & (weight[rows] < LARGEST)]
