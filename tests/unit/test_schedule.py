"""Jobs: each slot once, the last missed one made up for, failures kept and counted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from monitor.jobs.leading import Leader
from monitor.jobs.schedule import Job, Schedule, tick
from monitor.outputs.job_metrics import JobMetrics
from monitor.state import runs
from monitor.state.database import State

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class World:
    """A job that writes its slots into a list, with its metrics and a clock of its own."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.now = NOON
        self.slots: list[datetime] = []
        self.registry = CollectorRegistry()
        self.metrics = JobMetrics(self.registry)
        self.job = Job("evaluate", HOUR, self._run)

    def _run(self, slot: datetime) -> str:
        self.slots.append(slot)
        return "3 windows"

    def tick(self, now: datetime, job: Job | None = None) -> str | None:
        self.now = now
        return tick(self.state, job or self.job, self.metrics, lambda: self.now)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"job_name": "evaluate", **labels})


@pytest.fixture
def world(state: State) -> World:
    return World(state)


def fails(slot: datetime) -> str:
    raise ValueError(f"no table at {slot:%H:%M}")


def test_a_slot_runs_once(world: World) -> None:
    minute = timedelta(minutes=1)
    outcomes = [world.tick(NOON + number * minute) for number in range(61)]
    assert outcomes == ["success", *[None] * 59, "success"]
    assert world.slots == [NOON, NOON + HOUR]


def test_processes_that_share_the_state_share_the_slots(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(world.tick, [NOON] * 16))
    assert outcomes.count("success") == 1
    assert world.slots == [NOON]


def test_after_a_pause_only_the_last_missed_slot_is_made_up_for(world: World) -> None:
    world.tick(NOON)
    world.tick(NOON + 50 * HOUR + timedelta(minutes=7))
    assert world.slots == [NOON, NOON + 50 * HOUR]


def test_a_failing_job_is_kept_counted_and_tried_at_its_next_slot(world: World) -> None:
    failing = replace(world.job, run=fails)
    assert world.tick(NOON, failing) == "failure"
    assert world.tick(NOON, failing) is None
    assert world.tick(NOON + HOUR) == "success"
    success, failure = runs.newest(world.state, "evaluate")
    assert (failure.outcome, failure.message) == ("failure", "ValueError: no table at 12:00")
    assert (success.outcome, success.message) == ("success", "3 windows")
    assert world.sample("mbm_job_runs_total", outcome="failure") == 1
    assert world.sample("mbm_job_runs_total", outcome="success") == 1
    assert world.sample("mbm_job_duration_seconds_count") == 2
    last = world.sample("mbm_job_last_success_timestamp_seconds")
    assert last == (NOON + HOUR).timestamp()


def test_a_failing_job_does_not_move_the_last_success(world: World) -> None:
    world.tick(NOON, replace(world.job, run=fails))
    assert world.sample("mbm_job_last_success_timestamp_seconds") is None


def test_a_schedule_makes_up_at_its_start_and_knows_the_last_success(world: World) -> None:
    runs.claim(world.state, "evaluate", NOON - 9 * HOUR, NOON - 9 * HOUR, HOUR)
    runs.finish(world.state, "evaluate", NOON - 9 * HOUR, NOON - 8 * HOUR, runs.SUCCESS)
    done = threading.Event()

    def run(slot: datetime) -> str:
        world.slots.append(slot)
        done.set()
        return ""

    job = replace(world.job, run=run)
    clock = lambda: NOON + timedelta(minutes=5)  # noqa: E731
    schedule = Schedule(world.state, [job], world.metrics, Leader(world.state), clock)
    assert world.sample("mbm_job_interval_seconds") == 3600
    assert world.sample("mbm_job_runs_total", outcome="failure") == 0
    last = world.sample("mbm_job_last_success_timestamp_seconds")
    assert last == (NOON - 8 * HOUR).timestamp()
    schedule.start()
    assert done.wait(10)
    schedule.stop()
    assert world.slots == [NOON]


def test_a_schedule_runs_each_slot_at_its_time(state: State) -> None:
    slots: list[datetime] = []
    enough = threading.Event()

    def run(slot: datetime) -> str:
        slots.append(slot)
        if len(slots) == 4:
            enough.set()
        return ""

    job = Job("quick", timedelta(seconds=0.2), run)
    schedule = Schedule(state, [job], JobMetrics(CollectorRegistry()), Leader(state))
    schedule.start()
    assert enough.wait(20)
    schedule.stop()
    assert len(set(slots)) == len(slots)
    assert all(slot == job.slot(slot) for slot in slots)


def test_what_a_dead_leader_began_is_run_again_and_what_it_ended_is_not(world: World) -> None:
    later = NOON + timedelta(minutes=5)
    runs.claim(world.state, "evaluate", NOON, NOON + timedelta(minutes=1), HOUR)
    assert tick(world.state, world.job, world.metrics, lambda: later) is None
    took_over = NOON + timedelta(minutes=4)
    assert tick(world.state, world.job, world.metrics, lambda: later, took_over) == "success"
    assert tick(world.state, world.job, world.metrics, lambda: later, later) is None
    assert world.slots == [NOON]


def test_only_the_leader_runs_jobs_and_the_next_one_makes_up(state: State) -> None:
    """Three schedules over one state; the first to lead leaves in the middle of a slot."""
    ran: list[tuple[int, datetime]] = []
    done = threading.Event()

    def job(number: int) -> Job:
        def run(slot: datetime) -> str:
            ran.append((number, slot))
            done.set()
            return ""

        return Job("daily", timedelta(days=1), run)

    schedules, leaders = [], []
    for number in range(3):
        leader = Leader(state, lasts=HOUR)  # asks once, at its start
        metrics = JobMetrics(CollectorRegistry())
        schedules.append(Schedule(state, [job(number)], metrics, leader))
        leaders.append(leader)
    schedules[0].start()
    while runs.last_success(state, "daily") is None:
        done.wait(0.05)
    # As after a kill: the slot is begun and never ended.
    with state.writing() as connection:
        connection.execute(runs.RUNS.update().values(outcome=runs.RUNNING, finished=None))
    for schedule in schedules[1:]:
        schedule.start()
    assert [leader.since() is not None for leader in leaders] == [True, False, False]
    done.clear()
    schedules[0].stop()
    gained = [leader.ask() for leader in leaders[1:]]
    assert sum(gained) == 1
    assert done.wait(60)
    for schedule in schedules[1:]:
        schedule.stop()
    assert len(ran) == 2
    assert ran[0][1] == ran[1][1]
    assert ran[1][0] == 1 + gained.index(True)
