"""The leaks that a simulated world plants, known from what is drawn."""

from typing import Final, NamedTuple

import numpy as np

from monitor.simulate.day import Day
from monitor.simulate.feedback import USED
from monitor.simulate.rhythm import SECOND

TOLERANCE: Final = 60 * SECOND
"""How far clocks may differ; the card says the same."""


class Leak(NamedTuple):
    """When a prediction took effect, and when it was reviewed, if it was, in microseconds."""

    effect: int
    review: int | None


def leaks_of(day: Day, end: int) -> dict[str, Leak]:
    """By prediction id, the leaks of a day as far as they arrive before `end`, in microseconds."""
    cases, uses, reviews = day.cases, day.uses, day.reviews
    n = len(cases.time)
    never = np.iinfo(np.int64).max
    effect, review = np.full(n, never), np.full(n, never)
    took = (uses.used == USED.index("used")) & (uses.arrival < end)
    np.minimum.at(effect, uses.case[took], uses.time[took])
    told = reviews.arrival < end
    review[reviews.case[told]] = reviews.time[told]
    is_leak = cases.required & (cases.arrival < end) & (effect < review - TOLERANCE)
    return {
        day.ids[i]: Leak(int(effect[i]), None if review[i] == never else int(review[i]))
        for i in np.flatnonzero(is_leak).tolist()
    }
