"""Signals that people muted for a time; every word about them is kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state import audit
from monitor.state.database import METADATA, Instant, State

MUTES = sa.Table(
    "mutes",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("signal", sa.String, nullable=False),
    sa.Column("until", Instant, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("taken", Instant),
)

LONGEST_SIGNAL = 500


@dataclass(frozen=True, slots=True)
class Mute:
    """A signal that does not call anybody for a time.

    Attributes:
        number: 1 for the first, then one more each; a later one on the same signal replaces it.
        model: whose signal.
        signal: its name, or the front of several names.
        until: windows that end by then are muted.
        at: when it was said.
        who: name.
        reason: why, in their words.
        taken: start of the window from which on the detector went by it; None if it has not yet.
    """

    number: int
    model: str
    signal: str
    until: datetime
    at: datetime
    who: str
    reason: str
    taken: datetime | None = None


def mute(
    state: State, model: str, signal: str, until: datetime, *, who: str, reason: str, now: datetime
) -> Mute:
    """The mute that was written; audited with it. A time that is past ends an earlier one.

    Raises:
        StateError: signal, who or reason is missing, too long or no plain text.
    """
    signal = audit.plain(signal, LONGEST_SIGNAL, "the signal")
    if "\n" in signal:
        raise StateError("the signal holds more than one line; write one name")
    who = audit.plain(who, audit.LONGEST_NAME, "who")
    reason = audit.plain(reason, audit.LONGEST_REASON, "the reason")
    with state.writing() as connection:
        number = (connection.scalar(sa.select(sa.func.max(MUTES.c.number))) or 0) + 1
        row = {"number": number, "model": model, "signal": signal, "until": until, "at": now}
        connection.execute(sa.insert(MUTES), [row | {"who": who, "reason": reason}])
        detail = {"signal": signal, "until": until.isoformat()}
        audit.add(state, who, "mute signal", model, reason, detail, now)
    return Mute(number, model, signal, until, now, who, reason)


def said(state: State, model: str) -> list[Mute]:
    """All that was ever said of a model's signals, in order."""
    wanted = sa.select(MUTES).where(MUTES.c.model == model).order_by(MUTES.c.number)
    with state.reading() as connection:
        return [Mute(*row) for row in connection.execute(wanted)]


def take(state: State, some: Collection[Mute], window: datetime) -> None:
    """Write down that the detector goes by these mutes from a window on.

    Those that were said after it looked are not among them.
    """
    with state.writing() as connection:
        connection.execute(
            sa.update(MUTES)
            .where(MUTES.c.number.in_([one.number for one in some]), MUTES.c.taken.is_(None))
            .values(taken=window)
        )
