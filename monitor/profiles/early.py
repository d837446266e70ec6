"""What was known at a fixed age of each prediction, of which later words change nothing."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from monitor.cards.contract import Contract
from monitor.profiles import reviewers
from monitor.profiles.added import Added, Fed
from monitor.profiles.counted import PREDICTIONS
from monitor.profiles.counts import Counts
from monitor.profiles.divisions import Division
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.fixed import CLIP, MOMENT, SQUARE, UNIT
from monitor.profiles.known import Known
from monitor.profiles.layout import Floats, Ints, Part
from monitor.profiles.named import CONSUMER, TEAM, by_name
from monitor.profiles.reviewers import FEW, FEW_CELLS, Reviewers
from monitor.profiles.used import USED, USES

NAME: Final = "early"

SAID: Final = (PREDICTIONS, "shown", "overridden", USES, USED, "ignored", "blocked")
"""Predictions; of them those shown to people, and overruled; and what consumers last said of
them, by state."""

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


def parts(plan: FeedbackPlan) -> tuple[Fed, ...]:
    """What was said by the plan's `review_age`, by how many, and what came true by its `age`."""
    names = list(units(plan.contract))
    ages = {"age": plan.age, "review_age": plan.review_age}
    spec = {"names": names, **ages, "scale": plan.scale}
    feed = _of_classes if plan.contract.classes else _of_numbers
    return (
        Fed(Counts.part(SAID), _said),
        Fed(Reviewers.part(FEW_CELLS, FEW), _reviewers),
        Fed(Part(NAME, "", spec, len(names)), feed),
    )


def units_of(known: Known) -> Ints:
    """Prediction of each unit: of the predictions, then of the uses."""
    return np.concatenate([known.every, known.at_review_age.uses.prediction])


def divisions(known: Known) -> Iterator[Division]:
    """Reviewed predictions by the team, and uses by the consumer, that they had by then."""
    then = known.at_review_age
    uses, named = then.uses, known.plan.named
    teams, consumers = then.decision.table["team"], uses.table["consumer"]
    yield by_name(TEAM, teams, known.every, known.window, named.get(TEAM, ()))
    window = known.window[uses.prediction]
    yield by_name(CONSUMER, consumers, uses.unit, window, named.get(CONSUMER, ()))


def _said(known: Known) -> Iterator[Added]:
    then = known.at_review_age
    uses = then.uses
    of = {
        PREDICTIONS: known.every,
        "shown": np.flatnonzero(then.shown),
        "overridden": np.flatnonzero(then.overridden),
        USES: uses.unit,
    }
    for place, name in enumerate(SAID):
        yield Added(of[name] if name in of else uses.unit[uses.said(name)], place)


def _reviewers(known: Known) -> Iterator[Added]:
    return reviewers.fed(FEW_CELLS)(known.at_review_age)


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
