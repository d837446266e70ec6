"""Messages that no service can store, each with the reason it should be given."""

from collections.abc import Callable
from typing import Final

import msgspec

from monitor.events.schema import Reason

Maker = Callable[[str, str], bytes]


def _bytes(value: bytes) -> Maker:
    return lambda _model, _time: value


def _event(changes: dict[str, object], without: str = "") -> Maker:
    def made(model: str, time: str) -> bytes:
        event = {
            "type": "prediction",
            "event_id": "poison",
            "event_time": time,
            "model": model,
            "version": "1",
            "features": {},
            "prediction": "approve",
            **changes,
        }
        event.pop(without, None)
        return msgspec.json.encode(event)

    return made


POISON: Final[tuple[tuple[Reason, Maker], ...]] = (
    (Reason.BAD_JSON, _bytes(b'{"type":"prediction","event_id":"poison"')),
    (Reason.NOT_AN_OBJECT, _bytes(b"[1,2,3]")),
    (Reason.BAD_UTF8, _bytes(b'{"type":"prediction","event_id":"\xff\xfe"}')),
    (
        Reason.DUPLICATE_KEY,
        lambda model, time: _event({})(model, time)[:-1] + b',"version":"2"}',
    ),
    (Reason.MISSING_KEY, _event({}, without="version")),
    (Reason.WRONG_TYPE, _event({"version": {"name": "1"}})),
    (Reason.BAD_TIME, _event({"event_time": "2026-02-30T12:00:00"})),
    (Reason.FUTURE, _event({"event_time": "2999-01-01T00:00:00Z"})),
    (Reason.UNKNOWN_TYPE, _event({"type": "predicton"})),
    (Reason.UNKNOWN_MODEL, _event({"model": "nobody"})),
    (Reason.UNSUPPORTED_SCHEMA, _event({"schema": 99})),
)
"""Reason, and what makes the message of a model's name and a time.

None holds a line break, so that each is also one line of a file.
"""
