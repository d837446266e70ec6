"""The card's section `contract`: what every prediction of the model carries."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.cards.values import Key, Name, repeated
from monitor.settings.check import nearest
from monitor.settings.part import Part, Wrong, exactly_one, refuse
from monitor.settings.values import Number, Share, Text


class DeclaredFeature(Part):
    """One input of the model."""

    type: FeatureType = Field(description="number, integer, boolean or category")
    range: tuple[Number | None, Number | None] | None = Field(
        default=None, description="[lowest, highest] allowed value, null for an open end"
    )
    categories: tuple[Name, ...] | None = Field(
        default=None, min_length=1, description="allowed values; default: any text"
    )
    missing: Share | None = Field(
        default=None, description="largest share of missing values that is no breach"
    )

    @model_validator(mode="after")
    def _fits_type(self) -> Self:
        wrongs: list[Wrong] = []
        numeric = self.type in (FeatureType.NUMBER, FeatureType.INTEGER)
        if self.range is not None and not numeric:
            wrongs.append((("range",), f"has no meaning for a {self.type.value}; remove it"))
        if self.categories is not None and self.type is not FeatureType.CATEGORY:
            wrongs.append((("categories",), "needs type: category"))
        low, high = self.range or (None, None)
        if low is not None and high is not None and low > high:
            wrongs.append((("range",), f"goes from {low:g} down to {high:g}; swap them"))
        wrongs += [
            (("categories",), f'"{name}" stands twice') for name in repeated(self.categories or ())
        ]
        refuse(wrongs, self)
        return self


class PredictedNumber(Part):
    """A predicted number."""

    low: Number | None = Field(default=None, description="smallest value that makes sense")
    high: Number | None = Field(default=None, description="largest value that makes sense")
    unit: Text | None = Field(default=None, description="unit of the number, for charts")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low {self.low:g} should be below high {self.high:g}")
        return self


class DeclaredPrediction(Part):
    """What the model answers; exactly one of classes and number."""

    classes: tuple[Name, ...] | None = Field(
        default=None, min_length=2, description="possible answers; also labels and decisions"
    )
    positive: Name | None = Field(
        default=None, description="the class that `probability` speaks of; default: the last of two"
    )
    threshold: Share | None = Field(
        default=None, description="probability from which the positive class is predicted"
    )
    near: Share = Field(
        default=0.05, description="distance from the threshold within which a prediction is near it"
    )
    low_confidence: Share | None = Field(
        default=None, description="confidence below which a prediction counts as unsure"
    )
    number: PredictedNumber | None = Field(
        default=None, description="a number is predicted; write {} if its range is unknown"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        refuse(self._wrongs(), self)
        return self

    def _wrongs(self) -> list[Wrong]:
        wrongs = exactly_one(self, "classes", "number")
        classes = self.classes or ()
        wrongs += [(("classes",), f'"{name}" stands twice') for name in repeated(classes)]
        for name in ("positive", "threshold"):
            if getattr(self, name) is not None and len(classes) != 2:
                wrongs.append(((name,), "has a meaning only with two classes; remove it"))
        if len(classes) == 2 and self.positive is not None and self.positive not in classes:
            hint = nearest(self.positive, classes)
            wrongs.append((("positive",), f'"{self.positive}" is none of the classes; {hint}'))
        if self.low_confidence is not None and self.number is not None:
            wrongs.append((("low_confidence",), "has a meaning only with classes; remove it"))
        return wrongs


class DeclaredAttribute(Part):
    """Something known of the case that is no input of the model."""

    protected: bool = Field(default=False, description="whether fairness is measured over it")
    segment: bool = Field(default=False, description="whether everything is measured per value")
    values: tuple[Name, ...] | None = Field(
        default=None, min_length=1, description="its values; default: any text"
    )

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        refuse(
            ((("values",), f'"{name}" stands twice') for name in repeated(self.values or ())), self
        )
        return self


class Declaration(Part):
    """What every prediction of the model carries."""

    prediction: DeclaredPrediction = Field(description="what the model answers")
    features: Mapping[Key, DeclaredFeature] = Field(
        default_factory=dict, description="inputs by their key in the event's `features`"
    )
    attributes: Mapping[Key, DeclaredAttribute] = Field(
        default_factory=dict, description="groups and segments by their key in `attributes`"
    )
    intersections: tuple[tuple[Key, ...], ...] = Field(
        default=(), description="lists of attributes whose combinations are groups too"
    )

    @model_validator(mode="after")
    def _attributes_fit(self) -> Self:
        # Segments such as "@team=north" come from decisions, not from attributes.
        wrongs: list[Wrong] = [
            (("attributes", name), "should not begin with @, which names of segments use")
            for name in self.attributes
            if name.startswith("@")
        ]
        for i, names in enumerate(self.intersections):
            place = ("intersections", i)
            if len(names) < 2 or repeated(names):
                wrongs.append((place, "should hold two or more different attributes"))
            wrongs += [
                (place, f'"{name}" is no attribute of this card; {nearest(name, self.attributes)}')
                for name in names
                if name not in self.attributes
            ]
        refuse(wrongs, self)
        return self

    def contract(self, model: str) -> Contract:
        """The contract of the model of this name."""
        prediction = self.prediction
        classes = prediction.classes or ()
        return Contract(
            model=model,
            features=tuple(_feature(name, part) for name, part in self.features.items()),
            classes=classes,
            positive=(prediction.positive or classes[-1]) if len(classes) == 2 else None,
            threshold=prediction.threshold,
            attributes=tuple(
                Attribute(name, part.protected, part.segment, part.values)
                for name, part in self.attributes.items()
            ),
        )


def _feature(name: str, part: DeclaredFeature) -> Feature:
    low, high = part.range or (None, None)
    return Feature(name, part.type, low, high, part.categories, part.missing)
