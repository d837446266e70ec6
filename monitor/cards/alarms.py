"""The card's section `alarms`: how often people may be called, and for what."""

from typing import Annotated, Literal, Self, TypeAlias

from annotated_types import Ge, Le
from pydantic import Field, Strict, model_validator

from monitor.cards.values import Key, repeated
from monitor.settings.part import Part, Wrong, exactly_one, refuse
from monitor.settings.values import Duration, Number, Share, Text

Often: TypeAlias = Annotated[float, Strict(), Ge(0.01), Le(1_000)]
"""How often something may happen: from once in eight years to every hour."""


class Tolerance(Part):
    """Change that is real and harmless: too little to call anybody for."""

    sigma: Share = Field(
        default=0.02, description="shift of a mean, in standard deviations of a row"
    )
    relative: Share = Field(default=0.02, description="part of a share, or of a count")


class Weights(Part):
    """How the evidence is shared out over families of signals; only the proportions count.

    A family that a model has no signals of leaves its part to the others; 0 leaves one out.
    """

    features: Share = Field(default=0.2, description="distributions of the inputs")
    missing: Share = Field(default=0.05, description="missing values of the inputs")
    violations: Share = Field(default=0.03, description="breaches of the contract")
    novelty: Share = Field(
        default=0.0, description="records unlike the reference; they come in spells, so ask for it"
    )
    predictions: Share = Field(default=0.1, description="what is predicted")
    confidence: Share = Field(default=0.07, description="how sure the model is")
    estimated: Share = Field(default=0.03, description="accuracy that the model expects")
    volume: Share = Field(default=0.02, description="how many predictions there are")
    fairness: Share = Field(default=0.05, description="gaps between groups")
    people: Share = Field(default=0.08, description="what people do with predictions")
    use: Share = Field(default=0.03, description="what consumers do with predictions")
    reliance: Share = Field(default=0.02, description="how often people follow what is wrong")
    truth: Share = Field(default=0.03, description="outcomes against predictions")
    calibration: Share = Field(default=0.02, description="outcomes against probabilities")
    segments: Share = Field(default=0.3, description="all of it again in single segments")

    @model_validator(mode="after")
    def _is_some(self) -> Self:
        if not any(self.model_dump().values()):
            refuse([((), "leaves no family any weight; give one a part above 0")], self)
        return self


class Threshold(Part):
    """A line that a published number must not cross: an incident whatever the evidence says."""

    metric: Text = Field(description="name of the metric, as `mbm results` shows it")
    column: Key | None = Field(default=None, description="feature or attribute; default: any")
    segment: Text | None = Field(default=None, description="segment; default: all rows")
    above: Number | None = Field(default=None, description="more than this is an incident")
    below: Number | None = Field(default=None, description="less than this is an incident")
    tier: Literal["page", "ticket"] = Field(
        default="ticket", description="whether it calls somebody at once"
    )

    @model_validator(mode="after")
    def _has_one_line(self) -> Self:
        refuse(exactly_one(self, "above", "below"), self)
        return self


class Alarms(Part):
    """How often people may be called, and for what."""

    pages_per_month: Often = Field(
        default=1.0, description="false pages of the model that are accepted in 30 days"
    )
    tickets_per_quarter: Often = Field(
        default=1.0, description="false tickets of slow drift that are accepted in 91 days"
    )
    tolerance: Tolerance = Field(default=Tolerance(), description="change that is harmless")
    weights: Weights = Field(default=Weights(), description="parts of the families of signals")
    labels_after: Duration | None = Field(
        default=None,
        description="age of predictions at which their outcomes are read, once, for pages on "
        "accuracy and calibration; later outcomes call nobody; default: label_horizon",
    )
    thresholds: tuple[Threshold, ...] = Field(
        default=(), max_length=50, description="fixed lines beside the evidence"
    )
    recipients: tuple[Text, ...] = Field(
        default=(),
        max_length=20,
        description="channels of the settings that incidents are told to; default: all of them",
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        lines = [line.model_dump_json() for line in self.thresholds]
        wrongs: list[Wrong] = [
            (("thresholds", i), "stands twice") for i, line in enumerate(lines) if line in lines[:i]
        ]
        wrongs += [
            (("recipients",), f'"{name}" stands twice') for name in repeated(self.recipients)
        ]
        refuse(wrongs, self)
        return self
