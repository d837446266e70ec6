"""One message as a JSON object, or the one reason why it is none."""

import json
import re
from collections.abc import Sequence
from typing import NoReturn

from monitor.events.schema import Reason

DEEPEST = 100
"""Levels of nesting that are still read."""

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_SPACE = b" \t\r\n"


class Rejection(Exception):  # noqa: N818 (a verdict, not a fault of the program)
    """A message that cannot be an event.

    Attributes:
        reason: from the fixed list.
        detail: the same in plain words, for the person who looks into quarantine.
        model: whose event it was, where that could be read.
    """

    def __init__(self, reason: Reason, detail: str, model: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.model = model


def strict_object(message: bytes | None, limit: int) -> dict[str, object]:
    """The message as a dict whose texts are valid Unicode without NUL.

    Stricter than `json.loads`: each name once per object, no NaN or Infinity, at most
    `DEEPEST` levels. A number too large for a float comes back as an infinity.

    Args:
        message: bytes as they came; None is a tombstone.
        limit: largest allowed size [bytes].

    Raises:
        Rejection: with the first of these reasons that holds: tombstone, too_large, bad_utf8,
            empty, too_deep, then whatever the parser meets first.
    """
    if message is None:
        raise Rejection(Reason.TOMBSTONE, "the message has no value (a tombstone)")
    if len(message) > limit:
        raise Rejection(Reason.TOO_LARGE, f"{len(message)} bytes; the limit is {limit}")
    try:
        text = message.decode()
    except UnicodeDecodeError as error:
        raise Rejection(Reason.BAD_UTF8, f"not UTF-8 at byte {error.start}") from None
    if not message.strip(_SPACE):
        raise Rejection(Reason.EMPTY, "the message is empty")
    value = _value(message, text)
    if value is None:
        raise Rejection(Reason.TOMBSTONE, "the message is JSON null (a tombstone)")
    if not isinstance(value, dict):
        raise Rejection(Reason.NOT_AN_OBJECT, f"a JSON {type(value).__name__}, not an object")
    if "\\u" in text:
        _demand_text(value)
    return value


def strict_value(text: str) -> object:
    """The JSON value of a text that a message holds, as strictly read as the message.

    Raises:
        Rejection: why it is none.
    """
    value = _value(text.encode(), text)
    if "\\u" in text:
        _demand_text(value)
    return value


def _value(message: bytes, text: str) -> object:
    if _is_too_deep(message):
        raise Rejection(Reason.TOO_DEEP, f"nested deeper than {DEEPEST} levels")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Rejection(Reason.BAD_JSON, f"not JSON: {error}") from None


def _is_too_deep(message: bytes) -> bool:
    if message.count(b"{") + message.count(b"[") <= DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", message)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > DEEPEST:
            return True
    return False


def _demand_text(value: object) -> None:
    # Only an escape can smuggle these in: raw ones are bad UTF-8 or bad JSON.
    try:
        plain = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Rejection(Reason.BAD_UTF8, "an escape is half of a surrogate pair") from None
    if _NUL.search(plain):
        raise Rejection(Reason.BAD_UTF8, "a text holds the NUL character, which stores refuse")


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Rejection(Reason.DUPLICATE_KEY, f"the key {twice!r} stands twice in one object")
    return found


def _not_finite(literal: str) -> NoReturn:
    raise Rejection(Reason.NOT_FINITE, f"{literal} is no JSON number; write null for missing")


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_not_finite, parse_int=_integer
)
