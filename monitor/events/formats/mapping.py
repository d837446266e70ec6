"""A team's own JSON as our contract, by the paths of the model's card."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.cards.contract import class_text, is_numeral
from monitor.cards.mapping import Constant, NumberText
from monitor.events.formats.inside import found, unpacked
from monitor.events.times import readable

if TYPE_CHECKING:
    from monitor.cards.mapping import EventMapping, Place
    from monitor.cards.paths import KeyPath

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = {"unix_s": 1_000_000, "unix_ms": 1_000, "unix_us": 1}
_TIMES = frozenset({"event_time", "prediction_time", "review_started_at", "effective_at"})
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_ANSWERS = frozenset({"prediction", "decision", "label"})


def mapped(event: object, kinds: "Mapping[str, EventMapping]") -> dict[str, object] | None:
    """A native event, or None when the message is of none of these kinds.

    What a path does not find is left out, and the decoder judges whether it was needed.

    Args:
        event: the parsed message.
        kinds: the mapping of each kind of event.
    """
    for kind, mapping in kinds.items():
        if all(_same(found(event, path), value) for path, value in mapping.when):
            return _native(event, kind, mapping)
    return None


def _native(event: object, kind: str, mapping: "EventMapping") -> dict[str, object]:
    native: dict[str, object] = {"type": kind}
    experiment: dict[str, object] = {}
    for key, origin in mapping.keys.items():
        value = _value(event, origin)
        if value is None:
            continue
        if key in _TIMES:
            value = _time(value, mapping.time_format, mapping.timezone)
        elif key in _ANSWERS and mapping.classes:
            value = mapping.classes.get(class_text(value) or "", value)
        if kind == "prediction" and key in ("experiment", "variant"):
            experiment["key" if key == "experiment" else "variant"] = value
        else:
            native[key] = value
    if experiment:
        native["experiment"] = experiment
    for key, origins in mapping.objects.items():
        native[key] = _object(event, origins)
    probabilities = native.get("probabilities")
    if mapping.classes and isinstance(probabilities, dict):
        native["probabilities"] = {mapping.classes.get(k, k): v for k, v in probabilities.items()}
    return native


def _object(event: object, origins: "KeyPath | Mapping[str, Place]") -> object:
    if isinstance(origins, tuple):
        value = found(event, origins)
        inner = unpacked(value) if isinstance(value, str) else value
        return inner if isinstance(inner, dict) else value
    return {name: _value(event, origin) for name, origin in origins.items()}


def _value(event: object, origin: "Place") -> object:
    match origin:
        case NumberText():
            return _number(found(event, origin.path))
        case Constant():
            return origin.value
        case _:
            return found(event, origin)


def _number(value: object) -> object:
    """The number that a text holds, None for a blank one; what is none stays, as a breach."""
    if not isinstance(value, str):
        return value
    if not is_numeral(text := value.strip()):
        return value if text else None
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _time(value: object, form: str, zone: str | None) -> object:
    """The time as RFC 3339; what is no such time stays, for the decoder to refuse."""
    if zone is not None and isinstance(value, str):
        return _in_zone(value, zone)
    if form not in _TICK or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        moment = _EPOCH + timedelta(microseconds=round(value * _TICK[form]))
    except (OverflowError, ValueError):
        return value
    return moment.isoformat().replace("+00:00", "Z")


def _in_zone(text: str, zone: str) -> str:
    if readable(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text


def _same(value: object, wanted: object) -> bool:
    # JSON's true is no 1.
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
