"""Performance to be expected of predictions without outcomes, from calibrated probabilities."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from monitor.metrics.isotonic import Worth
from monitor.profiles.layout import Floats, Ints

Slope: TypeAlias = float | Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure that is expected.

    Attributes:
        value: of it.
        error: standard deviation of what will be realised around it: outcomes fall by chance,
            and the calibration is itself an estimate.
    """

    value: float
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What is expected of one class.

    Attributes:
        chosen: rows for which it was predicted, per cell of its probability, shape (cells,) [rows].
        others: the other rows, shape (cells,) [rows].
        worth: how often it comes true in each cell.
    """

    chosen: Ints
    others: Ints
    worth: Worth

    @property
    def hits(self) -> float:
        """Rows of the class that were predicted so, as expected."""
        return float(self.chosen @ self.worth.share)

    @property
    def missed(self) -> float:
        """Rows of the class that were predicted otherwise, as expected."""
        return float(self.others @ self.worth.share)

    def estimate(self, value: float, of_chosen: Slope, of_others: Slope) -> Estimate:
        """A figure with its error, by the delta method.

        Args:
            value: the figure.
            of_chosen: what one more row of the class among those predicted so adds to the
                figure, one number or one per cell, shape (cells,).
            of_others: what one more among the others adds.
        """
        share = self.worth.share
        rows = self.chosen * np.square(of_chosen) + self.others * np.square(of_others)
        by_chance = float((rows * share * (1 - share)).sum())
        leans = self.chosen * of_chosen + self.others * of_others
        joint = np.bincount(self.worth.block, leans, len(self.worth.variance))
        return Estimate(value, math.sqrt(by_chance + float(joint**2 @ self.worth.variance)))


def accuracy(outlook: Outlook) -> Estimate:
    """Share of right predictions, of two classes of which this is one."""
    n = int((outlook.chosen + outlook.others).sum())
    right = outlook.hits + int(outlook.others.sum()) - outlook.missed
    return outlook.estimate(right / n, 1 / n, -1 / n)


def precision(outlook: Outlook) -> Estimate | None:
    """Share of the rows predicted as the class that are of it; None without such rows."""
    predicted = int(outlook.chosen.sum())
    return outlook.estimate(outlook.hits / predicted, 1 / predicted, 0.0) if predicted else None


def recall(outlook: Outlook) -> Estimate | None:
    """Share of the rows of the class that are predicted so; None where none is expected."""
    hits, missed = outlook.hits, outlook.missed
    every = hits + missed
    if not every:
        return None
    return outlook.estimate(hits / every, missed / every**2, -hits / every**2)


def f1(outlook: Outlook) -> Estimate | None:
    """Harmonic mean of precision and recall; None where neither is expected."""
    hits = outlook.hits
    ends = int(outlook.chosen.sum()) + hits + outlook.missed
    if not ends:
        return None
    of_hit = 2 * (ends - hits) / ends**2
    return outlook.estimate(2 * hits / ends, of_hit, -2 * hits / ends**2)


def area(outlook: Outlook) -> Estimate | None:
    """Area under the ROC curve, rows of a cell as tied; None where only one class is expected."""
    total = outlook.chosen + outlook.others
    p = total * outlook.worth.share
    n = total - p
    positives, negatives = float(p.sum()), float(n.sum())
    if not positives or not negatives:
        return None
    below = np.cumsum(n) - n / 2
    above = positives - np.cumsum(p) + p / 2
    value = float(p @ below) / (positives * negatives)
    slope = (below - above) / (positives * negatives)
    slope += value * (1 / negatives - 1 / positives)
    return outlook.estimate(value, slope, slope)


def mean(estimates: list[Estimate]) -> Estimate:
    """The plain mean; how errors go together is not known, so that the widest is taken."""
    k = len(estimates)
    return Estimate(
        math.fsum(e.value for e in estimates) / k, math.fsum(e.error for e in estimates) / k
    )


def accuracy_of_many(outlooks: list[Outlook]) -> Estimate:
    """Share of right predictions, where each class has its own calibration."""
    n = sum(int(one.chosen.sum()) for one in outlooks)
    each = [one.estimate(one.hits / n, 1 / n, 0.0) for one in outlooks]
    # Each row is predicted as one class, and so has a part in one sum only.
    return Estimate(math.fsum(e.value for e in each), math.hypot(*(e.error for e in each)))
