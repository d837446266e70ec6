"""Runs of scheduled jobs: each slot is claimed by one process and ends with an outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert

RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("slot", Instant, primary_key=True),
    sa.Column("started", Instant, nullable=False),
    sa.Column("finished", Instant),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
)
RUNNING = "running"
SUCCESS = "success"
FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job.

    Attributes:
        job: name of the job.
        slot: the moment it was due.
        started: when it was claimed.
        finished: when it ended; None while it runs, and for ever if its process died.
        outcome: running, success or failure.
        message: the error or a remark, else "".
    """

    job: str
    slot: datetime
    started: datetime
    finished: datetime | None
    outcome: str
    message: str


def claim(state: State, job: str, slot: datetime, now: datetime, lease: timedelta) -> bool:
    """Whether the caller may run this slot: nobody has, or who began has died.

    Args:
        state: where claims are kept; processes that share it share the slots.
        job: name of the job.
        slot: the moment it is due.
        now: when the caller asks.
        lease: a run that has not ended after this long is given up for dead.
    """
    row = {"job": job, "slot": slot, "started": now, "outcome": RUNNING, "message": ""}
    dead = (
        sa.update(RUNS)
        .where(
            RUNS.c.job == job,
            RUNS.c.slot == slot,
            RUNS.c.outcome == RUNNING,
            RUNS.c.started < now - lease,
        )
        .values(started=now)
    )
    with state.writing() as connection:
        if upsert(connection, RUNS, [row]) == 1:
            return True
        return connection.execute(dead).rowcount == 1


def finish(
    state: State, job: str, slot: datetime, now: datetime, outcome: str, message: str = ""
) -> None:
    """Write down how a claimed run ended."""
    ended = (
        sa.update(RUNS)
        .where(RUNS.c.job == job, RUNS.c.slot == slot)
        .values(finished=now, outcome=outcome, message=message)
    )
    with state.writing() as connection:
        connection.execute(ended)


def last_success(state: State, job: str) -> datetime | None:
    """When this job last ended well, None if it never did."""
    wanted = sa.select(sa.func.max(RUNS.c.finished)).where(
        RUNS.c.job == job, RUNS.c.outcome == SUCCESS
    )
    with state.reading() as connection:
        found: datetime | None = connection.scalar(wanted)
        return found


def newest(state: State, job: str | None = None, count: int = 20) -> list[Run]:
    """The last runs of one job or of all, at most `count`, the newest first."""
    wanted = sa.select(RUNS).order_by(RUNS.c.started.desc()).limit(count)
    if job is not None:
        wanted = wanted.where(RUNS.c.job == job)
    with state.reading() as connection:
        return [Run(*row) for row in connection.execute(wanted)]


def forget(state: State, before: datetime) -> int:
    """Number of ended runs dropped, whose slot was before this time."""
    with state.writing() as connection:
        old = sa.delete(RUNS).where(RUNS.c.slot < before, RUNS.c.outcome != RUNNING)
        return connection.execute(old).rowcount
