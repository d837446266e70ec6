"""Area under the curve of precision over recall, from cells."""

import math
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import logit_interval
from monitor.metrics.ranked import ranked
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints
from monitor.profiles.scores import Scores


def average_precision(positives: Ints, negatives: Ints) -> tuple[float, float, float]:
    """The area with rows of one cell as tied, and the ends of what the raw numbers give.

    At worst all negatives of a cell come before its positives; at best its positives come first
    and together, as tied.

    Args:
        positives: positive rows per cell, ascending, shape (k,), at least one [rows].
        negatives: negative rows per cell, shape (k,) [rows].

    >>> area, least, most = average_precision(np.array([1, 1]), np.array([1, 0]))
    >>> round(area, 4), round(least, 4), round(most, 4)
    (0.8333, 0.8333, 1.0)

    Source: as scikit-learn's `average_precision_score`, without interpolation.
    """
    hits, misses = positives[::-1].astype(np.float64), negatives[::-1].astype(np.float64)
    found, alarms = hits.cumsum(), misses.cumsum()
    filled = hits > 0
    weight = hits[filled] / found[-1]
    ends = found[filled] / (found + alarms)[filled]
    best = found[filled] / (found + alarms - misses)[filled]
    area = float(weight @ ends)
    # One by one after all negatives of the cell: sum over i of (t + i) / (t + i + f).
    each = np.repeat(np.flatnonzero(filled), hits[filled].astype(np.int64))
    place = np.arange(1, len(each) + 1)
    least = float((place / (place + alarms[each])).mean())
    return area, min(least, area), max(float(weight @ best), area)


def error_of_average_precision(positives: Ints, negatives: Ints) -> float:
    """Standard error of the tied area over independent rows, by the delta method."""
    hits, misses = positives[::-1].astype(np.float64), negatives[::-1].astype(np.float64)
    found, alarms = hits.cumsum(), misses.cumsum()
    seen = np.maximum(found + alarms, 1)
    share, precision = hits / found[-1], found / seen
    area = float(share @ precision)
    # A row of a cell moves the precision at its own and at all lower thresholds.
    more_found = (share * alarms / seen**2)[::-1].cumsum()[::-1]
    more_alarms = (-share * found / seen**2)[::-1].cumsum()[::-1]
    of_hit = (precision - area) / found[-1] + more_found
    return math.sqrt(float(hits @ of_hit**2 + misses @ more_alarms**2))


def measure(subject: Subject) -> Value | Undefined:
    cells = ranked(subject)
    if isinstance(cells, Undefined):
        return cells
    area, least, most = average_precision(cells.positives, cells.negatives)
    error = error_of_average_precision(cells.positives, cells.negatives)
    lower, upper = logit_interval(area, error) or (area, area)
    return Value(area, cells.rows, max(lower - (area - least), 0), min(upper + (most - area), 1))


METRIC: Final = Metric(
    name="average_precision",
    title="Average precision",
    unit=Unit.RATIO,
    series="performance",
    labels={"metric": "average_precision", "source": "labels"},
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Scores,),
    measure=measure,
    ends=Ends.BOTH,
    null=1.0,
    least=30,
    says="Mean precision over the thresholds at which one more positive is found: the area under "
    "the curve of precision over recall. Chance gives the base rate, not 0.5. Counted over cells "
    "of the probability (or of the score, where that is what predictions carry), rows of a cell "
    "as tied; the interval is widened by what that can hide. Needs two classes and 10 rows of "
    "each.",
    prefer="To roc_auc where positives are rare and only the top of the list is worked.",
    blind="Calibration and the threshold. It moves with the base rate: two windows with other "
    "base rates cannot be compared.",
    source="as scikit-learn's average_precision_score; delta method on the logit scale, as "
    "recommended by Boyd, Eng and Page (2013), ECML PKDD, 451, for the interval",
)
