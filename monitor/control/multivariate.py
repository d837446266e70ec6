"""Drift of all features together: what single ones cannot show, from rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.control.conditions import Column, Flags
from monitor.metrics.auc import area_interval, area_under_curve
from monitor.metrics.base import Undefined, Value
from monitor.metrics.intervals import difference_interval, student
from monitor.profiles.layout import Floats, Ints
from monitor.profiles.scores import CELLS, equal_cells

LEAST: Final = 200
"""Rows that each side needs, in either half [rows]."""

NAMED: Final = 20
"""Most frequent values of a category that have a column of their own."""

KEPT: Final = 0.95
"""Share of the variance that the principal components keep."""

FEWEST_WINDOWS: Final = 5
"""Windows of the reference from which their spread is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Rows of the reference and of a window as numbers, each side in two halves by chance.

    Attributes:
        before: of the reference, shape (n, d).
        after: of the window, shape (m, d).
        before_second: which rows of the reference are in the second half, shape (n,).
        after_second: the same of the window, shape (m,).
        windows: window of the reference that each of its rows is of, shape (n,); None where
            nobody knows.
    """

    before: Floats
    after: Floats
    before_second: Flags
    after_second: Flags
    windows: Ints | None = None

    @property
    def fewest(self) -> int:
        """Rows of the smallest half of a side [rows]."""
        halves = (self.before_second, ~self.before_second, self.after_second, ~self.after_second)
        return min(int(half.sum()) for half in halves)

    @property
    def own(self) -> list[Flags]:
        """Rows of each window of the reference that has enough; none if such windows are few."""
        if self.windows is None:
            return []
        each = [self.windows == number for number in np.unique(self.windows)]
        second = self.before_second
        some = [
            rows
            for rows in each
            if min(int((rows & second).sum()), int((rows & ~second).sum())) >= LEAST
        ]
        return some if len(some) >= FEWEST_WINDOWS else []


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
    # Squares and sums of the largest floats would overflow; a power of two rounds nothing.
    unit = 2.0 ** (math.frexp(np.abs(known).max(initial=1.0))[1] - 1)
    parts = known / unit
    centre, scale = (float(parts.mean()), float(parts.std()) or 1.0) if len(known) else (0.0, 1.0)

    def scaled(x: Floats) -> Floats:
        is_missing = ~np.isfinite(x)
        with np.errstate(over="ignore"):
            part = np.where(is_missing, centre, x / unit)
        # Beyond ten deviations a value is as strange as it can be.
        z = np.clip((part - centre) / scale, -10, 10)
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
    what error is usual, so that 1 is not flattered. The interval is that of chance in the sample
    and, where windows of the reference are known, of how much these differ beyond it.

    Source: Jackson and Mudholkar (1979), Technometrics 21, 341, residuals of principal
    components; Welch (1947) for the interval, the usual error taken as known; DerSimonian and
    Laird (1986), Controlled Clinical Trials 7, 177, eq. 8, for what windows differ beyond chance.
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

    second = sides.before_second
    usual, now = missed(sides.before[second]), missed(sides.after)
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
    value = float(now.mean()) / level
    if not ends:
        return Value(value, len(now), reference=1.0)
    own = [missed(sides.before[rows & second]) / level for rows in sides.own]
    wide = _beyond_chance([(float(one.mean()), float(one.var(ddof=1)) / len(one)) for one in own])
    lower, upper = (
        value + sign * math.hypot(1 + end / level - value, wide)
        for sign, end in zip((-1, 1), ends, strict=True)
    )
    return Value(value, len(now), lower, upper, 1.0)


def _beyond_chance(own: Sequence[tuple[float, float]]) -> float:
    """Half a 95 % interval of one more window's mean, by how much these differ beyond chance.

    Args:
        own: mean of each window, and the variance that chance gives it; none where unknown.
    """
    count = len(own)
    if not count:
        return 0.0
    between = float(np.var([mean for mean, _ in own], ddof=1)) - sum(v for _, v in own) / count
    return student(count - 1) * math.sqrt(max(between, 0.0) * (1 + 1 / count))


def usual_areas(sides: Sides) -> list[float] | Undefined:
    """How well each window of the reference is told from the others; none where they are few."""
    found = []
    for rows in sides.own:
        second = sides.before_second
        rest = Sides(sides.before[~rows], sides.before[rows], second[~rows], second[rows])
        area = domain(rest)
        if isinstance(area, Undefined):
            return area
        found.append(area.value)
    return found


def domain(sides: Sides, usual: Sequence[float] = ()) -> Value | Undefined:
    """How well a classifier tells rows of the window from those of the reference: area, 0.5 none.

    Trained on one half of both sides and measured on the other. Needs scikit-learn. With
    `usual`, only as many rows of the window as each of the reference's has, since more rows
    are told apart better; the first ones.

    Args:
        sides: rows of both.
        usual: areas of the reference's own windows, by `usual_areas`; the interval is that of
            one more such window. Without them it is that of chance.

    Source: Lopez-Paz and Oquab (2017), ICLR (classifier two-sample tests); boosted trees over
    histograms by scikit-learn; interval as of roc_auc.
    """
    if usual and (own := sides.own):
        most = max(int(rows.sum()) for rows in own)
        few_rows = sides.after[:most], sides.after_second[:most]
        sides = Sides(sides.before, few_rows[0], sides.before_second, few_rows[1], sides.windows)
    if few := _too_few(sides):
        return few
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits
    except ImportError:
        return Undefined('scikit-learn is not installed; run: pip install ".[drift]"')
    first = np.concatenate([sides.before[~sides.before_second], sides.after[~sides.after_second]])
    is_after = np.repeat([False, True], [(~sides.before_second).sum(), (~sides.after_second).sum()])
    model = HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=8,
        max_bins=63,
        early_stopping=False,
        random_state=0,
        class_weight="balanced",
    )
    # On busy cores its threads wait for each other with all their might: five times the cost.
    with threadpool_limits(1):
        model.fit(first, is_after)

    def cells(x: Floats) -> Ints:
        found: Ints = np.bincount(equal_cells(model.predict_proba(x)[:, 1]), minlength=CELLS)
        return found

    positives, negatives = (
        cells(sides.after[sides.after_second]),
        cells(sides.before[sides.before_second]),
    )
    area, bound = area_under_curve(positives, negatives)
    rows = int(positives.sum() + negatives.sum())
    if usual:
        wide = student(len(usual) - 1) * float(np.std(usual, ddof=1))
        wide *= math.sqrt(1 + 1 / len(usual))
        lower, upper = area - wide, area + wide
    else:
        lower, upper = area_interval(positives, negatives)
    return Value(area, rows, max(lower - bound, 0.0), min(upper + bound, 1.0), 0.5)


def _too_few(sides: Sides) -> Undefined | None:
    if not sides.before.shape[1]:
        return Undefined("no feature of the reference varies")
    if sides.fewest < LEAST:
        return Undefined(f"the smallest half has {sides.fewest} rows, {LEAST} are needed")
    return None
