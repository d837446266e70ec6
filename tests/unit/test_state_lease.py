"""One holder at a time; who falls silent loses the lease, who asks in time keeps it."""

import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

import pytest
from prometheus_client import CollectorRegistry

from monitor.jobs import leading
from monitor.jobs.leading import Leader
from monitor.outputs.leader_metrics import show_leader
from monitor.state import database as databases
from monitor.state import lease
from monitor.state.database import State
from tests.services.postgresql import database

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LASTS = timedelta(seconds=15)
SECOND = timedelta(seconds=1)


def take(state: State, holder: str, seconds: float) -> datetime | None:
    return lease.take(state, "scheduler", holder, NOW + seconds * SECOND, LASTS)


def test_the_first_has_it_until_it_falls_silent(state: State) -> None:
    assert take(state, "a", 0) == NOW
    assert take(state, "b", 14) is None
    assert take(state, "a", 14) == NOW
    assert take(state, "b", 28) is None
    assert take(state, "b", 29) == NOW + 29 * SECOND
    assert take(state, "a", 30) is None


def test_who_asks_late_but_first_has_had_it_all_along(state: State) -> None:
    take(state, "a", 0)
    assert take(state, "a", 100) == NOW


def test_leases_have_names(state: State) -> None:
    take(state, "a", 0)
    assert lease.take(state, "another", "b", NOW, LASTS) == NOW


def test_who_leaves_makes_room_at_once_and_only_for_itself(state: State) -> None:
    take(state, "a", 0)
    lease.leave(state, "scheduler", "b")
    assert take(state, "b", 1) is None
    lease.leave(state, "scheduler", "a")
    assert take(state, "b", 1) == NOW + SECOND


def test_a_leader_that_slept_too_long_does_not_lead_when_it_wakes_up(state: State) -> None:
    leader = Leader(state, lasts=timedelta(seconds=0.05))
    registry = CollectorRegistry()
    show_leader(lambda: leader.since() is not None, registry)
    assert registry.get_sample_value("mbm_scheduler_leader") == 0
    assert leader.ask()
    while leader.since() is not None:
        time.sleep(0.01)
    assert registry.get_sample_value("mbm_scheduler_leader") == 0
    other = Leader(state)
    while not other.ask():
        time.sleep(0.01)
    assert not leader.ask()
    assert leader.since() is None


@pytest.mark.postgresql
def test_a_host_whose_clock_is_wrong_takes_the_lead_from_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = database()
    state, other = State.open(url), State.open(url)
    leader, hasty = Leader(state), Leader(other)
    assert leader.ask()

    class Fast(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(hours=1)

    monkeypatch.setattr(databases, "datetime", Fast)
    monkeypatch.setattr(leading, "datetime", Fast)
    assert not hasty.ask()
    assert leader.ask()
    since = leader.since()
    assert since is not None
    assert abs(state.now() - since) < timedelta(minutes=5)
    state.close()
    other.close()
