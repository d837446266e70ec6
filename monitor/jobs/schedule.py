"""Jobs run at their times, each slot once over all processes that share the state."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.outputs.job_metrics import JobMetrics
from monitor.state import runs
from monitor.state.database import State

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
        lease: a run that has not ended after this long is given up for dead.
    """

    name: str
    interval: timedelta
    run: Callable[[datetime], str]
    offset: timedelta = timedelta()
    lease: timedelta = timedelta(hours=6)

    def slot(self, now: datetime) -> datetime:
        """The last moment at or before `now` at which the job was due.

        >>> daily = Job("maintain", timedelta(days=1), lambda slot: "", timedelta(hours=3))
        >>> str(daily.slot(datetime(2026, 3, 1, 2, 59, tzinfo=UTC)))
        '2026-02-28 03:00:00+00:00'
        """
        start = _EPOCH + self.offset
        return start + (now - start) // self.interval * self.interval


def tick(state: State, job: Job, metrics: JobMetrics, clock: Callable[[], datetime]) -> str | None:
    """The outcome of the slot that is due, None if it is or was somebody's.

    Called at a start it also makes up for the last slot that nobody ran meanwhile; older
    ones are left, for every job does all that there is to do.
    """
    started = clock()
    slot = job.slot(started)
    if not runs.claim(state, job.name, slot, started, job.lease):
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
    """Jobs on threads of this process, from `start` to `stop`."""

    def __init__(
        self,
        state: State,
        jobs: Sequence[Job],
        metrics: JobMetrics,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        from apscheduler.schedulers.background import BackgroundScheduler
        from apscheduler.triggers.interval import IntervalTrigger

        # What was missed is known from our own runs, so APScheduler's memory may be lost.
        self._scheduler = BackgroundScheduler(timezone=UTC)
        for job in jobs:
            metrics.expect(job.name, job.interval, runs.last_success(state, job.name))
            arguments = (state, job, metrics, clock)
            self._scheduler.add_job(tick, args=arguments, misfire_grace_time=None)
            self._scheduler.add_job(
                tick,
                IntervalTrigger(
                    seconds=job.interval.total_seconds(),
                    start_date=job.slot(clock()),
                    timezone=UTC,
                ),
                args=arguments,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )

    def start(self) -> None:
        """Run what was missed, then each job at its slots."""
        self._scheduler.start()

    def stop(self) -> None:
        """Let what runs end, and start nothing more."""
        self._scheduler.shutdown(wait=True)
