"""Values that YAML writes as text: durations, sizes, addresses, times."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    PlainValidator,
    Strict,
    WithJsonSchema,
)

PLACEHOLDER = "FILL-IN"
"""What `mbm models init` writes where only people know the answer; refused when loaded."""

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_SIZES = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}


def duration(text: str) -> timedelta:
    """The length of time that a text names: a whole number and s, m, h, d or w.

    >>> duration("90d"), duration("5m")
    (datetime.timedelta(days=90), datetime.timedelta(seconds=300))

    Raises:
        ValueError: the text is no duration or longer than 100 years.
    """
    match = re.fullmatch(r"([0-9]{1,10})([smhdw])", text)
    if match is None:
        raise ValueError(f'"{text}" is no duration; write a whole number and s, m, h, d or w: 5m')
    count, unit = int(match[1]), _UNITS[match[2]]
    if count > timedelta(days=36_525) / unit:
        raise ValueError(f'"{text}" is longer than 100 years')
    return count * unit


def duration_text(length: timedelta) -> str:
    """The text, in days at most, that `duration` reads back; whole seconds, none below zero.

    >>> duration_text(timedelta(hours=24)), duration_text(timedelta(0))
    ('1d', '0s')
    """
    for letter, unit in _UNITS.items():
        if length and letter != "w" and length % unit == timedelta(0):
            return f"{length // unit}{letter}"
    return "0s"


def size(text: str) -> int:
    """Bytes that a text names: a whole number and B, KB, MB, GB, KiB, MiB or GiB.

    >>> size("64MB"), size("1KiB")
    (64000000, 1024)

    Raises:
        ValueError: the text is no size.
    """
    match = re.fullmatch(r"([0-9]{1,12}) ?([KMG]i?B|B)", text)
    if match is None or int(match[1]) == 0:
        raise ValueError(f'"{text}" is no size; write a number and MB or GB: 64MB')
    return int(match[1]) * _SIZES[match[2]]


def size_text(count: int) -> str:
    """The text, in the largest decimal unit that fits, that `size` reads back."""
    unit = next(name for name in ("GB", "MB", "KB", "B") if count % _SIZES[name] == 0)
    return f"{count // _SIZES[unit]}{unit}"


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on; port 0 takes any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address:
    """The address that a text names, IPv6 hosts in brackets.

    >>> address("[::1]:9464")
    Address(host='::1', port=9464)

    Raises:
        ValueError: host or port is missing, or the port is above 65535.
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/]+)):([0-9]{1,5})", text)
    if match is None or int(match[3]) > 65_535:
        raise ValueError(f'"{text}" is no address; write host:port: 127.0.0.1:9464')
    return Address(match[1] or match[2], int(match[3]))


def instant(text: str) -> datetime:
    """The moment that an RFC 3339 text names, in UTC.

    Raises:
        ValueError: the text is no time or has no zone.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is no time; write 2026-01-31T00:00:00Z') from None
    if time.tzinfo is None:
        raise ValueError(f'"{text}" has no zone; write it with Z or an offset: {text[:10]}T00:00Z')
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError(f'"{text}" lies outside the years 1 to 9999 in UTC') from None


def _read_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return duration(value)
    raise ValueError(f"{value!r} is no duration; write a whole number and s, m, h, d or w: 5m")


def _read_positive(value: object) -> object:
    length = _read_duration(value)
    if length == timedelta(0):
        raise ValueError("should be longer than nothing")
    return length


def _read_size(value: object) -> int:
    if isinstance(value, str):
        return size(value)
    raise ValueError(f"{value!r} is no size; write a number and MB or GB: 64MB")


def _read_address(value: object) -> Address:
    if isinstance(value, Address):
        return value
    if isinstance(value, str):
        return address(value)
    raise ValueError(f"{value!r} is no address; write host:port: 127.0.0.1:9464")


def _read_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return instant(value.isoformat())
    if isinstance(value, str):
        return instant(value)
    raise ValueError(f"{value!r} is no time; write 2026-01-31T00:00:00Z")


def _read_day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{value!r} is no day; write 2026-01-31") from None


def _read_text(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("should not be empty")
        if value.strip() == PLACEHOLDER:
            raise ValueError(f"is still to be filled in; replace {PLACEHOLDER}")
        return value.strip()
    return value


_DURATION = WithJsonSchema(
    {"type": "string", "pattern": "^[0-9]{1,10}[smhdw]$", "examples": ["5m", "90d"]}
)
_AS_DURATION = PlainSerializer(duration_text, return_type=str)

Delay: TypeAlias = Annotated[timedelta, BeforeValidator(_read_duration), _AS_DURATION, _DURATION]
"""A length of time, zero or more."""

Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_read_positive), _AS_DURATION, _DURATION]
"""A length of time, above zero."""

Size: TypeAlias = Annotated[
    int,
    PlainValidator(_read_size),
    PlainSerializer(size_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ ?([KMG]i?B|B)$", "examples": ["64MB"]}),
]
"""A number of bytes."""

Listen: TypeAlias = Annotated[
    Address,
    PlainValidator(_read_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:9464"]}),
]
"""An address to listen on."""

Instant: TypeAlias = Annotated[
    datetime,
    PlainValidator(_read_instant),
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment with its zone, kept in UTC."""

Day: TypeAlias = Annotated[
    date,
    PlainValidator(_read_day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A calendar day."""

Text: TypeAlias = Annotated[str, BeforeValidator(_read_text)]
"""Text that is not empty and no longer a placeholder."""


_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"


def _mail(text: str) -> str:
    # What every server takes: RFC 5321 without quotes, literals and the extension SMTPUTF8.
    if not re.fullmatch(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
        raise ValueError(f'"{text}" is no mail address; write one: team@example.org')
    return text


Mail: TypeAlias = Annotated[Text, AfterValidator(_mail)]
"""A mail address, without a name beside it."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f'"{name}" is no time zone; write one such as Europe/Berlin') from error
    return name


Zone: TypeAlias = Annotated[Text, AfterValidator(_zone)]
"""Name of a time zone."""

Number: TypeAlias = Annotated[float, Strict()]
Share: TypeAlias = Annotated[float, Strict(), Ge(0), Le(1)]
Count: TypeAlias = Annotated[int, Strict(), Ge(1)]
