"""When versions of models were deployed, as their events say."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert

DEPLOYMENTS = sa.Table(
    "deployments",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("at", Instant, primary_key=True),
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("stage", sa.String, primary_key=True),
    sa.Column("traffic_share", sa.Double),
)

MOST: Final = 1_000
"""Deployments of a model that are kept, the newest ones."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version went out, or got another share of the traffic.

    Attributes:
        model: of which it is a version.
        at: when, as its event says.
        version: as its event names it.
        stage: shadow, canary or full; "" where the event names none.
        traffic_share: part of the traffic from then on, None where nobody said.
    """

    model: str
    at: datetime
    version: str
    stage: str = ""
    traffic_share: float | None = None


def add(state: State, model: str, some: Collection[Deployment]) -> None:
    """Write deployments of a model down; what stands there already stays."""
    if not some:
        return
    with state.writing() as connection:
        upsert(connection, DEPLOYMENTS, [asdict(one) for one in some], replace=["traffic_share"])
        mine = DEPLOYMENTS.c.model == model
        oldest = sa.select(DEPLOYMENTS.c.at).where(mine).order_by(DEPLOYMENTS.c.at.desc())
        least = oldest.offset(MOST - 1).limit(1).scalar_subquery()
        connection.execute(sa.delete(DEPLOYMENTS).where(mine, DEPLOYMENTS.c.at < least))


def between(
    state: State, model: str, start: datetime | None = None, end: datetime | None = None
) -> list[Deployment]:
    """Deployments of a model in [start, end), in order; all that are kept without ends."""
    wanted = sa.select(DEPLOYMENTS).where(DEPLOYMENTS.c.model == model)
    if start is not None:
        wanted = wanted.where(DEPLOYMENTS.c.at >= start)
    if end is not None:
        wanted = wanted.where(DEPLOYMENTS.c.at < end)
    order = (DEPLOYMENTS.c.at, DEPLOYMENTS.c.version, DEPLOYMENTS.c.stage)
    with state.reading() as connection:
        return [Deployment(**row) for row in connection.execute(wanted.order_by(*order)).mappings()]


def newest(state: State, model: str | None = None) -> Mapping[tuple[str, str], datetime]:
    """When each version was last deployed, by (model, version); of all models without a name."""
    wanted = sa.select(DEPLOYMENTS.c.model, DEPLOYMENTS.c.version, sa.func.max(DEPLOYMENTS.c.at))
    if model is not None:
        wanted = wanted.where(DEPLOYMENTS.c.model == model)
    grouped = wanted.group_by(DEPLOYMENTS.c.model, DEPLOYMENTS.c.version)
    with state.reading() as connection:
        return {(name, version): at for name, version, at in connection.execute(grouped)}
