"""Messages of a simulated world as dictionaries."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from monitor.simulate.world import Event


def decoded(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The JSON objects of these messages, none of them poison."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    return [decode(event.value) for event in events]


def parsed_time(event: bytes | dict[str, Any]) -> datetime:
    """Event time of a message or of its object."""
    known = msgspec.json.decode(event) if isinstance(event, bytes) else event
    return datetime.fromisoformat(known["event_time"])
