"""What evaluation remembers of reviews: windows that are not settled, leaks by prediction."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert

WINDOWS = sa.Table(
    "review_windows",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("waiting", sa.BigInteger, nullable=False),
    sa.Column("oldest", Instant),
    sa.Column("due", Instant),
    sa.Column("leaks", sa.BigInteger, nullable=False),
)
LEAKS = sa.Table(
    "review_leaks",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("prediction_id", sa.String, primary_key=True),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("prediction_time", Instant, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("effect", sa.String, nullable=False),
    sa.Column("consumer", sa.String, nullable=False),
    sa.Column("effect_at", Instant, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("review_at", Instant),
    sa.Column("discovered_at", Instant, nullable=False),
    sa.Index("review_leaks_by_time", "model", "prediction_time"),
)
TOTALS = sa.Table(
    "review_leak_totals",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False),
)


class Status(StrEnum):
    """What became of a leak: nobody has reviewed it, somebody has since, or it was none.

    `RETRACTED`: an event that came late shows that the review was in time, or the policy that
    asked for it is another now.
    """

    UNREVIEWED = "unreviewed"
    REVIEWED = "reviewed"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Window:
    """What of a window's reviews, of one version, is not settled or was a leak.

    Attributes:
        start: of the window.
        version: of the model.
        waiting: required reviews that are not made [rows].
        oldest: when the oldest prediction of these was made, None if there is none.
        due: moment after which the audit is another by itself, None if it stays.
        leaks: a number that changes with the window's leaks (`Pending.leaks`).
    """

    start: datetime
    version: str
    waiting: int
    oldest: datetime | None
    due: datetime | None
    leaks: int


@dataclass(frozen=True, slots=True)
class Leak:
    """A prediction that took effect before its required review, or without it.

    Attributes:
        model: name of the model.
        prediction_id: as its event gave it.
        version: of the model, as profiles call it.
        prediction_time: when it was made.
        reason: the rule that asks for the review, "sample" for chance.
        effect: how it took effect: used or decided.
        consumer: that used it, "" if none is named.
        effect_at: when.
        status: what became of it since.
        review_at: when it was reviewed, None if it was not.
        discovered_at: when evaluation first saw it.
    """

    model: str
    prediction_id: str
    version: str
    prediction_time: datetime
    reason: str
    effect: str
    consumer: str
    effect_at: datetime
    status: str
    review_at: datetime | None
    discovered_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version's reviews stand.

    Attributes:
        waiting: required reviews that are not made, in all windows [rows].
        oldest: when the oldest prediction of these was made, None if there is none.
        leaks: ever found.
    """

    waiting: int = 0
    oldest: datetime | None = None
    leaks: int = 0


def due(state: State, model: str, before: datetime) -> list[datetime]:
    """Starts of the windows whose audit has become another by itself before a time, in order."""
    wanted = sa.select(WINDOWS.c.start).where(WINDOWS.c.model == model, WINDOWS.c.due < before)
    with state.reading() as connection:
        return sorted(set(connection.scalars(wanted)))


def windows(
    state: State, model: str, start: datetime | None = None, end: datetime | None = None
) -> list[Window]:
    """The windows of a model that begin in [start, end), in order; all of them without ends."""
    columns = [column for column in WINDOWS.c if column.name != "model"]
    wanted = sa.select(*columns).where(WINDOWS.c.model == model)
    if start is not None:
        wanted = wanted.where(WINDOWS.c.start >= start)
    if end is not None:
        wanted = wanted.where(WINDOWS.c.start < end)
    with state.reading() as connection:
        ordered = wanted.order_by(WINDOWS.c.start, WINDOWS.c.version)
        return [Window(*row) for row in connection.execute(ordered)]


def settle(
    state: State,
    model: str,
    start: datetime,
    end: datetime,
    found: Iterable[Window],
) -> None:
    """Put windows in the place of all that begin in [start, end)."""
    columns = WINDOWS.c
    rows = [{"model": model} | asdict(window) for window in found]
    with state.writing() as connection:
        connection.execute(
            sa.delete(WINDOWS).where(
                columns.model == model, columns.start >= start, columns.start < end
            )
        )
        upsert(connection, WINDOWS, rows)


def take_in(state: State, model: str, start: datetime, end: datetime, found: Sequence[Leak]) -> int:
    """Number of leaks that were never seen before; they are counted for ever.

    Those that are known keep what was written when they were first found; their review and their
    status are brought up to date, and known ones of [start, end) that are not among them are
    retracted.

    Args:
        state: where they are kept.
        model: whose leaks.
        start: of the predictions that were looked at.
        end: of the same, exclusive.
        found: all leaks among these.
    """
    with state.writing() as connection:
        here = set(
            connection.scalars(
                sa.select(LEAKS.c.prediction_id).where(
                    LEAKS.c.model == model,
                    LEAKS.c.prediction_time >= start,
                    LEAKS.c.prediction_time < end,
                )
            )
        )
        others = [leak for leak in found if leak.prediction_id not in here]
        # An id that stands in several windows is one leak: where it was found first.
        elsewhere = _known(connection, model, [leak.prediction_id for leak in others])
        new = [leak for leak in others if leak.prediction_id not in elsewhere]
        upsert(connection, LEAKS, [asdict(leak) for leak in new])
        seen = [asdict(leak) for leak in found if leak.prediction_id in here]
        upsert(connection, LEAKS, seen, replace=["status", "review_at"])
        gone = sorted(here - {leak.prediction_id for leak in found})
        _set_status(connection, model, gone, Status.RETRACTED)
        _add(connection, model, Counter(leak.version for leak in new))
    return len(new)


def leaks(state: State, model: str) -> list[Leak]:
    """The leaks of a model, by the time of the prediction and its id."""
    wanted = (
        sa.select(LEAKS)
        .where(LEAKS.c.model == model)
        .order_by(LEAKS.c.prediction_time, LEAKS.c.prediction_id)
    )
    with state.reading() as connection:
        return [Leak(*row) for row in connection.execute(wanted)]


def standing(state: State, model: str) -> dict[str, Standing]:
    """How the reviews of each version stand, of those that have or had any."""
    columns = WINDOWS.c
    waits = (
        sa.select(columns.version, sa.func.sum(columns.waiting), sa.func.min(columns.oldest))
        .where(columns.model == model)
        .group_by(columns.version)
    )
    ever = sa.select(TOTALS.c.version, TOTALS.c.total).where(TOTALS.c.model == model)
    with state.reading() as connection:
        found = {v: (int(n), oldest) for v, n, oldest in connection.execute(waits)}
        totals = {v: int(n) for v, n in connection.execute(ever)}
    return {
        version: Standing(*found.get(version, (0, None)), totals.get(version, 0))
        for version in sorted(found.keys() | totals.keys())
    }


def forget(state: State, model: str, before: datetime) -> None:
    """Forget windows and leaks of predictions before a time; what was counted stays counted."""
    with state.writing() as connection:
        for table, column in ((WINDOWS, WINDOWS.c.start), (LEAKS, LEAKS.c.prediction_time)):
            connection.execute(sa.delete(table).where(table.c.model == model, column < before))


def forget_predictions(state: State, ids: Collection[tuple[str, str]]) -> None:
    """Forget the leaks of these predictions, given as model and id; they stay counted."""
    if not ids:
        return
    statement = sa.delete(LEAKS).where(
        LEAKS.c.model == sa.bindparam("m"), LEAKS.c.prediction_id == sa.bindparam("i")
    )
    with state.writing() as connection:
        connection.execute(statement, [{"m": model, "i": identity} for model, identity in ids])


def _known(connection: sa.Connection, model: str, ids: Sequence[str]) -> set[str]:
    """Which of these predictions have a leak."""
    column = LEAKS.c.prediction_id
    found: set[str] = set()
    for i in range(0, len(ids), _AT_ONCE):
        wanted = sa.select(column).where(LEAKS.c.model == model, column.in_(ids[i : i + _AT_ONCE]))
        found |= set(connection.scalars(wanted))
    return found


def _set_status(connection: sa.Connection, model: str, ids: Sequence[str], status: Status) -> None:
    if not ids:
        return
    statement = (
        sa.update(LEAKS)
        .where(LEAKS.c.model == model, LEAKS.c.prediction_id == sa.bindparam("i"))
        .values(status=status.value)
    )
    connection.execute(statement, [{"i": identity} for identity in ids])


def _add(connection: sa.Connection, model: str, grown: Mapping[str, int]) -> None:
    """Count these on, by version."""
    rows = [{"model": model, "version": version, "total": 0} for version in grown]
    upsert(connection, TOTALS, rows)
    for version, count in grown.items():
        connection.execute(
            sa.update(TOTALS)
            .where(TOTALS.c.model == model, TOTALS.c.version == version)
            .values(total=TOTALS.c.total + count)
        )


_AT_ONCE: Final = 500
"""Ids in one statement."""
