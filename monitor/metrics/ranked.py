"""The labelled rows of a window in the order that the model gave them."""

from typing import Final

from monitor.metrics.base import Subject, Undefined
from monitor.profiles.columns import ROWS, SCORE
from monitor.profiles.scores import Scores

OF_A_CLASS: Final = 10
"""Rows of either class that measures of order need."""


def ranked(subject: Subject) -> Scores | Undefined:
    """Cells of the probability or, where more rows have one, of the score.

    With enough rows of either class, else why not.
    """
    profile = subject.current
    held = [profile.get(Scores, column) for column in (ROWS, SCORE) if profile.has(Scores, column)]
    cells = max(held, key=lambda one: one.rows)
    fewest = min(int(cells.positives.sum()), int(cells.negatives.sum()))
    if fewest >= OF_A_CLASS:
        return cells
    if not cells.rows:
        return Undefined("no labels yet, or no prediction has probabilities or a score")
    return Undefined(f"the rarer class has {fewest} rows, {OF_A_CLASS} are needed")
