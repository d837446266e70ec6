"""What profiles of truth hold, and what fills it."""

from collections.abc import Iterator
from typing import Final

from monitor.cards.contract import Contract
from monitor.profiles import (
    calibration,
    class_scores,
    confusion,
    delays,
    errors,
    forecasts,
    losses,
    reliability,
    residuals,
    scores,
    tallies,
    weighted,
)
from monitor.profiles.added import Fed
from monitor.profiles.calibration import Calibration
from monitor.profiles.class_scores import ClassScores
from monitor.profiles.columns import SCORE
from monitor.profiles.confusion import Confusion
from monitor.profiles.counted import PREDICTIONS, Counted, counted, every
from monitor.profiles.feedback_plan import FeedbackPlan
from monitor.profiles.forecasts import Forecasts
from monitor.profiles.losses import Losses
from monitor.profiles.reliability import Reliability
from monitor.profiles.scores import Scores
from monitor.profiles.tallies import Tallies

COUNTS: Final[Counted] = {
    PREDICTIONS: every,
    "labelled": lambda known: known.outcome.given,
    "revisions": lambda known: known.outcome.revisions,
    "outside": lambda known: known.outside,
}

MOST_OF_A_TABLE: Final = 100
"""With more classes a table of confusion, which grows with their square, is not kept."""


def parts(plan: FeedbackPlan) -> Iterator[Fed]:
    """The parts of a profile of all rows, in the order of its layout."""
    contract = plan.contract
    yield counted(COUNTS)
    if contract.classes:
        yield from _of_classes(contract)
    if contract.positive is not None:
        yield from _of_two(contract.classes.index(contract.positive), plan.scores)
    elif contract.classes:
        cells = ClassScores.part(len(contract.classes))
        yield Fed(cells, class_scores.fed, whole_only=True)
    else:
        yield from errors.fed(plan)
    yield from residuals.parts(contract)
    yield from weighted.fed(plan)
    yield delays.fed()


def _of_classes(contract: Contract) -> Iterator[Fed]:
    classes, positive = contract.classes, contract.positive
    if len(classes) <= MOST_OF_A_TABLE:
        yield Fed(Confusion.part(classes), confusion.fed)
    else:
        yield Fed(Tallies.part(classes), tallies.fed)
    yield Fed(Calibration.part(), calibration.fed)
    yield Fed(Losses.part(losses.OF_CLASSES), losses.fed)
    yield Fed(scores.confidence_part(), scores.by_confidence, whole_only=True)
    place = None if positive is None else classes.index(positive)
    of_all = Forecasts.part(len(classes), place)
    yield Fed(of_all, forecasts.fed, whole_only=True)


def _of_two(positive: int, edges: tuple[float, ...]) -> Iterator[Fed]:
    yield Fed(Reliability.part(positive), reliability.fed)
    yield Fed(Scores.part(positive), scores.by_probability, whole_only=True)
    if edges:
        yield Fed(Scores.over(positive, edges, SCORE), scores.by_score, whole_only=True)
