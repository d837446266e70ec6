"""The card's section `events`: how a team's own JSON becomes our events."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from monitor.cards.paths import KeyPath, key_path, path_text
from monitor.cards.values import Name
from monitor.settings.part import Part, Wrong, refuse
from monitor.settings.values import Zone

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that every event gets, whatever the message holds."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class NumberText:
    """A number that the message holds as text, at this path."""

    path: KeyPath


Place: TypeAlias = KeyPath | NumberText | Constant
"""Where one value comes from."""


def _read_origin(value: object) -> Place:
    match value:
        case str():
            return key_path(value)
        case {"number": str(path), **rest} if not rest:
            return NumberText(key_path(path))
        case {"const": (str() | int() | float() | None) as constant, **rest} if not rest:
            return Constant(constant)
        case _:
            raise ValueError(
                "should be a path such as payload.id, {number: path} or {const: value}"
            )


def _origin_text(origin: Place) -> object:
    match origin:
        case Constant():
            return {"const": origin.value}
        case NumberText():
            return {"number": path_text(origin.path)}
        case _:
            return path_text(origin)


def _read_origins(value: object) -> KeyPath | Mapping[str, Place]:
    match value:
        case str():
            return key_path(value)
        case dict():
            return {str(name): _read_origin(origin) for name, origin in value.items()}
        case _:
            raise ValueError("should be a path to an object, or {name: path}")


def _origins_text(origins: KeyPath | Mapping[str, Place]) -> object:
    if isinstance(origins, tuple):
        return path_text(origins)
    return {name: _origin_text(origin) for name, origin in origins.items()}


def _read_conditions(value: object) -> tuple[tuple[KeyPath, Scalar], ...]:
    match value:
        case dict():
            return tuple((key_path(str(path)), _scalar(wanted)) for path, wanted in value.items())
        case _:
            raise ValueError("should be {path: value}")


def _scalar(value: object) -> Scalar:
    match value:
        case str() | int() | float() | None:
            return value
        case _:
            raise ValueError("compares with a list or mapping; write one plain value")


def _conditions_text(conditions: tuple[tuple[KeyPath, Scalar], ...]) -> object:
    return {path_text(path): wanted for path, wanted in conditions}


_PLAIN: dict[str, object] = {"type": ["string", "number", "boolean", "null"]}


def _only(name: str, value: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {name: value},
        "required": [name],
        "additionalProperties": False,
    }


_ORIGIN = {
    "anyOf": [
        {"type": "string"},
        _only("number", {"type": "string"}),
        _only("const", _PLAIN),
    ]
}

Origin: TypeAlias = Annotated[
    Place,
    PlainValidator(_read_origin),
    PlainSerializer(_origin_text),
    WithJsonSchema(_ORIGIN),
]
"""Where a value comes from: a path into the message, a number as text there, or a constant."""

Origins: TypeAlias = Annotated[
    KeyPath | Mapping[str, Place],
    PlainValidator(_read_origins),
    PlainSerializer(_origins_text),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": _ORIGIN}]}
    ),
]
"""Where named values come from: a path to an object that holds them, or each by itself."""

Conditions: TypeAlias = Annotated[
    tuple[tuple[KeyPath, Scalar], ...],
    PlainValidator(_read_conditions),
    PlainSerializer(_conditions_text),
    WithJsonSchema({"type": "object", "additionalProperties": _PLAIN}),
]
"""Comparisons that must all hold: the value at the path equals this one."""


class EventMapping(Part):
    """How one kind of event is read; its other keys are those of the contract."""

    when: Conditions = Field(
        default=(), description="{path: value} that a message of this kind holds, all of them"
    )
    time_format: Literal["rfc3339", "unix_s", "unix_ms", "unix_us"] = Field(
        default="rfc3339", description="how times are written"
    )
    timezone: Zone | None = Field(
        default=None,
        description="where times without a zone are, UTC or such as Europe/Berlin; of an hour that "
        "comes twice the first is meant",
    )
    classes: Mapping[str, Name] = Field(
        default_factory=dict, description="their name of a class, decision or label: ours"
    )
    event_id: Origin = Field(description="path of the event's own id")
    event_time: Origin = Field(description="path of the event's time")
    model: Origin | None = Field(default=None, description="path of the model; default: this card")

    @model_validator(mode="after")
    def _one_zone(self) -> Self:
        if self.timezone is not None and self.time_format != "rfc3339":
            wrong = f"has no effect with time_format: {self.time_format}; leave one of them out"
            refuse([(("timezone",), wrong)], self)
        return self

    @cached_property
    def keys(self) -> Mapping[str, Place]:
        """Where each mapped key of the contract comes from, those of `objects` apart."""
        return {
            name: origin
            for name in type(self).model_fields
            if name not in (*SETTINGS, *OBJECTS) and (origin := getattr(self, name)) is not None
        }

    @cached_property
    def objects(self) -> Mapping[str, KeyPath | Mapping[str, Place]]:
        """Where `features` and the like come from, those that are mapped."""
        return {
            name: origins for name in OBJECTS if (origins := getattr(self, name, None)) is not None
        }


SETTINGS = ("when", "time_format", "timezone", "classes")
"""Keys of a mapping that are no keys of the contract."""

OBJECTS = ("features", "attributes", "probabilities", "explanation")
"""Keys of the contract whose value is an object of named values."""


class PredictionMapping(EventMapping):
    """How predictions are read."""

    version: Origin
    features: Origins
    prediction: Origin
    score: Origin | None = None
    probability: Origin | None = None
    probabilities: Origins | None = None
    confidence: Origin | None = None
    attributes: Origins | None = None
    subject: Origin | None = None
    risk: Origin | None = None
    explanation: Origins | None = None
    latency_ms: Origin | None = None
    environment: Origin | None = None
    stage: Origin | None = None
    experiment: Origin | None = None
    variant: Origin | None = None


class FeedbackMapping(EventMapping):
    """How events that speak of a prediction are read."""

    prediction_id: Origin
    prediction_time: Origin | None = None


class DecisionMapping(FeedbackMapping):
    """How people's decisions are read."""

    decision: Origin
    reviewer: Origin | None = None
    reviewer_role: Origin | None = None
    team: Origin | None = None
    recommendation_shown: Origin | None = None
    action: Origin | None = None
    reason_code: Origin | None = None
    rationale: Origin | None = None
    review_started_at: Origin | None = None
    effective_at: Origin | None = None


class OutcomeMapping(FeedbackMapping):
    """How outcomes are read."""

    label: Origin
    label_version: Origin | None = None
    weight: Origin | None = None


class UsageMapping(FeedbackMapping):
    """How uses of predictions are read."""

    consumer: Origin | None = None
    used: Origin | None = None
    action: Origin | None = None
    value: Origin | None = None


class FailureMapping(EventMapping):
    """How failed inferences are read."""

    version: Origin | None = None
    code: Origin | None = None
    message: Origin | None = None


class DeploymentMapping(EventMapping):
    """How deployments are read."""

    version: Origin
    stage: Origin | None = None
    traffic_share: Origin | None = None
    artifact: Origin | None = None
    training_run: Origin | None = None
    by: Origin | None = None


class Mappings(Part):
    """How a team's own messages become events, by kind."""

    prediction: PredictionMapping | None = Field(default=None, description="predictions")
    decision: DecisionMapping | None = Field(default=None, description="people's decisions")
    outcome: OutcomeMapping | None = Field(default=None, description="what turned out to be true")
    usage: UsageMapping | None = Field(default=None, description="what was done with predictions")
    failure: FailureMapping | None = Field(default=None, description="inferences without answer")
    deployment: DeploymentMapping | None = Field(default=None, description="changes of version")

    @cached_property
    def kinds(self) -> Mapping[str, EventMapping]:
        """The mappings that are given, by kind."""
        return {
            kind: mapping
            for kind in type(self).model_fields
            if (mapping := getattr(self, kind)) is not None
        }

    @model_validator(mode="after")
    def _kinds_differ(self) -> Self:
        wrongs: list[Wrong] = []
        seen: dict[tuple[tuple[KeyPath, Scalar], ...], str] = {}
        for kind, mapping in self.kinds.items():
            if not mapping.when and len(self.kinds) > 1:
                wrongs.append(((kind,), "needs `when`, to be told from the other kinds"))
            elif mapping.when in seen:
                wrongs.append(((kind, "when"), f"is the same as that of {seen[mapping.when]}"))
            seen[mapping.when] = kind
        refuse(wrongs, self)
        return self


class Events(Part):
    """How the model's events look."""

    mapping: Mappings | None = Field(
        default=None, description="for messages that are not in our contract"
    )
