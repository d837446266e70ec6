"""Drift of all features together: what single ones cannot show, from rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.control.conditions import Column, Flags
from monitor.metrics.auc import area_interval, area_under_curve
from monitor.metrics.base import Undefined, Value
from monitor.metrics.intervals import difference_interval
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.scores import CELLS, equal_cells

LEAST: Final = 200
"""Rows that each side needs, in either half [rows]."""

NAMED: Final = 20
"""Most frequent values of a category that have a column of their own."""

KEPT: Final = 0.95
"""Share of the variance that the principal components keep."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Rows of the reference and of a window as numbers, each side in two halves by chance.

    Attributes:
        before: of the reference, shape (n, d).
        after: of the window, shape (m, d).
        before_second: which rows of the reference are in the second half, shape (n,).
        after_second: the same of the window, shape (m,).
    """

    before: Floats
    after: Floats
    before_second: Flags
    after_second: Flags

    @property
    def fewest(self) -> int:
        """Rows of the smallest half of a side [rows]."""
        halves = (self.before_second, ~self.before_second, self.after_second, ~self.after_second)
        return min(int(half.sum()) for half in halves)


def design(before: Sequence[Column], after: Sequence[Column]) -> tuple[Floats, Floats]:
    """Both sides as numbers, columns by the reference: its deviations, its frequent values.

    A missing number is the reference's mean, with a column that says so.
    """
    pairs = [
        _numbers(a, b) if a.numbers is not None else _texts(a, b) for a, b in _both(before, after)
    ]
    sides = [[pair[i] for pair in pairs] for i in (0, 1)]
    one, other = (np.concatenate(side, axis=1) for side in sides)
    varies = one.std(axis=0) > 0
    return one[:, varies], other[:, varies]


def _both(before: Sequence[Column], after: Sequence[Column]) -> list[tuple[Column, Column]]:
    named = {column.name: column for column in after}
    return [(column, named[column.name]) for column in before if column.name in named]


def _numbers(before: Column, after: Column) -> tuple[Floats, Floats]:
    assert before.numbers is not None
    assert after.numbers is not None
    known = before.numbers[np.isfinite(before.numbers)]
    centre, scale = (float(known.mean()), float(known.std()) or 1.0) if len(known) else (0.0, 1.0)

    def scaled(x: Floats) -> Floats:
        is_missing = ~np.isfinite(x)
        # Beyond ten deviations a value is as strange as it can be.
        z = np.clip((np.where(is_missing, centre, x) - centre) / scale, -10, 10)
        return np.stack([z, is_missing.astype(np.float64)], axis=1)

    return scaled(before.numbers), scaled(after.numbers)


def _texts(before: Column, after: Column) -> tuple[Floats, Floats]:
    assert before.codes is not None
    counts = np.bincount(before.codes[before.codes >= 0], minlength=len(before.names))
    names = [before.names[i] for i in np.argsort(-counts, kind="stable")[:NAMED] if counts[i]]
    place = {name: i for i, name in enumerate(names)}

    def dummies(column: Column) -> Floats:
        assert column.codes is not None
        # Other values, then missing ones, come last.
        table = np.array([place.get(name, len(names)) for name in column.names] + [len(names) + 1])
        found: Floats = np.eye(len(names) + 2)[table[column.codes]]
        return found

    return dummies(before), dummies(after)


def reconstruction(sides: Sides) -> Value | Undefined:
    """Error by which the reference's principal components miss the window, over that of its own.

    1 without drift. The components are those of one half of the reference; its other half says
    what error is usual, so that 1 is not flattered.

    Source: Jackson and Mudholkar (1979), Technometrics 21, 341, residuals of principal
    components; Welch (1947) for the interval, the usual error taken as known.
    """
    if few := _too_few(sides):
        return few
    fit = sides.before[~sides.before_second]
    mean = fit.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(fit - mean, rowvar=False).reshape(len(mean), -1))
    share = np.cumsum(values[::-1]) / values.sum()
    kept = min(int(np.searchsorted(share, KEPT)) + 1, len(mean) - 1)
    if not kept:
        return Undefined("one column alone cannot be rebuilt from others")
    basis = vectors[:, ::-1][:, :kept]

    def missed(x: Floats) -> Floats:
        centred = x - mean
        rest: Floats = np.square(centred - centred @ basis @ basis.T).sum(axis=1)
        return rest

    usual, now = missed(sides.before[sides.before_second]), missed(sides.after)
    level = float(usual.mean())
    if not level > 0:
        return Undefined("the principal components miss nothing of the reference")
    ends = difference_interval(
        float(now.mean()),
        float(now.var(ddof=1)),
        len(now),
        level,
        float(usual.var(ddof=1)),
        len(usual),
    )
    lower, upper = (1 + end / level for end in ends) if ends else (None, None)
    return Value(float(now.mean()) / level, len(now), lower, upper, 1.0)


def domain(sides: Sides) -> Value | Undefined:
    """How well a classifier tells rows of the window from those of the reference: area, 0.5 none.

    Trained on one half of both sides and measured on the other. Needs scikit-learn.

    Source: Lopez-Paz and Oquab (2017), ICLR (classifier two-sample tests); boosted trees over
    histograms by scikit-learn; interval as of roc_auc.
    """
    if few := _too_few(sides):
        return few
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError:
        return Undefined('scikit-learn is not installed; run: pip install ".[drift]"')
    first = np.concatenate([sides.before[~sides.before_second], sides.after[~sides.after_second]])
    is_after = np.repeat([False, True], [(~sides.before_second).sum(), (~sides.after_second).sum()])
    model = HistGradientBoostingClassifier(
        max_iter=50, early_stopping=False, random_state=0, class_weight="balanced"
    ).fit(first, is_after)

    def cells(x: Floats) -> Ints:
        found: Ints = np.bincount(equal_cells(model.predict_proba(x)[:, 1]), minlength=CELLS)
        return found

    positives, negatives = (
        cells(sides.after[sides.after_second]),
        cells(sides.before[sides.before_second]),
    )
    area, bound = area_under_curve(positives, negatives)
    lower, upper = area_interval(positives, negatives)
    rows = int(positives.sum() + negatives.sum())
    return Value(area, rows, max(lower - bound, 0.0), min(upper + bound, 1.0), 0.5)


def _too_few(sides: Sides) -> Undefined | None:
    if not sides.before.shape[1]:
        return Undefined("no feature of the reference varies")
    if sides.fewest < LEAST:
        return Undefined(f"the smallest half has {sides.fewest} rows, {LEAST} are needed")
    return None
