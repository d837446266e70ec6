"""Layouts of the families `people` and `truth`: what was made of a prediction, what came true."""

from typing import Final

from monitor.cards.contract import Contract
from monitor.profiles.calibration import Calibration
from monitor.profiles.cases import Cases
from monitor.profiles.confusion import Confusion
from monitor.profiles.counts import Counts
from monitor.profiles.layout import Layout
from monitor.profiles.losses import Losses
from monitor.profiles.scores import Scores

TRUTH_COUNTS: Final = ("predictions", "labelled", "revisions")
PEOPLE_COUNTS: Final = (
    *("predictions", "reviewed", "shown", "overridden", "escalated", "revisions"),
)
CLASS_LOSSES: Final = ("brier", "log_loss")

MOST_CLASSES: Final = 12
"""With more classes the table of cases, which grows with their cube, is not kept."""


def truth_layout(contract: Contract, *, is_group: bool = False) -> Layout:
    """Where everything lies in a profile of labelled predictions.

    Groups go without the thousand score cells, which would be nearly all of their room.
    """
    parts = [Counts.part(TRUTH_COUNTS)]
    if contract.classes:
        parts += [
            Confusion.part(contract.classes),
            Calibration.part(),
            Losses.part(CLASS_LOSSES),
        ]
    if contract.positive is not None and not is_group:
        parts.append(Scores.part(contract.classes.index(contract.positive)))
    return Layout(tuple(parts))


def people_layout(contract: Contract) -> Layout:
    """Where everything lies in a profile of reviewed predictions, the same for groups."""
    parts = [Counts.part(PEOPLE_COUNTS)]
    if 0 < len(contract.classes) <= MOST_CLASSES:
        parts.append(Cases.part(contract.classes))
    return Layout(tuple(parts))
