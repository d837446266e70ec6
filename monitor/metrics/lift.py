"""How many more positives the top tenth of the list holds than chance would put there."""

import math
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.metrics.intervals import logit_interval, wilson
from monitor.metrics.ranked import ranked
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints
from monitor.profiles.scores import Scores

TOP: Final = 0.1
"""Share of the rows that is the top of the list."""


def hits_at_top(positives: Ints, negatives: Ints, share: float = TOP) -> tuple[float, float, float]:
    """Positives among the top share of the rows, with the fewest and the most there may be.

    The cell at its end gives a part of its rows; their order is not known, so that its
    positives count by their share.

    Args:
        positives: positive rows per cell, ascending, shape (k,) [rows].
        negatives: negative rows per cell, shape (k,), one row at least in all [rows].
        share: in (0, 1).

    >>> hits_at_top(np.array([0, 2]), np.array([19, 1]))
    (1.3333333333333333, 1.0, 2.0)
    """
    hits, rows = positives[::-1], (positives + negatives)[::-1]
    top = share * int(rows.sum())
    reached = rows.cumsum()
    at = int(np.searchsorted(reached, top))
    before = int(hits[:at].sum())
    some = top - int(rows[:at].sum())
    inside, of = int(hits[at]), int(rows[at])
    fewest = max(some - (of - inside), 0.0)
    return before + some * inside / of, before + fewest, before + min(some, float(inside))


def recall_interval(positives: Ints, negatives: Ints) -> tuple[float, float]:
    """95 % interval of the share of the positives that is in the top tenth.

    By the delta method: a row above the line adds to the hits, and since a tenth is a tenth
    pushes another one below it, which is positive as often as rows near the line are. Wilson's
    where that leaves nothing.
    """
    n, p = int(positives.sum() + negatives.sum()), int(positives.sum())
    above, below = (hits_at_top(positives, negatives, TOP * f)[0] for f in (0.5, 1.5))
    near = (below - above) / (TOP * n)
    hits = hits_at_top(positives, negatives)[0]
    recall = hits / p
    of = (
        (hits, 1 - recall - near * (1 - TOP)),
        (p - hits, near * TOP - recall),
        (TOP * n - hits, -near * (1 - TOP)),
        (n - p - TOP * n + hits, near * TOP),
    )
    error = math.sqrt(math.fsum(rows * move * move for rows, move in of)) / p
    return logit_interval(recall, error) or wilson(hits, p)


def measure(subject: Subject) -> Value | Undefined:
    cells = ranked(subject)
    if isinstance(cells, Undefined):
        return cells
    found, fewest, most = hits_at_top(cells.positives, cells.negatives)
    positives = int(cells.positives.sum())
    lower, upper = recall_interval(cells.positives, cells.negatives)
    per_hit = 1 / TOP / positives
    low = max(lower / TOP - (found - fewest) * per_hit, 0.0)
    return Value(
        found * per_hit,
        cells.rows,
        min(low, found * per_hit),
        max(min(upper / TOP + (most - found) * per_hit, 1 / TOP), found * per_hit),
    )


METRIC: Final = Metric(
    name="lift_at_top_tenth",
    title="Lift at the top tenth",
    unit=Unit.NUMBER,
    series="lift_at_top_tenth",
    family=Family.TRUTH,
    per=Per.MODEL,
    summaries=(Scores,),
    measure=measure,
    ends=Ends.BOTH,
    null=None,
    least=100,
    says="Share of positives among the tenth of the labelled rows with the highest probability "
    "(or score), over their share among all: 1 is chance, 10 is all of them. Rows of the cell "
    "that the tenth cuts count by its share; the ends are widened by what their order can change.",
    prefer="To roc_auc where people work a list from the top and reach about a tenth of it.",
    blind="Everything below the top tenth. With a base rate p it cannot exceed 1 / p, so windows "
    "with other base rates differ in what is possible.",
    source="Ling and Li (1998), KDD, 73, for the measure; delta method on the logit scale for the "
    "interval",
)
