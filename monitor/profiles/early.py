"""Outcomes as they stood at a fixed age of each prediction, of which later ones change nothing."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from monitor.cards.contract import Contract
from monitor.profiles.added import Added, Fed
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.fixed import CLIP, MOMENT, SQUARE, UNIT
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part

NAME: Final = "early"

OF_CLASSES: Final[Mapping[str, float]] = {
    "rows": 1.0,
    "right": 1.0,
    "misled": 1.0,
    "followed": 1.0,
    "forecast": 1.0,
    "error": UNIT,
    "error_p": UNIT,
    "doubt": UNIT,
    "doubt_p": UNIT,
    "doubt_p2": UNIT,
    "p": UNIT,
    "p2": UNIT,
}
"""Unit of each sum: judged rows; of them right ones; wrong ones that people saw as a
recommendation; of these the ones they followed; rows with a probability p of what came true or
not, y; sums over them of y - p, (y - p) p, p (1 - p), p (1 - p) p, p (1 - p) p2, p and p2. With a
positive class y is whether it came true, else whether the predicted class did."""

OF_NUMBERS: Final[Mapping[str, float]] = {
    "rows": 1.0,
    "error": MOMENT,
    "absolute": MOMENT,
    "square": SQUARE,
}
"""The same of the scaled errors e: rows, sums of e, |e| and e2. Errors of more than `CLIP` scales
enter as that many."""


def units(contract: Contract) -> Mapping[str, float]:
    """Sums that are kept of a model, with their units."""
    return OF_CLASSES if contract.classes else OF_NUMBERS


def fed(plan: FeedbackPlan) -> Fed:
    """The sums over the predictions that had an outcome at the plan's age."""
    names = list(units(plan.contract))
    spec = {"names": names, "age": plan.age, "scale": plan.scale}
    feed = _of_classes if plan.contract.classes else _of_numbers
    return Fed(Part(NAME, "", spec, len(names)), feed, whole_only=True)


def _added(known: Known, name: str, rows: Ints, amount: Floats | None = None) -> Added:
    kept = units(known.contract)
    place = list(kept).index(name)
    if amount is None:
        return Added(rows, place)
    return Added(rows, place, np.rint(amount / kept[name]).astype(np.int64))


def _of_classes(known: Known) -> Iterator[Added]:
    then = known.at_age
    judged = then.judged
    right = then.predicted[judged] == then.label[judged]
    right &= then.label[judged] < len(then.contract.classes)
    yield _added(then, "rows", judged)
    yield _added(then, "right", judged[right])
    wrong = judged[~right & (then.predicted[judged] < len(then.contract.classes))]
    misled = wrong[then.shown[wrong] & then.compared[wrong]]
    yield _added(then, "misled", misled)
    yield _added(then, "followed", misled[~then.differs[misled]])
    rows, p, y = _forecast(then)
    q = p * (1 - p)
    yield _added(then, "forecast", rows)
    sums = {"error": y - p, "error_p": (y - p) * p, "doubt": q, "doubt_p": q * p}
    sums |= {"doubt_p2": q * p * p, "p": p, "p2": p * p}
    for name, amount in sums.items():
        yield _added(then, name, rows, amount)


def _forecast(known: Known) -> tuple[Ints, Floats, Floats]:
    """Rows with a probability, the probability, and whether it came true, shape (m,) each."""
    contract = known.contract
    if contract.positive is not None:
        rows, place = known.forecast, contract.classes.index(contract.positive)
        return rows, known.probability[rows, place], (known.label[rows] == place).astype(float)
    rows = known.judged[~np.isnan(known.confidence[known.judged])]
    right = known.predicted[rows] == known.label[rows]
    right &= known.label[rows] < len(contract.classes)
    return rows, known.confidence[rows], right.astype(float)


def _of_numbers(known: Known) -> Iterator[Added]:
    then = known.at_age
    rows, error, _ = then.deviations
    error = np.clip(error, -CLIP, CLIP)
    yield _added(then, "rows", rows)
    yield _added(then, "error", rows, error)
    yield _added(then, "absolute", rows, np.abs(error))
    yield _added(then, "square", rows, error * error)
