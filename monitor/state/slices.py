"""Slices of models from window to window."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State

SLICES = sa.Table(
    "slices",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("claim", sa.String, primary_key=True),
    sa.Column("conditions", sa.String, primary_key=True),
    sa.Column("end", Instant, nullable=False),
    sa.Column("words", sa.String, nullable=False),
    sa.Column("is_found", sa.Boolean, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("support", sa.Float, nullable=False),
    sa.Column("rate", sa.Float, nullable=False),
    sa.Column("rest", sa.Float, nullable=False),
    sa.Column("lower", sa.Float, nullable=False),
    sa.Column("upper", sa.Float, nullable=False),
    sa.Column("p", sa.Float),
    sa.Column("examples", sa.JSON, nullable=False),
    sa.Column("found_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Followed:
    """A slice in one window.

    Attributes:
        model: whose.
        claim: such as "override".
        conditions: JSON of its conditions, the same in every window.
        words: the same for people.
        start: of the window.
        end: of the window.
        is_found: whether it was found and confirmed there; else it was known from before.
        rows: of it [rows].
        support: share of the rows.
        rate: share of its rows of which the claim holds.
        rest: the same of all other rows.
        lower: lower end of the 95 % interval of rate less rest.
        upper: upper end.
        p: corrected probability that chance made it, None where it was not found.
        examples: ids of predictions in it.
        found_at: when this was computed.
    """

    model: str
    claim: str
    conditions: str
    words: str
    start: datetime
    end: datetime
    is_found: bool
    rows: int
    support: float
    rate: float
    rest: float
    lower: float
    upper: float
    p: float | None
    examples: list[str]
    found_at: datetime


def replace(state: State, model: str, start: datetime, found: Iterable[Followed]) -> None:
    """Write what stands for a window of a model, in the place of what stood."""
    rows = [asdict(one) for one in found]
    with state.writing() as connection:
        connection.execute(
            sa.delete(SLICES).where(SLICES.c.model == model, SLICES.c.start == start)
        )
        if rows:
            connection.execute(sa.insert(SLICES), rows)


def followed(
    state: State, model: str, *, start: datetime | None = None, before: datetime | None = None
) -> list[Followed]:
    """Slices of a model, the newest window first, as they were ranked.

    Args:
        state: that holds them.
        model: whose.
        start: only of the window that begins then.
        before: only of windows that begin before then.
    """
    wanted = sa.select(SLICES).where(SLICES.c.model == model)
    if start is not None:
        wanted = wanted.where(SLICES.c.start == start)
    if before is not None:
        wanted = wanted.where(SLICES.c.start < before)
    order = (SLICES.c.start.desc(), SLICES.c.claim, SLICES.c.is_found.desc(), SLICES.c.p)
    with state.reading() as connection:
        rows = connection.execute(wanted.order_by(*order, SLICES.c.conditions))
        return [Followed(**row) for row in rows.mappings()]


def newest(state: State, model: str) -> list[Followed]:
    """Slices of a model's last window that has any, as they were ranked."""
    with state.reading() as connection:
        last = sa.select(sa.func.max(SLICES.c.start)).where(SLICES.c.model == model)
        start = connection.scalar(last)
    return followed(state, model, start=start) if start is not None else []
