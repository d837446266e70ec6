"""What is to be told of incidents, on which channel, and whether it has been."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from monitor.state.database import METADATA, Instant, State, upsert
from monitor.state.incidents import ACTS, INCIDENTS, Tier, What

NOTICES = sa.Table(
    "notices",
    METADATA,
    sa.Column("incident", sa.String, primary_key=True),
    sa.Column("event", sa.String, primary_key=True),
    sa.Column("channel", sa.String, primary_key=True),
    sa.Column("message", sa.JSON, nullable=False),
    sa.Column("written", Instant, nullable=False),
    sa.Column("due", Instant, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("claimed", Instant),
    sa.Column("sent", Instant),
    sa.Column("error", sa.String, nullable=False),
    sa.Index("notices_by_due", "sent", "due"),
)
CHANNELS = sa.Table(
    "notice_channels",
    METADATA,
    sa.Column("channel", sa.String, primary_key=True),
    sa.Column("since", Instant, nullable=False),
)

OPENED: Final = "opened"
"""The event of an incident that was opened."""

RAISED: Final = "raised"
"""The event of a ticket that became a page; further ones are what people did to end it."""

REPORT: Final = "report"
"""The event of a weekly report; in the place of an incident stand model and week."""

DIGEST: Final = "digest"
"""The same of all models; in the place of an incident stands the week."""

WEEKLY: Final = (REPORT, DIGEST)

WORSE: Final = What.WORSE.value + "-"
"""The event of an incident that grew worse, before the number of that act."""

LEFT: Final = "to"
"""Key of a message under which those stand who did not get it, while others did."""

LONGEST_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class Key:
    """What a notice is about, and where it goes; unique."""

    incident: str
    event: str
    channel: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that the caller is to send.

    Attributes:
        key: of the notice.
        message: what to say, as it was written.
        tries: how often it has been tried, this time included.
    """

    key: Key
    message: Mapping[str, Any]
    tries: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a channel stands.

    Attributes:
        count: notices that are not sent.
        oldest: when the oldest of these was written, None if there is none.
        error: of the last try of that one, "" for none.
        reports: how many of them are weekly reports.
    """

    count: int = 0
    oldest: datetime | None = None
    error: str = ""
    reports: int = 0


def begin(state: State, channels: Iterable[str], now: datetime) -> None:
    """Write down channels that are new; what happened before they were is not told on them."""
    with state.writing() as connection:
        upsert(connection, CHANNELS, [{"channel": name, "since": now} for name in channels])


def untold(state: State, channel: str) -> list[tuple[str, str]]:
    """Incident and event of all that is to be told on a channel and not written yet, in order."""
    opened = sa.select(
        INCIDENTS.c.id.label("incident"),
        sa.literal(OPENED).label("event"),
        INCIDENTS.c.opened.label("at"),
    )
    event = sa.case(
        (ACTS.c.what == What.WORSE, sa.literal(WORSE) + sa.cast(ACTS.c.number, sa.String)),
        else_=ACTS.c.what,
    )
    acted = sa.select(ACTS.c.incident, event, ACTS.c.at).where(ACTS.c.what != What.ACK)
    raised = (
        sa.select(INCIDENTS.c.id, sa.literal(RAISED), INCIDENTS.c.updated)
        .join(NOTICES, NOTICES.c.incident == INCIDENTS.c.id)
        .where(
            INCIDENTS.c.tier == Tier.PAGE,
            NOTICES.c.event == OPENED,
            NOTICES.c.channel == channel,
            NOTICES.c.message["tier"].as_string() == Tier.TICKET,
        )
    )
    happened = sa.union_all(opened, raised, acted).subquery()
    is_written = (
        sa.select(sa.literal(1))
        .where(
            NOTICES.c.incident == happened.c.incident,
            NOTICES.c.event == happened.c.event,
            NOTICES.c.channel == channel,
        )
        .exists()
    )
    since = sa.select(CHANNELS.c.since).where(CHANNELS.c.channel == channel).scalar_subquery()
    wanted = (
        sa.select(happened.c.incident, happened.c.event)
        .where(happened.c.at >= since, ~is_written)
        .order_by(happened.c.at, happened.c.incident, _rank(happened.c.event))
    )
    with state.reading() as connection:
        return [(incident, event) for incident, event in connection.execute(wanted)]


def unwritten(state: State, keys: Iterable[Key]) -> list[Key]:
    """Those of these notices that are not written yet, in order."""
    with state.reading() as connection:
        return [
            key
            for key in keys
            if connection.execute(sa.select(sa.literal(1)).where(_is(key))).first() is None
        ]


def write(state: State, messages: Mapping[Key, Mapping[str, Any]], now: datetime) -> int:
    """Number of notices that are now to be sent; one that is there already stays as it is."""
    rows = [
        {
            **_named(key),
            "message": message,
            "written": now,
            "due": now,
            "tries": 0,
            "error": "",
        }
        for key, message in messages.items()
    ]
    with state.writing() as connection:
        return upsert(connection, NOTICES, rows)


def claim(state: State, channel: str, now: datetime, lease: timedelta) -> Claimed | None:
    """The notice that is due longest on a channel, the caller's now; None if there is none.

    One about the end of an incident waits until somebody has been told of its beginning.

    Args:
        state: processes that share it share the notices.
        channel: its name.
        now: when the caller asks.
        lease: a claim that has not ended after this long is given up for dead.
    """
    before = NOTICES.alias()
    is_too_early = (
        sa.select(sa.literal(1))
        .where(
            before.c.incident == NOTICES.c.incident,
            before.c.channel == NOTICES.c.channel,
            before.c.sent.is_(None),
            before.c.message[LEFT].as_string().is_(None),
            _rank(before.c.event) < _rank(NOTICES.c.event),
        )
        .exists()
    )
    with state.writing() as connection:
        row = connection.execute(
            sa.select(NOTICES)
            .where(
                NOTICES.c.sent.is_(None),
                NOTICES.c.due <= now,
                NOTICES.c.channel == channel,
                ~is_too_early,
                sa.or_(NOTICES.c.claimed.is_(None), NOTICES.c.claimed < now - lease),
            )
            .order_by(NOTICES.c.due, NOTICES.c.written, NOTICES.c.incident)
            .limit(1)
        ).first()
        if row is None:
            return None
        key = Key(row.incident, row.event, row.channel)
        values = {"claimed": now, "tries": row.tries + 1}
        connection.execute(sa.update(NOTICES).where(_is(key)).values(values))
        return Claimed(key, row.message, row.tries + 1)


def sent(state: State, key: Key, now: datetime) -> None:
    """Write down that a notice was sent."""
    with state.writing() as connection:
        values = {"sent": now, "claimed": None, "error": ""}
        connection.execute(sa.update(NOTICES).where(_is(key)).values(values))


def failed(
    state: State, key: Key, due: datetime, error: str, left: Mapping[str, Any] | None = None
) -> None:
    """Write down that a notice could not be sent, why, and when it is tried again.

    Args:
        state: where notices are kept.
        key: of the notice.
        due: when it is tried again.
        error: why; its first `LONGEST_ERROR` characters are kept.
        left: the message that is still to be sent, None for the same.
    """
    with state.writing() as connection:
        values: dict[str, Any] = {"due": due, "claimed": None, "error": error[:LONGEST_ERROR]}
        if left is not None:
            values["message"] = left
        not_sent = NOTICES.c.sent.is_(None)
        connection.execute(sa.update(NOTICES).where(_is(key), not_sent).values(values))


def waiting(state: State) -> dict[str, Waiting]:
    """How each channel stands on which something waits."""
    wanted = (
        sa.select(NOTICES.c.channel, NOTICES.c.written, NOTICES.c.error, NOTICES.c.event)
        .where(NOTICES.c.sent.is_(None))
        .order_by(NOTICES.c.written.desc(), NOTICES.c.incident.desc())
    )
    found: dict[str, Waiting] = {}
    with state.reading() as connection:
        for channel, written, error, event in connection.execute(wanted):
            before = found.get(channel, Waiting())
            reports = before.reports + (event in WEEKLY)
            found[channel] = Waiting(before.count + 1, written, error, reports)
    return found


def _rank(event: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    """Place of an event in the life of an incident."""
    return sa.case(
        (event == OPENED, 0), (event == RAISED, 1), (event.startswith(WORSE), 2), else_=3
    )


def _named(key: Key) -> dict[str, str]:
    return {"incident": key.incident, "event": key.event, "channel": key.channel}


def _is(key: Key) -> sa.ColumnElement[bool]:
    return sa.and_(*(NOTICES.c[name] == value for name, value in _named(key).items()))
