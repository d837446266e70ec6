"""One message alone: the exact verdict, with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from monitor.events.kinds import FEEDBACK, FORMS, REQUIRED
from monitor.events.schema import Kind, Reason, Rule
from monitor.events.shapes import Section, Shape
from monitor.events.strict import Rejection, strict_object
from monitor.events.times import instant_of

_KNOWN = {kind: {*forms, "type", "schema", "model"} for kind, forms in FORMS.items()}
_KINDS = {kind.value: kind for kind in FORMS}


@dataclass(frozen=True, slots=True)
class Clock:
    """Between which instants an event may lie, in UTC microseconds.

    Attributes:
        latest: the last instant that is not too far ahead.
        earliest: per model code the first instant that is still kept.
    """

    latest: int
    earliest: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Roster:
    """The models that a source's messages may belong to.

    Attributes:
        shapes: by name of the model; their events name it.
        default: shape of an event that names no model.
    """

    shapes: Mapping[str, Shape]
    default: Shape


@dataclass(frozen=True, slots=True)
class Reading:
    """A message that is an event.

    Attributes:
        shape: under which it was read.
        kind: of event.
        row: its struct, with every value that broke the contract left out.
        violations: those values, as "rule:name".
        strangers: (place, name, whether it is a scalar) of keys outside the contract.
    """

    shape: Shape
    kind: Kind
    row: Struct
    violations: Sequence[str]
    strangers: Sequence[tuple[str, str, bool]]


def reading(message: bytes | None, roster: Roster, clock: Clock, limit: int) -> Reading:
    """The event that a message tells, whatever its neighbours are.

    Raises:
        Rejection: it tells none, with the one reason.
    """
    event = strict_object(message, limit)
    schema = event.get("schema")
    if schema is not None and (type(schema) is not int or schema != 1):
        raise Rejection(Reason.UNSUPPORTED_SCHEMA, f"schema is {schema!r}; this service reads 1")
    kind = _kind(event)
    shape = _shape(event, kind, roster)
    breaches = _Breaches()
    try:
        fields = _envelope(event, kind, breaches)
        _check_time(str(fields["event_time"]), shape, clock)
    except Rejection as rejection:
        rejection.model = shape.contract.model if shape.contract else None
        raise
    sections = shape.sections if kind is Kind.PREDICTION else {}
    for key, section in sections.items():
        value = _section(event.get(key), section, breaches)
        if value is not None:
            fields[key] = value
    known = _KNOWN[kind]
    for key, given in event.items():
        if key not in known and key not in sections:
            breaches.strangers.append((kind.value, key, _is_scalar(given)))
    if not shape.implied and shape.contract is not None:
        fields["model"] = shape.contract.model
    row = shape.structs[kind](**fields)
    return Reading(shape, kind, row, breaches.violations, breaches.strangers)


@dataclass(slots=True)
class _Breaches:
    violations: list[str] = field(default_factory=list)
    strangers: list[tuple[str, str, bool]] = field(default_factory=list)


def _kind(event: Mapping[str, object]) -> Kind:
    value = event.get("type")
    if value is None:
        raise Rejection(Reason.MISSING_KEY, 'the key "type" is missing')
    if not isinstance(value, str) or value not in _KINDS:
        known = ", ".join(_KINDS)
        raise Rejection(Reason.UNKNOWN_TYPE, f"type is {str(value)[:80]!r}; known are {known}")
    return _KINDS[value]


def _shape(event: Mapping[str, object], kind: Kind, roster: Roster) -> Shape:
    name = event.get("model")
    if name is None:
        if roster.default.contract is None and kind not in FEEDBACK:
            raise Rejection(
                Reason.MISSING_KEY, f'a {kind} needs the key "model", or a model in the settings'
            )
        return roster.default
    if not isinstance(name, str):
        raise Rejection(Reason.WRONG_TYPE, f"model must be a text, not {str(name)[:80]}")
    shape = roster.shapes.get(name)
    if shape is None:
        raise Rejection(
            Reason.UNKNOWN_MODEL,
            f"no card for model {name[:80]!r}; write one: mbm models init",
            name[:200],
        )
    return shape


def _envelope(event: Mapping[str, object], kind: Kind, breaches: _Breaches) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, form in FORMS[kind].items():
        value = event.get(name)
        if value is None:
            if name in REQUIRED[kind]:
                raise Rejection(Reason.MISSING_KEY, f'a {kind} needs the key "{name}"')
            continue
        kept = form.check(value)
        if not isinstance(kept, Rule):
            fields[name] = kept
        elif name not in REQUIRED[kind]:
            breaches.violations.append(f"{kept}:{name}")
        else:
            raise _required(name, value, kept, form.most)
    return fields


def _required(name: str, value: object, rule: Rule, most: int | None) -> Rejection:
    if rule is Rule.TOO_LONG:
        return Rejection(Reason.TOO_LONG, f"{name} may have {most} characters at most")
    shown = repr(value)[:80]
    if name == "event_time":
        return Rejection(
            Reason.BAD_TIME, f"{name} is {shown}; write RFC 3339 with a zone: 2026-01-31T09:30:00Z"
        )
    if rule is Rule.NOT_FINITE:
        return Rejection(Reason.NOT_FINITE, f"{name} is too large for a number")
    return Rejection(Reason.WRONG_TYPE, f"{name} cannot be {shown}")


def _check_time(text: str, shape: Shape, clock: Clock) -> None:
    instant = instant_of(text)
    if instant > clock.latest:
        raise Rejection(Reason.FUTURE, f"event_time {text} is ahead of the clock")
    if instant < clock.earliest[shape.code]:
        raise Rejection(Reason.TOO_LATE, f"event_time {text} lies before what the log still keeps")


def _section(value: object, section: Section, breaches: _Breaches) -> Struct | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        breaches.violations.append(f"{Rule.WRONG_TYPE}:{section.name}")
        return None
    kept: dict[str, object] = {}
    for i, (name, form) in enumerate(section.forms.items()):
        given = value.get(name)
        if given is not None:
            checked = form.check(given)
            if isinstance(checked, Rule):
                breaches.violations.append(section.breach(checked, name))
            else:
                kept[f"f{i}"] = checked
    for name, given in value.items():
        if name not in section.forms:
            if section.stranger:
                breaches.violations.append(section.breach(section.stranger, name))
            else:
                breaches.strangers.append((section.name, name, _is_scalar(given)))
    return section.struct(**kept)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
