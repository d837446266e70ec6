"""Texts of RFC 3339 as instants: UTC microseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.events.schema import TIME

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = -62_135_596_800_000_000
"""The first instant of the year 1, which Python and many readers of Parquet start with."""

_LOOSE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*([Zz]|[+-]\d\d:\d\d)")


def micros(instant: datetime) -> int:
    """Microseconds from 1970 to an aware datetime, exactly."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instants(texts: pa.StringArray) -> tuple[pa.TimestampArray, NDArray[np.bool_]]:
    """The instants of these texts, and which texts tell none in the form that Arrow reads.

    Arrow wants a zone and at most six decimals; `readable` brings the rest of RFC 3339 there.
    Null stays null and is no fault.
    """
    try:
        times = texts.cast(TIME)
    except pa.ArrowInvalid:
        times = pa.array([_instant(text) for text in texts.to_pylist()], pa.int64()).cast(TIME)
    whole = times.cast(pa.int64()).fill_null(0).to_numpy()
    early = whole < EARLIEST
    lost = (times.is_null() if times.null_count else pa.nulls(0, pa.bool_())).to_numpy(
        zero_copy_only=False
    )
    if len(lost):
        early = early | (lost & texts.is_valid().to_numpy(zero_copy_only=False))
    return times, early


def readable(text: object) -> str | None:
    """The text of an instant as `instants` reads it, or None when it tells no instant.

    Decimals beyond microseconds are cut off.

    >>> readable("2026-01-01t10:00:00.123456789z")
    '2026-01-01T10:00:00.123456Z'
    >>> readable("2026-01-01T10:00:00") is None
    True
    """
    if not isinstance(text, str):
        return None
    loose = _LOOSE.fullmatch(text)
    for candidate in (text, f"{loose[1]}T{loose[2]}{loose[3].upper()}" if loose else text):
        found = _instant(candidate)
        if found is not None:
            return candidate if found >= EARLIEST else None
    return None


def instant_of(text: str) -> int:
    """UTC microseconds of a text that `readable` returned."""
    found = _instant(text)
    assert found is not None
    return found


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        found: int = pa.array([text], pa.string()).cast(TIME).cast(pa.int64())[0].as_py()
    except pa.ArrowInvalid:
        return None
    return found
