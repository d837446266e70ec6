"""The review policy of a model, as the other stages use it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SAMPLE: Final = "sample"
"""What stands in the place of a rule's name where chance asks for the review."""


class Of(StrEnum):
    """What a condition looks at."""

    PROBABILITY = "probability"
    SCORE = "score"
    CONFIDENCE = "confidence"
    PREDICTION = "prediction"
    RISK = "risk"
    STAGE = "stage"
    FEATURE = "feature"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; a missing value meets none but `is_missing`.

    Attributes:
        of: what is looked at.
        name: of the feature or attribute, or the class whose probability it is; else "".
        low: smallest value that meets it, None without a lower end.
        high: smallest value above that no longer meets it, None without an upper end.
        one_of: values that meet it, numbers where the value is one; None if it compares otherwise.
        is_missing: whether the value must be missing (True) or there (False); None if it compares.
    """

    of: Of
    name: str = ""
    low: float | None = None
    high: float | None = None
    one_of: tuple[str, ...] | tuple[float, ...] | None = None
    is_missing: bool | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A prediction that meets all conditions of a rule needs a review."""

    name: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Which predictions need a person before they take effect.

    Attributes:
        rules: any one of them asks for a review.
        within: time that a review may take, counted from the prediction.
        sample: share of the predictions that no rule names and that need one too, in [0, 1].
        roles: reviewer roles whose decision is a review; none of them means anybody's.
        tolerance: how far the clocks of the services may differ.
        since: predictions before it are not audited; None audits all.
    """

    rules: tuple[Rule, ...]
    within: timedelta
    sample: float = 0.0
    roles: tuple[str, ...] = ()
    tolerance: timedelta = timedelta(minutes=1)
    since: datetime | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Names of the rules in their order, then `SAMPLE`."""
        return (*(rule.name for rule in self.rules), SAMPLE)
