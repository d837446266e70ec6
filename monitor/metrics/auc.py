"""Area under the ROC curve from cells of the probability."""

import math
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import Z, logit_interval
from monitor.metrics.ranked import OF_A_CLASS, ranked
from monitor.profiles.class_scores import MOST_CLASSES, ClassScores
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints
from monitor.profiles.scores import Scores

SCARCE: Final = 5.0
"""Under so many misordered rows of the smaller class the interval must not rest on them alone."""


def area_under_curve(positives: Ints, negatives: Ints) -> tuple[float, float]:
    """The area, and how far that of the raw scores can lie from it; both in [0, 1].

    Rows of one cell count as tied. The raw area has every such pair right or wrong at worst.

    Args:
        positives: rows of the positive class per cell, shape (k,), at least one.
        negatives: rows of the other class per cell, shape (k,), at least one.

    >>> area_under_curve(np.array([0, 1, 1]), np.array([1, 1, 0]))
    (0.875, 0.125)

    Source: Bamber (1975), J. Math. Psych. 12, 387.
    """
    pairs = int(positives.sum()) * int(negatives.sum())
    tied = float(positives @ negatives)
    below = np.cumsum(negatives) - negatives
    return (float(positives @ below) + tied / 2) / pairs, tied / 2 / pairs


def area_interval(positives: Ints, negatives: Ints) -> tuple[float, float]:
    """95 % interval of the area, at least two rows of either class.

    DeLong's variance on the logit scale. Where few rows are misordered that variance is itself
    a guess, too small more often than not, and zero when none is: there the interval also
    covers Newcombe's, which covers the area in more than 95 % of samples.

    Source: DeLong et al. (1988), Biometrics 44, 837; Newcombe (2006), Statistics in Medicine
    25, 559, method 5.
    """
    area, _ = area_under_curve(positives, negatives)
    p, n = int(positives.sum()), int(negatives.sum())
    error = _area_error(positives, negatives, area)
    lower, upper = logit_interval(area, error) or (area, area)
    if min(area, 1 - area) * min(p, n) < SCARCE:
        lower = min(lower, _score_end(area, p, n, 0.0))
        upper = max(upper, _score_end(area, p, n, 1.0))
    return min(lower, area), max(upper, area)


def _area_error(positives: Ints, negatives: Ints, area: float) -> float:
    """DeLong's standard error of the area."""
    p, n = int(positives.sum()), int(negatives.sum())
    of_positives = (np.cumsum(negatives) - negatives / 2) / n
    of_negatives = 1 - (np.cumsum(positives) - positives / 2) / p
    variance = float(positives @ (of_positives - area) ** 2) / (p - 1) / p
    variance += float(negatives @ (of_negatives - area) ** 2) / (n - 1) / n
    return math.sqrt(variance)


def _score_end(area: float, positives: int, negatives: int, far: float) -> float:
    """The area between `area` and `far` that the sample just does not contradict."""
    near, more = area, (positives + negatives) / 2 - 1
    for _ in range(60):
        t = (near + far) / 2
        spread = t * (1 - t) * (1 + more * ((1 - t) / (2 - t) + t / (1 + t)))
        if (t - area) ** 2 > Z * Z * spread / (positives * negatives):
            far = t
        else:
            near = t
    return far


def _area(subject: Subject) -> tuple[float, float, float, float, int] | Undefined:
    """Area, its bound, the interval's ends and rows: of two classes, or the mean of several."""
    if subject.current.has(ClassScores):
        return _mean_area(subject.current.get(ClassScores))
    cells = ranked(subject)
    if isinstance(cells, Undefined):
        return cells
    area, bound = area_under_curve(cells.positives, cells.negatives)
    lower, upper = area_interval(cells.positives, cells.negatives)
    return area, bound, lower, upper, cells.rows


def _mean_area(cells: ClassScores) -> tuple[float, float, float, float, int] | Undefined:
    """Each class against all others, the plain mean over the classes.

    How the classes' errors go together is not known from their cells. The standard error of a
    mean is at most the mean of the standard errors, which is taken.
    """
    if not len(cells.total):
        return Undefined(f"more than {MOST_CLASSES} classes, for which no cells are kept")
    rows = int(cells.total[0].sum())
    if not rows:
        return Undefined("no labels yet, or no prediction has probabilities")
    pairs = [(own, of - own) for own, of in zip(cells.labelled, cells.total, strict=True)]
    fewest = min(int(min(own.sum(), rest.sum())) for own, rest in pairs)
    if fewest < OF_A_CLASS:
        return Undefined(f"the rarest class has {fewest} rows, {OF_A_CLASS} are needed")
    areas, bounds = zip(*(area_under_curve(own, rest) for own, rest in pairs), strict=True)
    area, bound = math.fsum(areas) / len(pairs), math.fsum(bounds) / len(pairs)
    error = math.fsum(
        _area_error(own, rest, a) for (own, rest), a in zip(pairs, areas, strict=True)
    )
    lower, upper = logit_interval(area, error / len(pairs)) or (area, area)
    return area, bound, lower, upper, rows


def measure(subject: Subject) -> Value | Undefined:
    found = _area(subject)
    if isinstance(found, Undefined):
        return found
    area, bound, lower, upper, rows = found
    return Value(area, rows, max(lower - bound, 0.0), min(upper + bound, 1.0))


def measure_bound(subject: Subject) -> Value | Undefined:
    found = _area(subject)
    return found if isinstance(found, Undefined) else Value(found[1], found[4])


METRIC = Metric(
    name="roc_auc",
    title="Area under the ROC curve",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "roc_auc", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Scores, ClassScores),
    measure=measure,
    ends=Ends.BOTH,
    null=1.0,
    least=30,
    says="How often a positive case has a higher probability than a negative one; 0.5 is chance. "
    "Where predictions carry a score in place of probabilities it is the order of the score. With "
    "3 to 12 classes the mean of each class against the others. Counted over cells (1,000 of the "
    "probability, 250 with several classes, 500 quantiles of the reference's score), pairs within "
    "a cell as half right; roc_auc_bound says how much that can hide, and the interval is widened "
    "by it. With several classes the interval is the widest that their errors allow. Needs 10 "
    "rows of each class.",
    prefer="To accuracy where the threshold is not fixed or classes are rare; average_precision "
    "where only the top of the list counts.",
    blind="Calibration: any growing function of the probability gives the same area. Where the "
    "threshold lies.",
    source="Bamber (1975), J. Math. Psych. 12, 387; DeLong et al. (1988), Biometrics 44, 837, on "
    "the logit scale, joined where few rows are misordered with Newcombe (2006), Statistics in "
    "Medicine 25, 559, method 5; for several classes scikit-learn's roc_auc_score with "
    "multi_class ovr and average macro",
)

BOUND = Metric(
    name="roc_auc_bound",
    title="Precision of the area under the ROC curve",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "roc_auc_bound", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Scores, ClassScores),
    measure=measure_bound,
    null=0.0,
    least=30,
    says="The area over the raw probabilities lies within this of roc_auc: half the share of "
    "pairs, one of each class, that fall into one cell. Large when the model gives few different "
    "probabilities close together; true ties are half right there too, so then roc_auc is exact.",
    prefer="Beside roc_auc where two models or windows differ by little: what differs by less than "
    "this may be the cells.",
    blind="Chance: the error of sampling is in the interval of roc_auc, which this widens. Which "
    "way the pairs of a cell would fall; all of them one way is the worst case, hardly ever met.",
    source="half the sum over the cells of p_b n_b, over P N",
)
