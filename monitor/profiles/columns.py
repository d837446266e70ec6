"""Names of the columns in layouts; features have a prefix, so that none can be mistaken."""

from typing import Final

ROWS: Final = ""
"""The rows as such: counts that belong to no column."""

PREDICTION: Final = "prediction"
FINAL_NUMBER: Final = "final_decision"
CONFIDENCE: Final = "confidence"
ENTROPY: Final = "entropy"
MARGIN: Final = "margin"
SCORE: Final = "score"
LATENCY: Final = "latency_ms"
EVENT_TIME: Final = "event_time"
ERRORS: Final = "errors"
DELAY: Final = "delay"
WEIGHTS: Final = "weights"
WEIGHTED_CLASSES: Final = "weighted_classes"
WEIGHTED_ERRORS: Final = "weighted_errors"
VIOLATIONS: Final = "violations"
NOVELTY: Final = "novelty"
FEATURE: Final = "features."


def feature(name: str) -> str:
    """Column of a feature.

    >>> feature("age")
    'features.age'
    """
    return FEATURE + name


NOVEL: Final = "novel"
"""Count of the part `NOVELTY`: records that surprise by more than `NOVEL_FROM`."""

NOVEL_FROM: Final = 3.0
"""Standard deviations of a record's surprise beyond which it counts as novel."""
