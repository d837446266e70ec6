"""What a round of evaluation has to do, a task per model, shared out among processes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State

TASKS = sa.Table(
    "tasks",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("round", sa.String, nullable=False),
    sa.Column("upto", Instant, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("feedback", sa.BigInteger, nullable=False),
    sa.Column("moved", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("results", sa.BigInteger, nullable=False),
    sa.Column("message", sa.String, nullable=False),
)
OPEN: Final = "open"
DONE: Final = "done"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Task:
    """One model in a round.

    Attributes:
        model: its name.
        round: another word for each round.
        upto: up to when its windows are closed.
        events: version of the event table that the round has taken in.
        feedback: version of the table of feedback.
        moved: version of the table of predictions that do not count.
        outcome: open, done or failed.
        results: new verdicts, once it is done.
        message: why it failed, else "".
    """

    model: str
    round: str
    upto: datetime
    events: int
    feedback: int
    moved: int
    outcome: str = OPEN
    results: int = 0
    message: str = ""


def begin(state: State, tasks: Sequence[Task]) -> None:
    """Put the tasks of a round in the place of those of the round before."""
    with state.writing() as connection:
        connection.execute(sa.delete(TASKS))
        if tasks:
            connection.execute(sa.insert(TASKS), [asdict(task) for task in tasks])


def of_round(state: State, name: str) -> list[Task]:
    """The tasks of a round by model; none if another one has begun."""
    return _found(state, TASKS.c.round == name)


def waiting(state: State) -> list[Task]:
    """Tasks that are not ended, by model; some may be under way."""
    return _found(state, TASKS.c.outcome == OPEN)


def is_open(state: State, task: Task) -> bool:
    """Whether this task of this round is not ended."""
    one = (TASKS.c.round == task.round, TASKS.c.model == task.model, TASKS.c.outcome == OPEN)
    return bool(_found(state, *one))


def end(state: State, task: Task, outcome: str, results: int = 0, message: str = "") -> None:
    """Write down how a task ended."""
    values = {"outcome": outcome, "results": results, "message": message}
    with state.writing() as connection:
        connection.execute(
            sa.update(TASKS)
            .where(TASKS.c.round == task.round, TASKS.c.model == task.model)
            .values(values)
        )


def _found(state: State, *conditions: sa.ColumnElement[bool]) -> list[Task]:
    wanted = sa.select(TASKS).where(*conditions).order_by(TASKS.c.model)
    with state.reading() as connection:
        return [Task(*row) for row in connection.execute(wanted)]
