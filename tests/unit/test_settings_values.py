"""Texts of YAML become durations, sizes, addresses and times, or are refused with a remedy."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from monitor.settings.values import (
    Address,
    Mail,
    address,
    duration,
    duration_text,
    instant,
    size,
    size_text,
)

SECONDS = st.integers(min_value=0, max_value=36_525 * 86_400)


@given(SECONDS)
def test_a_duration_written_is_read_back(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert duration(duration_text(length)) == length


@given(st.integers(min_value=1, max_value=10**14))
def test_a_size_written_is_read_back(count: int) -> None:
    if len(size_text(count)) <= 12:
        assert size(size_text(count)) == count


@given(
    st.sampled_from(["localhost", "10.0.0.1", "::1", "fe80::1", "a-b.example"]),
    st.integers(min_value=0, max_value=65_535),
)
def test_an_address_written_is_read_back(host: str, port: int) -> None:
    assert address(str(Address(host, port))) == Address(host, port)


@given(st.datetimes(timezones=st.timezones()))
def test_a_moment_with_a_zone_keeps_its_place_in_time(time: datetime) -> None:
    written = time.astimezone(UTC)
    assert instant(written.isoformat()) == written


@pytest.mark.parametrize(
    "text", ["(@)", "a@[x", "a..b@c.de", "a:b@c.de", "é@c.de", "a@c.de\u202e", "a@b@c.de"]
)
def test_an_address_that_no_mail_can_go_to_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no mail address"):
        TypeAdapter(Mail).validate_python(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("2d", timedelta(days=2)),
        ("4w", timedelta(days=28)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_by_hand(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (duration, ""),
        (duration, "5"),
        (duration, "5 m"),
        (duration, "-5m"),
        (duration, "1.5h"),
        (duration, "5M"),
        (duration, "\u0665m"),
        (duration, "5m\n"),
        (duration, "999999w"),
        (size, "64"),
        (size, "0MB"),
        (size, "64mb"),
        (address, "9464"),
        (address, "host:99999"),
        (address, "::1:9464"),
        (address, "http://host:1"),
        (instant, "2026-01-31"),
        (instant, "2026-01-31T00:00:00"),
        (instant, "yesterday"),
        (instant, "2026-13-01T00:00:00Z"),
    ],
)
def test_what_is_ambiguous_is_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"write|longer"):
        read(text)


def test_a_moment_is_kept_in_utc() -> None:
    time = instant("2026-01-31T01:00:00+02:00")
    assert time == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert time.tzinfo is UTC
