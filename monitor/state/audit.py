"""What people did, in entries that each carry the hash of the one before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state.database import METADATA, Instant, State, microseconds

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("about", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
)

LONGEST_NAME: Final = 200
LONGEST_REASON: Final = 2_000

_START: Final = ""
"""What the first entry carries in place of a hash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did.

    Attributes:
        number: 1 for the first entry, then one more each.
        at: when.
        who: name, as they gave it or as their token says.
        what: verb, as "accept incident".
        about: what it was done to.
        reason: why, in their words.
        detail: what else is to be known, as JSON.
        hash: of the entry before and all of this, SHA-256 in hexadecimal.
    """

    number: int
    at: datetime
    who: str
    what: str
    about: str
    reason: str
    detail: str
    hash: str


def plain(text: str, longest: int, called: str) -> str:
    """The text without blanks around it.

    Raises:
        StateError: nothing is left, or too much, or there are control characters.
    """
    found = text.strip()
    if not found:
        raise StateError(f"{called} is missing; it stands in the audit log for ever")
    if len(found) > longest:
        raise StateError(f"{called} has {len(found)} characters; write at most {longest}")
    if any(not (c.isprintable() or c == "\n") for c in found):
        raise StateError(f"{called} holds control characters; write plain text")
    return found


def add(
    state: State,
    who: str,
    what: str,
    about: str,
    reason: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> Entry:
    """The entry that was written; inside a transaction of the caller, part of it.

    Raises:
        StateError: who or reason is missing, too long or no plain text.
    """
    who = plain(who, LONGEST_NAME, "who")
    reason = plain(reason, LONGEST_REASON, "the reason")
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str)
    with state.writing() as connection:
        last = connection.execute(
            sa.select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)
        ).first()
        number, before = (last.number + 1, last.hash) if last else (1, _START)
        entry = Entry(number, now, who, what, about, reason, text, "")
        entry = Entry(number, now, who, what, about, reason, text, _hash(entry, before))
        connection.execute(sa.insert(AUDIT), [_row(entry)])
    return entry


def entries(state: State, about: str | None = None, count: int | None = None) -> list[Entry]:
    """The last entries, all or on one thing, the oldest first."""
    wanted = sa.select(AUDIT).order_by(AUDIT.c.number.desc())
    if about is not None:
        wanted = wanted.where(AUDIT.c.about == about)
    with state.reading() as connection:
        return [Entry(*row) for row in connection.execute(wanted.limit(count))][::-1]


def verify(state: State) -> str:
    """What is wrong with the log: an entry that was changed or is missing; "" if nothing is.

    Entries cut off at the end leave no trace here: compare the last number and hash with what
    was written down elsewhere.
    """
    before = _START
    for number, entry in enumerate(entries(state), 1):
        if entry.number != number:
            return f"entry {number} is missing"
        if entry.hash != _hash(entry, before):
            return f"entry {number} was changed, or the one before it"
        before = entry.hash
    return ""


def _hash(entry: Entry, before: str) -> str:
    said = (entry.who, entry.what, entry.about, entry.reason, entry.detail)
    line = json.dumps([before, entry.number, microseconds(entry.at), *said])
    return hashlib.sha256(line.encode()).hexdigest()


def _row(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
