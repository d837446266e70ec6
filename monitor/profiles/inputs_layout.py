"""Layouts of the family `inputs`: everything known when the prediction was made."""

from typing import Final

from monitor.cards.contract import Contract
from monitor.events.schema import Rule
from monitor.profiles import columns
from monitor.profiles.categories import Categories
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Layout, Part
from monitor.profiles.reference import Bins, Reference

CONFIDENCE: Final = Bins(tuple(step / 50 for step in range(1, 50)), 0.0, 1.0)
"""Fifty equal bins of [0, 1], the same for every model and reference."""

UNSEEN: Final = Bins((), 0.0, 0.0)
"""A number without a reference: only its missing values and extremes are known."""

ROWS: Final = "rows"
LOW_CONFIDENCE: Final = "low_confidence"


def inputs_layout(contract: Contract, reference: Reference | None) -> Layout:
    """Where everything lies in the profile of all rows of a model."""
    numeric = reference.numeric if reference else {}
    category = reference.category if reference else {}
    features = [
        *(_number(columns.feature(f.name), numeric.get(f.name, UNSEEN)) for f in contract.numeric),
        *(
            Categories.part(columns.feature(f.name), category.get(f.name, f.categories or ()))
            for f in contract.category
        ),
    ]
    breaches = Counts.part(breach_names(contract), columns.VIOLATIONS)
    return Layout((*_outputs(contract, reference), *features, breaches))


def group_layout(contract: Contract, reference: Reference | None) -> Layout:
    """Where everything lies in the profile of a group: what came out, not what went in."""
    return Layout(_outputs(contract, reference))


def breach_names(contract: Contract) -> list[str]:
    """Breaches that can be counted, as rows list them: "rule:name"."""
    names = [f.name for f in contract.features]
    return [f"{rule}:{name}" for rule in Rule for name in (*names, columns.PREDICTION)]


def _outputs(contract: Contract, reference: Reference | None) -> tuple[Part, ...]:
    predicted = reference.prediction if reference else None
    return (
        Counts.part((ROWS, LOW_CONFIDENCE), columns.ROWS),
        Categories.part(columns.PREDICTION, contract.classes)
        if contract.classes
        else _number(columns.PREDICTION, predicted or UNSEEN),
        _number(columns.CONFIDENCE, CONFIDENCE),
    )


def _number(column: str, bins: Bins) -> Part:
    return Distribution.part(column, bins.edges, bins.shift, bins.scale)
