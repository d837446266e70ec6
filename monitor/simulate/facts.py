"""What a simulated world sends, counted while it is drawn and not from its messages."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from monitor.events.schema import Reason
from monitor.simulate.applicants import REGIONS, Bools, Ints
from monitor.simulate.feedback import Cases, Outcomes, Reviews, Uses
from monitor.simulate.scoring import VERSIONS


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts over the messages that arrive before a world ends; duplicates stand apart.

    Attributes:
        predictions: distinct predictions, and likewise the other kinds [rows].
        versions: predictions per version.
        approved: predictions of the class "approve".
        decisions: decisions.
        shown: decisions where the recommendation was shown.
        overridden: decisions against a recommendation that was shown.
        decisions_by_team: decisions with the recommendation shown, per team.
        overrides_by_team: overridden ones, per team.
        outcomes: truths that became known.
        right: outcomes that prove the model's prediction right.
        usage: uses.
        failures: inferences without an answer.
        deployments: steps of rollouts.
        duplicates: messages sent again.
        poison: messages that belong into quarantine, per reason.
    """

    predictions: int = 0
    versions: Mapping[str, int] = field(default_factory=Counter)
    approved: int = 0
    decisions: int = 0
    shown: int = 0
    overridden: int = 0
    decisions_by_team: Mapping[str, int] = field(default_factory=Counter)
    overrides_by_team: Mapping[str, int] = field(default_factory=Counter)
    outcomes: int = 0
    right: int = 0
    usage: int = 0
    failures: int = 0
    deployments: int = 0
    duplicates: int = 0
    poison: Mapping[Reason, int] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """All messages, duplicates and poison included."""
        events = self.predictions + self.decisions + self.outcomes + self.usage
        extra = self.failures + self.deployments + self.duplicates
        return events + extra + sum(self.poison.values())


def prediction_facts(cases: Cases, end: int) -> Facts:
    """Counts of the predictions that arrive before `end`, in microseconds."""
    here = cases.arrival < end
    return Facts(
        predictions=int(here.sum()),
        versions=_counts(VERSIONS, cases.version, here),
        approved=int((cases.approved & here).sum()),
    )


def feedback_facts(
    cases: Cases, reviews: Reviews, outcomes: Outcomes, uses: Uses, end: int
) -> Facts:
    """Counts of the feedback that arrives before `end`, in microseconds."""
    decided = reviews.arrival < end
    shown = decided & reviews.shown
    overridden = decided & reviews.overridden
    known = outcomes.case[outcomes.arrival < end]
    return Facts(
        decisions=int(decided.sum()),
        shown=int(shown.sum()),
        overridden=int(overridden.sum()),
        decisions_by_team=_counts(REGIONS, reviews.team, shown),
        overrides_by_team=_counts(REGIONS, reviews.team, overridden),
        outcomes=len(known),
        right=int((cases.approved[known] == cases.repays[known]).sum()),
        usage=int((uses.arrival < end).sum()),
    )


def total(parts: Iterable[Facts]) -> Facts:
    """The sum of all parts; of none, nothing but zeros."""
    parts = tuple(parts)
    sums: dict[str, Any] = {}
    for entry in fields(Facts):
        values = [getattr(part, entry.name) for part in parts]
        sums[entry.name] = (
            sum(values) if entry.default == 0 else sum(map(Counter, values), Counter())
        )
    return Facts(**sums)


def _counts(names: tuple[str, ...], index: Ints, where: Bools) -> Counter[str]:
    counted = np.bincount(index[where], minlength=len(names)).tolist()
    return Counter({name: count for name, count in zip(names, counted, strict=True) if count})
