"""Layouts of the family `inputs`: everything known when the prediction was made."""

from collections.abc import Sequence
from typing import Final

from monitor.cards.contract import Contract
from monitor.events.schema import Rule
from monitor.profiles import columns
from monitor.profiles.categories import Categories
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Layout, Part
from monitor.profiles.reference import Bins, Reference
from monitor.profiles.span import Span

CONFIDENCE: Final = Bins(tuple(step / 50 for step in range(1, 50)), 0.0, 1.0)
"""Fifty equal bins of [0, 1], the same for every model and reference."""

UNSEEN: Final = Bins((), 0.0, 0.0)
"""A number without a reference: only its missing values and extremes are known."""

LATENCIES: Final = Bins(tuple(round(10 ** (step / 16), 9) for step in range(-16, 97)), 0.0, 0.0)
"""Sixteen bins per factor of ten, from a tenth of a millisecond to a quarter of an hour [ms]; a
bin's ends differ by 15 %. No moments: one hanging request would be most of a mean."""

ROWS: Final = "rows"
LOW_CONFIDENCE: Final = "low_confidence"
NEAR: Final = "near_threshold"

FAILURES: Final = "failures"
FAILURES_LAYOUT: Final = Layout((Counts.part((FAILURES,)),))
"""Of the family `failures`, of all and of each code."""


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
    doubt = (columns.ENTROPY, columns.MARGIN) if contract.classes else ()
    score = reference.score if reference else None
    counts = (ROWS, LOW_CONFIDENCE, NEAR) if contract.classes else (ROWS, LOW_CONFIDENCE)
    return Layout(
        (
            *_outputs(contract, reference, counts),
            *(_number(name, CONFIDENCE) for name in doubt),
            *([_number(columns.SCORE, score)] if score else []),
            _number(columns.LATENCY, LATENCIES),
            Span.part(columns.EVENT_TIME),
            *features,
            Counts.part(breach_names(contract), columns.VIOLATIONS),
            *_novel(reference),
        )
    )


def group_layout(contract: Contract, reference: Reference | None) -> Layout:
    """Where everything lies in the profile of a group: what came out, not what went in."""
    return Layout((*_outputs(contract, reference, (ROWS, LOW_CONFIDENCE)), *_novel(reference)))


def breach_names(contract: Contract) -> list[str]:
    """Breaches that can be counted, as rows list them: "rule:name"."""
    names = [f.name for f in contract.features]
    return [f"{rule}:{name}" for rule in Rule for name in (*names, columns.PREDICTION)]


def _outputs(
    contract: Contract, reference: Reference | None, counts: Sequence[str]
) -> tuple[Part, ...]:
    predicted = reference.prediction if reference else None
    return (
        Counts.part(counts, columns.ROWS),
        Categories.part(columns.PREDICTION, contract.classes)
        if contract.classes
        else _number(columns.PREDICTION, predicted or UNSEEN),
        _number(columns.CONFIDENCE, CONFIDENCE),
    )


def _novel(reference: Reference | None) -> tuple[Part, ...]:
    """Room for novel records, last of all; none while a reference's own rows are profiled."""
    return (
        (Counts.part((columns.NOVEL,), columns.NOVELTY),)
        if reference is not None and reference.ints
        else ()
    )


def _number(column: str, bins: Bins) -> Part:
    return Distribution.part(column, bins.edges, bins.shift, bins.scale)
