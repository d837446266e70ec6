"""Tokens with which people and programs show who they are; only their hashes are kept."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state import audit
from monitor.state.database import METADATA, Instant, State

TOKENS = sa.Table(
    "tokens",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("rights", sa.JSON, nullable=False),
    sa.Column("models", sa.JSON, nullable=False),
    sa.Column("created", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    sa.Column("revoked", Instant),
)

_PREFIX: Final = "mbm"


class Right(StrEnum):
    """What a token allows."""

    READ = "read"
    SENSITIVE = "sensitive"
    """See features and protected attributes of single predictions, messages in quarantine, and the
    audit log."""
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Token:
    """Who holds a token, and what it allows.

    Attributes:
        id: names it, and is its public part.
        name: of the person or program behind it.
        rights: what it allows; reading always.
        models: for which models; empty for all.
        created: when.
        expires: from when on it is worth nothing.
        revoked: when it was taken back, None if it was not.
    """

    id: str
    name: str
    rights: frozenset[Right]
    models: frozenset[str]
    created: datetime
    expires: datetime
    revoked: datetime | None = None

    def allows(self, right: Right, model: str | None) -> bool:
        """Whether it allows this; without a model only what is about all of them."""
        return right in self.rights and (not self.models or model in self.models)


def create(
    state: State,
    name: str,
    rights: Collection[Right],
    models: Collection[str],
    expires: datetime,
    *,
    who: str,
    now: datetime,
) -> tuple[Token, str]:
    """The token and its text, which is shown this once and kept nowhere; audited.

    Raises:
        StateError: the name is missing or no plain text, or the time is past.
    """
    name = audit.plain(name, audit.LONGEST_NAME, "the name")
    if "\n" in name:
        raise StateError("the name has several lines; write one")
    if expires <= now:
        raise StateError(f"{expires.isoformat()} is past; name a later end")
    known = frozenset((Right.READ, *rights))
    token = Token(secrets.token_hex(6), name, known, frozenset(models), now, expires)
    secret = secrets.token_urlsafe(32)
    row = {
        "id": token.id,
        "hash": _hash(secret),
        "name": name,
        "rights": sorted(known),
        "models": sorted(models),
        "created": now,
        "expires": expires,
    }
    detail = {"name": name, "rights": sorted(known), "models": sorted(models), "expires": expires}
    with state.writing() as connection:
        connection.execute(sa.insert(TOKENS), [row])
        audit.add(state, who, "create token", token.id, f"for {name}", detail, now)
    return token, f"{_PREFIX}_{token.id}_{secret}"


def revoke(state: State, identity: str, *, who: str, reason: str, now: datetime) -> None:
    """Take a token back; audited. Once it is, doing so again changes nothing.

    Raises:
        StateError: there is no such token, or who or reason is missing.
    """
    with state.writing() as connection:
        known = [token for token in listing(state) if token.id == identity]
        if not known:
            raise StateError(f'there is no token "{identity}"; see: mbm token list')
        if known[0].revoked is None:
            connection.execute(sa.update(TOKENS).where(TOKENS.c.id == identity).values(revoked=now))
            audit.add(state, who, "revoke token", identity, reason, {"name": known[0].name}, now)


def listing(state: State) -> list[Token]:
    """Every token that was ever made, the oldest first."""
    with state.reading() as connection:
        rows = connection.execute(sa.select(TOKENS).order_by(TOKENS.c.created, TOKENS.c.id))
        return [_token(row) for row in rows]


def holder(state: State, text: str, now: datetime) -> Token | None:
    """The token that this text is, None if it is none, has expired or was revoked."""
    prefix, _, rest = text.partition("_")
    identity, _, secret = rest.partition("_")
    if prefix != _PREFIX or not secret or not text.isascii():
        return None
    with state.reading() as connection:
        row = connection.execute(sa.select(TOKENS).where(TOKENS.c.id == identity)).first()
    if row is None or not hmac.compare_digest(row.hash, _hash(secret)):
        return None
    token = _token(row)
    return token if token.revoked is None and now < token.expires else None


def _hash(secret: str) -> str:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: sa.Row[tuple[object, ...]]) -> Token:
    return Token(
        row.id,
        row.name,
        frozenset(map(Right, row.rights)),
        frozenset(row.models),
        row.created,
        row.expires,
        row.revoked,
    )
