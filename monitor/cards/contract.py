"""The contract between a model and this service: what its events carry, in which order."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Self


class FeatureType(StrEnum):
    """JSON type of a feature's value; all but `CATEGORY` are stored as float64."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model.

    Attributes:
        name: key in the event's `features`.
        type: what its value is; a number given to a category is kept as its text.
        low: smallest allowed value, or None; numeric features only.
        high: largest allowed value, or None; numeric features only.
        categories: allowed values, or None when any text is allowed.
        missing: largest share of missing values that is no breach, in [0, 1].
    """

    name: str
    type: FeatureType
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] | None = None
    missing: float | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something known of the case that is no input: a protected group or a segment.

    Attributes:
        name: key in the event's `attributes`.
        protected: whether fairness is measured over its values.
        segment: whether every behaviour is also measured per value.
        values: declared values, or None when any text is allowed.
    """

    name: str
    protected: bool = False
    segment: bool = False
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Contract:
    """What every prediction of a model carries.

    Attributes:
        model: name of the model.
        features: in the order of the card.
        classes: possible predictions as text, in order; empty when a number is predicted.
        positive: the class that `probability` speaks of; None unless there are two classes.
        threshold: probability from which `positive` is predicted; None if unknown.
        attributes: in the order of the card.
    """

    model: str
    features: tuple[Feature, ...]
    classes: tuple[str, ...] = ()
    positive: str | None = None
    threshold: float | None = None
    attributes: tuple[Attribute, ...] = field(default=())

    @cached_property
    def numeric(self) -> tuple[Feature, ...]:
        """Features stored in the vector `numeric`, in its order."""
        return tuple(f for f in self.features if f.type is not FeatureType.CATEGORY)

    @cached_property
    def category(self) -> tuple[Feature, ...]:
        """Features stored in the vector `category`, in its order."""
        return tuple(f for f in self.features if f.type is FeatureType.CATEGORY)

    @cached_property
    def named(self) -> Mapping[str, Feature]:
        """Features by their names."""
        return {feature.name: feature for feature in self.features}

    @cached_property
    def definition(self) -> str:
        """Canonical JSON of the ordered names, types and classes that decide the vectors."""
        shape = {
            "model": self.model,
            "features": [[f.name, f.type.value] for f in self.features],
            "classes": list(self.classes),
            "positive": self.positive,
            "attributes": [a.name for a in self.attributes],
        }
        return json.dumps(shape, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of `definition`."""
        return hashlib.sha256(self.definition.encode()).hexdigest()[:16]

    @classmethod
    def from_definition(cls, text: str) -> Self:
        """The contract as far as `definition` tells: names and order, no limits.

        The id is the same, for limits are no part of it.
        """
        shape = json.loads(text)
        return cls(
            model=shape["model"],
            features=tuple(Feature(name, FeatureType(kind)) for name, kind in shape["features"]),
            classes=tuple(shape["classes"]),
            positive=shape["positive"],
            attributes=tuple(Attribute(name) for name in shape["attributes"]),
        )


def class_text(value: object) -> str | None:
    """A class, label or decision as the text under which it is stored and compared.

    1, 1.0 and "1" are one class, and so are true and "true". None for what is no scalar.

    >>> class_text(1.0), class_text(True), class_text("approve"), class_text([1])
    ('1', 'true', 'approve', None)
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
        case float():
            return repr(value)
        case _:
            return None


def is_numeral(text: str) -> bool:
    """Whether a text is a decimal number and nothing else.

    >>> is_numeral("-4.5e3"), is_numeral("1,5"), is_numeral("nan"), is_numeral("")
    (True, False, False, False)
    """
    return _NUMERAL.fullmatch(text) is not None


_NUMERAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
