"""Jobs run at their times, each slot once over all processes that share the state."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.errors import StateOutOfReachError
from monitor.jobs.leading import Leader
from monitor.outputs.job_metrics import JobMetrics
from monitor.state import runs
from monitor.state.database import State

GIVEN_UP: Final = timedelta(hours=6)
"""A run that has not ended after this long is given up for dead, if nothing else tells."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something done again and again.

    Attributes:
        name: stable; runs are kept under it.
        interval: from one slot to the next.
        run: does it, for the slot that is due; what it returns is kept as the run's message.
            It may be run again for a slot whose process died.
        offset: from 1970-01-01 UTC to a slot, so that daily jobs have their hour.
    """

    name: str
    interval: timedelta
    run: Callable[[datetime], str]
    offset: timedelta = timedelta()

    def slot(self, now: datetime) -> datetime:
        """The last moment at or before `now` at which the job was due.

        >>> daily = Job("maintain", timedelta(days=1), lambda slot: "", timedelta(hours=3))
        >>> str(daily.slot(datetime(2026, 3, 1, 2, 59, tzinfo=UTC)))
        '2026-02-28 03:00:00+00:00'
        """
        start = _EPOCH + self.offset
        return start + (now - start) // self.interval * self.interval


def tick(
    state: State,
    job: Job,
    metrics: JobMetrics,
    clock: Callable[[], datetime],
    alive_since: datetime | None = None,
) -> str | None:
    """The outcome of the slot that is due, None if it is or was somebody's.

    Args:
        state: where slots are claimed.
        job: what to run.
        metrics: where the run is counted.
        clock: aware.
        alive_since: a run that began before this and has not ended has died; by default what
            began longer ago than `GIVEN_UP` has.
    """
    started = clock()
    slot = job.slot(started)
    lease = GIVEN_UP if alive_since is None else started - alive_since
    if not runs.claim(state, job.name, slot, started, lease):
        return None
    begin = time.monotonic()
    try:
        message, outcome = job.run(slot), runs.SUCCESS
    except Exception as error:  # noqa: BLE001 - the edge: one job must not stop the others
        _log.exception("job %s failed; it runs again at its next slot", job.name)
        message, outcome = f"{type(error).__name__}: {error}", runs.FAILURE
    ended = clock()
    runs.finish(state, job.name, slot, ended, outcome, message)
    metrics.ended(job.name, outcome, time.monotonic() - begin, ended)
    return outcome


class Schedule:
    """Jobs on threads of this process, from `start` to `stop`, while it leads."""

    def __init__(
        self,
        state: State,
        jobs: Sequence[Job],
        metrics: JobMetrics,
        leader: Leader,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        from apscheduler.schedulers.background import BackgroundScheduler
        from apscheduler.triggers.interval import IntervalTrigger

        self._state, self._jobs, self._metrics = state, tuple(jobs), metrics
        self._leader, self._clock = leader, clock
        # What was missed is known from our own runs, so APScheduler's memory may be lost.
        self._scheduler = BackgroundScheduler(timezone=UTC)
        for job in jobs:
            metrics.expect(job.name, job.interval, runs.last_success(state, job.name))
            self._scheduler.add_job(
                self._tick,
                IntervalTrigger(
                    seconds=job.interval.total_seconds(),
                    start_date=job.slot(clock()),
                    timezone=UTC,
                ),
                args=(job,),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )

    def start(self) -> None:
        """Wait for the lead, run what was missed, then each job at its slots."""
        self._scheduler.start()
        self._leader.start(self._catch_up)

    def stop(self) -> None:
        """Let what runs end, start nothing more, and leave the lead to another process."""
        self._scheduler.shutdown(wait=True)
        self._leader.stop()

    def _catch_up(self) -> None:
        """Run the last slot of each job if nobody did, or who began has died with its lead.

        Older slots are left, for every job does all that there is to do.
        """
        for job in self._jobs:
            self._scheduler.add_job(self._tick, args=(job,), misfire_grace_time=None)

    def _tick(self, job: Job) -> None:
        if (since := self._leader.since()) is None:
            return
        try:
            tick(self._state, job, self._metrics, self._clock, since)
        except StateOutOfReachError as error:
            _log.warning("job %s waits for its next slot: %s", job.name, error)
