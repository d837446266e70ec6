"""Messages that are no events, as rows of the log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from monitor.events.schema import Reason
from monitor.events.strict import Rejection

KEPT_BYTES = 65_536
"""Bytes that are kept of a message that is too large."""

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that is no event.

    Attributes:
        at: place of the message in the batch.
        message: its bytes.
        headers: its headers, or None.
        rejection: why.
    """

    at: int
    message: bytes | None
    headers: Mapping[str, bytes] | None
    rejection: Rejection


def payload(refused: Refused) -> bytes | None:
    """The message's bytes, cut off where it is too large."""
    if refused.message is None or refused.rejection.reason is not Reason.TOO_LARGE:
        return refused.message
    return refused.message[:KEPT_BYTES]


def headers_json(refused: Refused) -> str | None:
    """The headers as a JSON object of texts, bytes outside UTF-8 escaped; None without any."""
    if not refused.headers:
        return None
    texts = {k: v.decode(errors="backslashreplace") for k, v in refused.headers.items()}
    return json.dumps(texts, sort_keys=True, separators=(",", ":"))


def broker_day(broker_ms: int, now: datetime) -> int:
    """The UTC day that the broker gave, or that of `now`, in days since 1970."""
    if broker_ms < 0:
        return (now.astimezone(UTC).date() - _EPOCH).days
    return timedelta(milliseconds=broker_ms).days
