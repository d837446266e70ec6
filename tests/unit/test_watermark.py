"""Up to when everything has been heard, partition by partition."""

from datetime import UTC, datetime, timedelta

from monitor.jobs.watermark import watermark
from monitor.state.heartbeats import Heartbeat

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATE = timedelta(minutes=10)


def beat(
    partition: str = "0", *, left: int = 0, latest: datetime | None = None, at: datetime = NOON
) -> Heartbeat:
    """A partition with so many messages left to read."""
    return Heartbeat("events", partition, 100 - left, 100, latest, at)


def test_without_partitions_nothing_is_known() -> None:
    assert watermark([], LATE) is None


def test_the_slowest_partition_decides() -> None:
    slow = beat("1", left=3, latest=NOON - timedelta(hours=2))
    assert watermark([beat(left=3, latest=NOON), slow], LATE) == NOON - timedelta(hours=2) - LATE


def test_an_idle_partition_holds_nobody_up() -> None:
    idle = beat("1", latest=NOON - timedelta(days=3))
    assert watermark([beat(left=3, latest=NOON), idle], LATE) == NOON - LATE


def test_an_empty_partition_that_never_had_a_message_holds_nobody_up() -> None:
    assert watermark([beat(left=3, latest=NOON), beat("1")], LATE) == NOON - LATE


def test_a_heartbeat_that_grows_old_holds_the_watermark() -> None:
    old = beat("1", latest=NOON, at=NOON - timedelta(hours=5))
    assert watermark([beat(), old], LATE) == NOON - timedelta(hours=5) - LATE


def test_a_partition_that_has_messages_and_brought_none_yet_closes_nothing() -> None:
    assert watermark([beat(), beat("1", left=5)], LATE) is None


def test_events_ahead_of_the_clock_do_not_move_an_idle_partition() -> None:
    assert watermark([beat(latest=NOON + timedelta(minutes=4))], LATE) == NOON - LATE
