"""How far predicted numbers lie from what came true."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from monitor.profiles.added import Added, Fed, Summed
from monitor.profiles.columns import ERRORS
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats
from monitor.profiles.magnitudes import Magnitudes, cells_of
from monitor.profiles.sums import Sums, counted, summed

REACH: Final = 2.0**47
"""Errors and labels this many scales from the centre are counted and left out: their fourth
powers would not fit the sums."""

NAMES: Final = (
    *("error", "absolute", "square", "fourth"),
    *("label", "label2", "label3", "label4", "square_label", "square_label2"),
)
"""Sums over the scaled error e and the scaled label y from its centre: e, |e|, e2, e4, y, y2, y3,
y4, e2 y, e2 y2. The higher ones are for intervals."""

_LOW: Final = -192
_DIGITS: Final = 13
_DOUBLINGS: Final = (-20, 20)


def squared(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Three parts of each square, which add up to it without error.

    The variance of labels far from 0 is a small difference of such squares.

    Source: Dekker (1971), Numerische Mathematik 18, 224, for the split in halves.
    """
    wide = values * (2.0**27 + 1)
    upper = wide - (wide - values)
    lower = values - upper
    return upper * upper, 2 * upper * lower, lower * lower


def fed(plan: FeedbackPlan) -> Iterator[Fed]:
    """The sums over the errors, and how large they are.

    Numbers count in units of the plan's scale, a power of two, so that scaling is exact. The sums
    reach 2**47 scales to either side and are exact to 2**-192, so that even where there is no
    reference, and the scale is 1, they hold errors from 1e-14 to 1e14.
    """
    sums = Sums.part(ERRORS, NAMES, _LOW, _DIGITS, centre=plan.centre, scale=plan.scale)
    sizes = Magnitudes.part(ERRORS, plan.scale, _DOUBLINGS)

    def feed(known: Known) -> Iterator[Added | Summed]:
        rows, error, label = known.deviations
        within = (np.abs(error) < REACH) & (np.abs(label) < REACH)
        yield from counted(rows[within], rows[~within])
        e, y = error[within], label[within]
        square = e * e
        powers = (
            *([e], [np.abs(e)], [square], [square * square]),
            *([y], squared(y), [y * y * y], [y * y * y * y], [square * y], [square * (y * y)]),
        )
        for name, some in zip(NAMES, powers, strict=True):
            for values in some:
                yield summed(sums, name, rows[within], values)

    def measure(known: Known) -> Iterator[Added]:
        rows, error, _ = known.deviations
        with np.errstate(over="ignore"):
            yield Added(rows, cells_of(sizes, np.abs(error) * plan.scale))

    yield Fed(sums, feed)
    yield Fed(sizes, measure, whole_only=True)
