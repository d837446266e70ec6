"""Events as the bytes that a message carries."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec


class InvalidEventError(ValueError):
    """A value has no place in an event; the message names its key."""


def instant(time: datetime | None) -> str:
    """RFC 3339 text of a time in UTC, to the microsecond; of now if there is none.

    Raises:
        InvalidEventError: a time without a zone, which could mean any hour.
    """
    if time is None:
        time = datetime.now(UTC)
    if time.tzinfo is None:
        raise InvalidEventError(f"the time {time.isoformat()} has no zone; use datetime.now(UTC)")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def encoded(kind: str, keys: dict[str, Any]) -> bytes:
    """The event as JSON; keys without a value are left out, NaN and infinity become null.

    Numbers of NumPy and the like count as the numbers they hold.

    Raises:
        InvalidEventError: a value that JSON cannot hold.

    >>> encoded("outcome", {"label": True, "weight": None})
    b'{"type":"outcome","label":true}'
    """
    event = {"type": kind, **{name: value for name, value in keys.items() if value is not None}}
    try:
        return _ENCODER.encode(event)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidEventError(f"the event of type {kind} is no JSON: {error}") from error


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON can hold
    match value:
        case Enum():
            return value.value
        case Decimal():
            return float(value)
        case _ if callable(item := getattr(value, "tolist", None)):
            return item()
        case _ if callable(item := getattr(value, "item", None)):
            return item()
        case _:
            raise TypeError(f"a value of type {type(value).__name__} has no place in an event")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")
