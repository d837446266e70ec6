"""Verdicts as they were computed, with every revision; never computed again on read."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, insert_many, microseconds
from monitor.state.series import NAMES, SERIES, Key, ids_of

BASES = sa.Table(
    "bases",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("reference_id", sa.String, nullable=False),
    sa.Column("inputs_hash", sa.String, nullable=False),
    sa.Column("card_hash", sa.String, nullable=False),
    sa.Column("code_version", sa.String, nullable=False),
    sa.Column("computed_at", Instant, nullable=False),
)
RESULTS = sa.Table(
    "results",
    METADATA,
    sa.Column("series_id", sa.ForeignKey("series.id"), primary_key=True),
    sa.Column("window_kind", sa.String, primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("end", Instant, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("basis_id", sa.ForeignKey("bases.id"), nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("lower", sa.Double),
    sa.Column("upper", sa.Double),
    sa.Column("reference_value", sa.Double),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("group_rows", sa.BigInteger),
    sa.Column("reference_rows", sa.BigInteger, nullable=False),
    sa.Column("completeness", sa.Double),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    # One tree holds the rows in the order in which they are looked up.
    sqlite_with_rowid=False,
)
_KEY = (RESULTS.c.series_id, RESULTS.c.window_kind, RESULTS.c.start, RESULTS.c.end)
_ORDER = (*NAMES, RESULTS.c.window_kind, RESULTS.c.start, RESULTS.c.end)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One verdict: a metric of a model over a window, and everything that it rests on.

    Attributes:
        model: name of the model.
        metric: name in the catalogue.
        version: version of the model.
        stage: rollout stage, "" where events name none.
        segment: the segment's name, "" for all rows.
        column_name: feature, attribute or output that is measured, "" for none.
        method: variant of the metric (psi, js; prediction, final_decision), "" for none.
        window_kind: publish, latest or detect.
        start: the window's start, inclusive.
        end: the window's end, exclusive.
        value: the metric in its unit; None while unknown.
        lower: lower bound of the interval, None where there is none.
        upper: upper bound of the interval, None where there is none.
        reference_value: the same number of the reference, None where that says nothing.
        rows: rows that the value rests on.
        reference_rows: rows of the reference that it rests on, 0 for none.
        completeness: share of the window's messages that were stored, in [0, 1]; None while
            unknown.
        status: ok, warning, critical, unknown or learning.
        reason: why it is unknown, else "".
        reference_id: pinned reference, "" for none.
        inputs_hash: hash of the profile revisions that it was computed from.
        card_hash: hash of the model card in force.
        code_version: version of this program.
        computed_at: when.
        revision: 0 for what stood first, then one more each time its inputs changed; given by
            `add`, which ignores what a caller wrote.
        group_rows: rows of the smallest group that was compared, None where none were.
    """

    model: str
    metric: str
    version: str
    stage: str
    segment: str
    column_name: str
    method: str
    window_kind: str
    start: datetime
    end: datetime
    value: float | None
    lower: float | None
    upper: float | None
    reference_value: float | None
    rows: int
    reference_rows: int
    completeness: float | None
    status: str
    reason: str
    reference_id: str
    inputs_hash: str
    card_hash: str
    code_version: str
    computed_at: datetime
    revision: int = 0
    group_rows: int | None = None


def _key_of(row: ResultRow) -> Key:
    return (
        row.model,
        row.metric,
        row.version,
        row.stage,
        row.segment,
        row.column_name,
        row.method,
    )


_Window = tuple[int, str, int, int]
"""Series, kind of window, start and end in microseconds."""

_microseconds = lru_cache(maxsize=10_000)(microseconds)
"""Thousands of results speak of the same few windows."""


def _is_newest() -> sa.ColumnElement[bool]:
    later = RESULTS.alias()
    return ~sa.exists().where(
        later.c.series_id == RESULTS.c.series_id,
        later.c.window_kind == RESULTS.c.window_kind,
        later.c.start == RESULTS.c.start,
        later.c.end == RESULTS.c.end,
        later.c.revision > RESULTS.c.revision,
    )


IS_NEWEST = _is_newest()
"""That a row of `RESULTS` is the newest revision of its series and window."""


def _selected() -> sa.Select[Any]:
    """The newest revisions, in the order of `ResultRow`'s fields."""
    columns = {column.name: column for table in (BASES, SERIES, RESULTS) for column in table.c}
    return (
        sa.select(*(columns[field.name] for field in fields(ResultRow)))
        .select_from(RESULTS.join(SERIES).join(BASES))
        .where(IS_NEWEST)
    )


_NEWEST = _selected()


def add(state: State, rows: Collection[ResultRow]) -> int:
    """Number of new revisions; a row whose newest revision has the same inputs adds none.

    Args:
        state: where they are kept.
        rows: in one transaction, all or none.

    Raises:
        ValueError: two rows speak of the same series and window.
    """
    if not rows:
        return 0
    with state.writing() as connection:
        keys = [_key_of(row) for row in rows]
        series = ids_of(connection, set(keys))
        newest = _revisions(connection, rows)
        bases = _Bases(connection)
        given: set[_Window] = set()
        new: list[tuple[object, ...]] = []
        for row, names in zip(rows, keys, strict=True):
            start, end = _microseconds(row.start), _microseconds(row.end)
            key = (series[names], row.window_kind, start, end)
            if key in given:
                raise ValueError(f"this verdict was given more than once: {row}")
            given.add(key)
            revision, inputs = newest.get(key, (-1, ""))
            if inputs == row.inputs_hash:
                continue
            new.append(
                (
                    *key,
                    revision + 1,
                    bases.id_of(row),
                    row.value,
                    row.lower,
                    row.upper,
                    row.reference_value,
                    row.rows,
                    row.group_rows,
                    row.reference_rows,
                    row.completeness,
                    row.status,
                    row.reason,
                )
            )
        insert_many(connection, BASES, bases.new())
        # In the order of their tree: at a place of its own, each costs twice as much.
        new.sort(key=itemgetter(0, 1, 2, 3))
        insert_many(connection, RESULTS, new)
        return len(new)


def latest(  # noqa: PLR0913 - a verdict has as many sides to ask for
    state: State,
    *,
    model: str | None = None,
    metric: str | None = None,
    column_name: str | None = None,
    version: str | None = None,
    segment: str | None = None,
    window_kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[ResultRow]:
    """The newest revision of each verdict, ordered by model, metric, ... and window.

    Args:
        state: where they are kept.
        model: only this model; None for any, and so for the other names.
        metric: only this metric.
        column_name: only of this feature, class or the like; "" is the metric as a whole.
        version: only this version.
        segment: only this segment; "" is all rows together.
        window_kind: only windows of this kind.
        since: only windows that end after this time.
        until: only windows that start before this time.
        limit: at most so many.
    """
    named = {
        SERIES.c.model: model,
        SERIES.c.metric: metric,
        SERIES.c.column_name: column_name,
        SERIES.c.version: version,
        SERIES.c.segment: segment,
        RESULTS.c.window_kind: window_kind,
    }
    wanted = [column == value for column, value in named.items() if value is not None]
    if since is not None:
        wanted.append(RESULTS.c.end > since)
    if until is not None:
        wanted.append(RESULTS.c.start < until)
    with state.reading() as connection:
        found = connection.execute(_NEWEST.where(*wanted).order_by(*_ORDER).limit(limit))
        return [ResultRow(*row) for row in found]


def current(state: State, model: str, window_kind: str = "publish") -> list[ResultRow]:
    """The newest revisions of each metric's last window, for all its versions and columns.

    A version or segment without rows in that window is not in it, so that what ended is no
    longer shown.
    """
    last = (
        sa.select(sa.func.max(RESULTS.c.start))
        .where(RESULTS.c.series_id == SERIES.c.id, RESULTS.c.window_kind == window_kind)
        .scalar_subquery()
    )
    per_series = (
        sa.select(SERIES.c.metric, last.label("start")).where(SERIES.c.model == model).cte()
    )
    per_metric = (
        sa.select(per_series.c.metric, sa.func.max(per_series.c.start).label("start"))
        .group_by(per_series.c.metric)
        .cte()
    )
    wanted = _NEWEST.where(
        SERIES.c.model == model,
        RESULTS.c.window_kind == window_kind,
        SERIES.c.metric == per_metric.c.metric,
        RESULTS.c.start == per_metric.c.start,
    )
    with state.reading() as connection:
        return [ResultRow(*row) for row in connection.execute(wanted.order_by(*_ORDER))]


def count(state: State) -> int:
    """Number of results ever made, later revisions of the same one included."""
    with state.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(RESULTS)) or 0


def models(state: State) -> list[str]:
    """Names of the models with verdicts, in order."""
    with state.reading() as connection:
        return list(connection.scalars(sa.select(SERIES.c.model).distinct().order_by("model")))


def _revisions(
    connection: sa.Connection, rows: Collection[ResultRow]
) -> dict[_Window, tuple[int, str]]:
    """Newest revision and its inputs' hash, per series and window that `rows` may touch."""
    starts = [row.start for row in rows]
    found = connection.execute(
        sa.select(*_KEY, RESULTS.c.revision, BASES.c.inputs_hash)
        .select_from(RESULTS.join(SERIES).join(BASES))
        .where(
            SERIES.c.model.in_({row.model for row in rows}),
            RESULTS.c.window_kind.in_({row.window_kind for row in rows}),
            RESULTS.c.start.between(min(starts), max(starts)),
        )
        .order_by(RESULTS.c.revision)
    )
    return {
        (number, kind, _microseconds(start), _microseconds(end)): (revision, inputs)
        for number, kind, start, end, revision, inputs in found
    }


class _Bases:
    """What results rest on, numbered by hand: only one writer is at work at a time."""

    def __init__(self, connection: sa.Connection) -> None:
        self._ids: dict[tuple[object, ...], int] = {}
        self._greatest = connection.scalar(sa.select(sa.func.max(BASES.c.id))) or 0

    def id_of(self, row: ResultRow) -> int:
        basis = (
            row.reference_id,
            row.inputs_hash,
            row.card_hash,
            row.code_version,
            _microseconds(row.computed_at),
        )
        return self._ids.setdefault(basis, self._greatest + len(self._ids) + 1)

    def new(self) -> list[tuple[object, ...]]:
        """Rows of those that were asked for."""
        return [(number, *basis) for basis, number in self._ids.items()]
