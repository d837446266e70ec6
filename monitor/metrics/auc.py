"""Area under the ROC curve from cells of the probability."""

import math
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import Z
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints
from monitor.profiles.scores import Scores

OF_A_CLASS: Final = 10
"""Rows of either class that the area needs."""

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
    of_positives = (np.cumsum(negatives) - negatives / 2) / n
    of_negatives = 1 - (np.cumsum(positives) - positives / 2) / p
    variance = float(positives @ (of_positives - area) ** 2) / (p - 1) / p
    variance += float(negatives @ (of_negatives - area) ** 2) / (n - 1) / n
    lower, upper = area, area
    if 0 < area < 1:
        centre = math.log(area / (1 - area))
        half = Z * math.sqrt(variance) / (area * (1 - area))
        # tanh rather than exp: it cannot overflow.
        lower, upper = (0.5 + 0.5 * math.tanh((centre + s * half) / 2) for s in (-1, 1))
    if min(area, 1 - area) * min(p, n) < SCARCE:
        lower = min(lower, _score_end(area, p, n, 0.0))
        upper = max(upper, _score_end(area, p, n, 1.0))
    return min(lower, area), max(upper, area)


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


def _scores(subject: Subject) -> Scores | Undefined:
    """The scores, with enough rows of either class."""
    scores = subject.current.get(Scores)
    fewest = min(int(scores.positives.sum()), int(scores.negatives.sum()))
    if fewest >= OF_A_CLASS:
        return scores
    if not scores.positives.any() and not scores.negatives.any():
        return Undefined("no labels yet, or no prediction has probabilities")
    return Undefined(f"the rarer class has {fewest} rows, {OF_A_CLASS} are needed")


def _rows(scores: Scores) -> int:
    return int(scores.positives.sum() + scores.negatives.sum())


def measure(subject: Subject) -> Value | Undefined:
    scores = _scores(subject)
    if isinstance(scores, Undefined):
        return scores
    area, bound = area_under_curve(scores.positives, scores.negatives)
    lower, upper = area_interval(scores.positives, scores.negatives)
    return Value(area, _rows(scores), max(lower - bound, 0.0), min(upper + bound, 1.0))


def measure_bound(subject: Subject) -> Value | Undefined:
    scores = _scores(subject)
    if isinstance(scores, Undefined):
        return scores
    return Value(area_under_curve(scores.positives, scores.negatives)[1], _rows(scores))


METRIC = Metric(
    name="roc_auc",
    title="Area under the ROC curve",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "roc_auc", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Scores,),
    measure=measure,
    ends=Ends.BOTH,
    null=1.0,
    least=30,
    says="How often a positive case has a higher probability than a negative one; 0.5 is chance. "
    "Does not depend on the threshold nor, by itself, on how common the positive class is. "
    "Counted over 1,000 cells of the probability, pairs within a cell as half right; "
    "roc_auc_bound says how much that can hide, and the interval is widened by it. Needs "
    "probabilities of two classes, and 10 rows of each.",
    source="Bamber (1975), J. Math. Psych. 12, 387; DeLong et al. (1988), Biometrics 44, 837, on "
    "the logit scale, joined where few rows are misordered with Newcombe (2006), Statistics in "
    "Medicine 25, 559, method 5",
)

BOUND = Metric(
    name="roc_auc_bound",
    title="Precision of the area under the ROC curve",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "roc_auc_bound", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Scores,),
    measure=measure_bound,
    null=0.0,
    least=30,
    says="The area over the raw probabilities lies within this of roc_auc: half the share of "
    "pairs, one of each class, that fall into one cell. Large when the model gives few different "
    "probabilities close together; true ties are half right there too, so then roc_auc is exact.",
    source="half the sum over the cells of p_b n_b, over P N",
)
