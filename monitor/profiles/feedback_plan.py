"""What the kernel of feedback must know of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.cards.contract import Contract
from monitor.cards.policy import Policy
from monitor.profiles import policy as review_policy
from monitor.profiles.joined import PREDICTION_COLUMNS
from monitor.profiles.windows import DAY


@dataclass(frozen=True)
class FeedbackPlan:
    """How the feedback of a model is profiled.

    Attributes:
        contract: of the model.
        dimensions: attributes, or several together, whose values get profiles of their own.
        values: values of each attribute that are followed.
        seconds: length of a window of these families [s].
        duplicates_within: length of the window within which duplicates are sought [s].
        versions: those that are told apart, all others count as one; None tells all apart.
        scores: inner edges of the cells of the score, from the reference; () for no cells.
        centre: about where predicted numbers lie, from the reference, in their unit.
        scale: a power of two near their spread, from the reference, in their unit.
        named: names of the divisions of `monitor.profiles.named` that the card declares.
        fastest: a review that took less is implausibly fast [s]; None where nobody said.
        run: upheld answers of one class in a row that count as a run.
        policy: which predictions need a review, None if none does.
        age: of each prediction, at which outcomes count for `early` [s].
        review_age: the same of reviews and uses [s].
        asof: end of the closed time, which the audit of reviews looks back from [Unix s].
    """

    contract: Contract
    dimensions: tuple[tuple[str, ...], ...]
    values: Mapping[str, tuple[str, ...]]
    seconds: int
    duplicates_within: int
    versions: tuple[str, ...] | None = None
    scores: tuple[float, ...] = ()
    centre: float = 0.0
    scale: float = 1.0
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fastest: float | None = None
    run: int = 10
    policy: Policy | None = None
    age: int = 90 * DAY
    review_age: int = DAY
    asof: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the event table that are needed of predictions."""
        asked = review_policy.columns(self.policy, self.contract) if self.policy else ()
        return tuple(dict.fromkeys((*PREDICTION_COLUMNS, *asked)))
