"""When requests reach a model: a daily and a weekly rhythm."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SECOND: Final = 1_000_000
"""One second in the time unit of the simulation, microseconds."""
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOURS: Final = np.array(
    [3, 2, 2, 2, 3, 5, 9, 15, 22, 28, 31, 30, 27, 28, 30, 29, 27, 25, 23, 20, 16, 12, 8, 5]
)
_WEEKDAYS: Final = np.array([11, 11, 10, 10, 10, 6, 5])
_SHARES: Final = np.outer(_WEEKDAYS / _WEEKDAYS.mean(), _HOURS / _HOURS.sum())
"""Requests in an hour over requests in a mean day, shape (7 weekdays from Monday, 24)."""


def microseconds(time: datetime) -> int:
    """Microseconds since 1970 of an aware time, exact."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def moment(time: int) -> datetime:
    """The time, in UTC, of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=time)


def rfc3339(times: Ints) -> list[str]:
    """Each time as text to the millisecond with the zone "Z"."""
    texts: list[str] = np.datetime_as_string(
        times.astype("datetime64[us]").astype("datetime64[ms]"), timezone="UTC"
    ).tolist()
    return texts


def request_times(start: int, per_day: float, rng: np.random.Generator) -> Ints:
    """Ascending times of one day's requests, whole milliseconds, in [start, start + 24 h).

    Args:
        start: first moment of the day; any time of the clock.
        per_day: requests of a mean day; a Monday has a fifth more, a Sunday about half.
        rng: source of chance.
    """
    hours = start + np.arange(24) * HOUR
    # Day 0 of the Unix clock was a Thursday.
    rates = per_day * _SHARES[(hours // DAY + 3) % 7, hours // HOUR % 24]
    counts = rng.poisson(rates)
    milliseconds = rng.integers(0, HOUR // 1_000, counts.sum())
    return np.sort(np.repeat(hours, counts) + milliseconds * 1_000)
