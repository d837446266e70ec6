"""Published values of a model over time, as charts need them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from monitor.state.database import State
from monitor.state.results import IS_NEWEST, RESULTS
from monitor.state.series import SERIES


class Line(NamedTuple):
    """What a chart shows: one number of one version."""

    metric: str
    version: str
    segment: str
    column: str


class Moment(NamedTuple):
    """A verdict as a chart shows it; None where there is none.

    Attributes:
        end: of the window.
        value: in the metric's unit.
        lower: end of its interval.
        upper: end of its interval.
        reference: the same number of the reference.
        rows: that it rests on.
        completeness: share of the window's messages that were stored.
        reason: why it is unknown, else "".
    """

    end: datetime
    value: float | None
    lower: float | None
    upper: float | None
    reference: float | None
    rows: int
    completeness: float | None
    reason: str


def history(
    state: State,
    model: str,
    since: datetime,
    *,
    metrics: Collection[str] | None = None,
    columns: Collection[str] | None = None,
    segment: str = "",
    kind: str = "publish",
) -> Mapping[Line, list[Moment]]:
    """The newest revision of each window's value, all stages together, in order of time.

    Args:
        state: where results are.
        model: whose.
        since: only windows that end after this time.
        metrics: only these; None for all.
        columns: only these features or attributes; None for all.
        segment: only this one; "" is all rows together.
        kind: of the windows.
    """
    wanted = [
        SERIES.c.model == model,
        SERIES.c.stage == "",
        SERIES.c.segment == segment,
        RESULTS.c.window_kind == kind,
        RESULTS.c.end > since,
        IS_NEWEST,
    ]
    if metrics is not None:
        wanted.append(SERIES.c.metric.in_(metrics))
    if columns is not None:
        wanted.append(SERIES.c.column_name.in_(columns))
    r = RESULTS.c
    chosen = (
        sa.select(
            *(SERIES.c.metric, SERIES.c.version, SERIES.c.segment, SERIES.c.column_name),
            *(r.end, r.value, r.lower, r.upper, r.reference_value),
            *(r.rows, r.completeness, r.reason),
        )
        .select_from(RESULTS.join(SERIES))
        .where(*wanted)
        .order_by(SERIES.c.metric, SERIES.c.version, SERIES.c.column_name, r.end)
    )
    found: dict[Line, list[Moment]] = {}
    with state.reading() as connection:
        for row in connection.execute(chosen):
            found.setdefault(Line(*row[:4]), []).append(Moment._make(row[4:]))
    return found
