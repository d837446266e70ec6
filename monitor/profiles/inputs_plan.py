"""What the kernel of inputs must know of a model."""

from dataclasses import dataclass, field
from typing import Final

from monitor.cards.contract import Contract
from monitor.profiles import columns
from monitor.profiles.inputs_layout import group_layout, inputs_layout
from monitor.profiles.layout import Layout
from monitor.profiles.novel import Surprise
from monitor.profiles.reference import Reference

COLUMNS: Final = (
    *("id_hi", "id_lo", "payload_hash", "event_time", "version", "stage"),
    *("numeric", "category", "attributes", "predicted_class", "predicted_value"),
    *("confidence", "violations", "probabilities", "score", "latency_ms"),
)
"""Columns of the event table that `InputsKernel.feed` may need; `InputsPlan.columns` says which."""


@dataclass(frozen=True)
class InputsPlan:
    """What the kernel must know of a model.

    Attributes:
        contract: of the model; rows under an older contract are left to another plan.
        reference: frozen reference, or None while there is none.
        dimensions: attributes, or several together, whose values get profiles of their own.
        seconds: length of a window [s].
        low_confidence: confidence below which a prediction counts as unsure, or None.
        near: distance from the threshold within which a prediction counts as near it.
        versions: those that are told apart, all others count as one; None tells all apart.
    """

    contract: Contract
    reference: Reference | None
    dimensions: tuple[tuple[str, ...], ...]
    seconds: int
    low_confidence: float | None = None
    near: float = 0.05
    versions: tuple[str, ...] | None = None
    layout: Layout = field(init=False)
    group: Layout = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", inputs_layout(self.contract, self.reference))
        object.__setattr__(self, "group", group_layout(self.contract, self.reference))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the event table that the kernel needs."""
        needless = set() if self.contract.classes else {"probabilities"}
        if self.reference is None or self.reference.score is None:
            needless.add("score")
        return tuple(name for name in COLUMNS if name not in needless)

    @property
    def surprise(self) -> Surprise | None:
        """What values surprise by; None without a reference that was profiled."""
        if self.reference is None or not self.reference.ints:
            return None
        names = [columns.feature(f.name) for f in self.contract.features]
        return Surprise.of(self.reference.profile(self.layout), names)

    def values(self, attribute: str) -> tuple[str, ...]:
        """Values of an attribute that are followed; fixed, so that order changes nothing."""
        declared = next(a for a in self.contract.attributes if a.name == attribute).values
        if declared is not None:
            return declared
        return self.reference.groups.get(attribute, ()) if self.reference else ()
