"""What a model's last window says as a whole: the verdicts that gauges show."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Windows
from monitor.state.database import State
from monitor.state.results import BASES, IS_NEWEST, RESULTS
from monitor.state.series import SERIES

SAMPLED: Final = frozenset(m.name for m in CATALOGUE if m.windows is Windows.SAMPLED)
"""Names of the metrics that only samples of rows tell."""

_COLUMNS: Final = (
    SERIES.c.version,
    SERIES.c.metric,
    SERIES.c.column_name,
    RESULTS.c.value,
    RESULTS.c.lower,
    RESULTS.c.upper,
    RESULTS.c.rows,
    RESULTS.c.completeness,
    RESULTS.c.group_rows,
    RESULTS.c.reason,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest revision of one verdict over all rows of a version, all its stages together.

    Attributes:
        version: version of the model.
        metric: name in the catalogue.
        column: feature or attribute that is measured, "" for none.
        value: the metric in its unit; None while unknown.
        lower: lower end, None where there is none.
        upper: upper end, None where there is none.
        rows: rows that the value rests on.
        completeness: share of the window's messages that were stored, in [0, 1]; None while
            unknown.
        group_rows: rows of the smallest group that was compared, None where none were.
        reason: why the value is unknown, "" where it is not.
        end: end of its own window, None where it is about the sliding one.
    """

    version: str
    metric: str
    column: str
    value: float | None
    lower: float | None
    upper: float | None
    rows: int
    completeness: float | None
    group_rows: int | None = None
    reason: str = ""
    end: datetime | None = None


def shown(state: State, model: str, start: datetime, end: datetime) -> list[Shown]:
    """The verdicts on the model's sliding window [start, end), ordered; empty if it had no rows.

    Of what only samples tell, those on the last published window of which there are some, if
    another has not closed since.
    """
    sliding = (RESULTS.c.window_kind == "latest", RESULTS.c.start == start, RESULTS.c.end == end)
    published = (
        RESULTS.c.window_kind == "publish",
        SERIES.c.metric.in_(SAMPLED),
        RESULTS.c.end.between(start, end),
    )
    of = (SERIES.c.model == model, SERIES.c.stage == "", SERIES.c.segment == "", IS_NEWEST)
    wanted = sa.select(*_COLUMNS).select_from(RESULTS.join(SERIES))
    with state.reading() as connection:
        found = [Shown(*row) for row in connection.execute(wanted.where(*of, *sliding))]
        rows = connection.execute(wanted.add_columns(RESULTS.c.end).where(*of, *published))
        sampled = [Shown(*row) for row in rows]
    ends = [one.end for one in sampled if one.end]
    found += [one for one in sampled if one.end == max(ends)]
    return sorted(found, key=lambda one: (one.version, one.metric, one.column))


def stamp(state: State) -> int:
    """A number that grows with every write of results; 0 before the first."""
    with state.reading() as connection:
        return connection.scalar(sa.select(sa.func.max(BASES.c.id))) or 0
