"""Which reference each model is compared with, and which it was before."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State

PINS = sa.Table(
    "reference_pins",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("reference_id", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("reference_pins_of", "model", "version", "id"),
)


@dataclass(frozen=True, slots=True)
class Pin:
    """A reference in force from a moment on.

    Attributes:
        model: name of the model.
        version: version of the model, "" for every version without a pin of its own.
        reference_id: hash of the frozen reference.
        source: what it was made of, in words: a file, a window or a version.
        by: who pinned it.
        at: when.
    """

    model: str
    version: str
    reference_id: str
    source: str
    by: str
    at: datetime


_SELECT = sa.select(*(column for column in PINS.c if column.name != "id"))


def pin(state: State, new: Pin) -> None:
    """Put a reference in force; the one before stays in the history."""
    with state.writing() as connection:
        connection.execute(
            sa.insert(PINS).values(
                model=new.model,
                version=new.version,
                reference_id=new.reference_id,
                source=new.source,
                by=new.by,
                at=new.at,
            )
        )


def pinned(state: State, model: str, version: str = "") -> Pin | None:
    """The pin in force for a version, else the one for every version, else None."""
    wanted = (
        _SELECT.where(PINS.c.model == model, PINS.c.version.in_([version, ""]))
        .order_by((PINS.c.version == version).desc(), PINS.c.id.desc())
        .limit(1)
    )
    with state.reading() as connection:
        row = connection.execute(wanted).first()
        return None if row is None else Pin(*row)


def history(state: State, model: str) -> list[Pin]:
    """Every pin that a model ever had, the newest first."""
    wanted = _SELECT.where(PINS.c.model == model).order_by(PINS.c.id.desc())
    with state.reading() as connection:
        return [Pin(*row) for row in connection.execute(wanted)]
