"""Tokens: who holds one, for how long, and what stays of it."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from monitor.errors import StateError
from monitor.state import audit, tokens
from monitor.state.database import State
from monitor.state.tokens import Right

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def made(state: State, *rights: Right, models: tuple[str, ...] = ()) -> tuple[tokens.Token, str]:
    return tokens.create(state, "Ada", rights, models, NOW + DAY, who="root", now=NOW)


def test_a_token_is_known_until_it_expires(state: State) -> None:
    token, text = made(state, Right.WRITE)
    assert tokens.holder(state, text, NOW) == token
    assert tokens.holder(state, text, NOW + DAY) is None
    assert token.rights == {Right.READ, Right.WRITE}


def test_a_revoked_token_is_worth_nothing_at_once(state: State) -> None:
    token, text = made(state)
    tokens.revoke(state, token.id, who="root", reason="lost", now=NOW)
    assert tokens.holder(state, text, NOW) is None
    with pytest.raises(StateError, match="mbm token list"):
        tokens.revoke(state, "none", who="root", reason="lost", now=NOW)


@pytest.mark.parametrize("text", ["", "mbm", "mbm__", "mbm_ä_ö", "x_y_z", "mbm_" + "a" * 9_000])
def test_what_is_no_token_is_nobodys(state: State, text: str) -> None:
    assert tokens.holder(state, text, NOW) is None


def test_another_secret_under_a_known_id_is_refused(state: State) -> None:
    token, text = made(state)
    assert tokens.holder(state, f"mbm_{token.id}_{'x' * 43}", NOW) is None
    assert tokens.holder(state, text[:-1], NOW) is None


def test_the_text_is_kept_nowhere(state: State) -> None:
    _, text = made(state)
    secret = text.split("_", 2)[2]
    with state.reading() as connection:
        kept = [
            str(row)
            for table in ("tokens", "audit")
            for row in connection.execute(sa.text(f"SELECT * FROM {table}"))
        ]
    assert kept
    assert not any(secret in row for row in kept)


def test_making_and_revoking_are_audited(state: State) -> None:
    token, _ = made(state)
    tokens.revoke(state, token.id, who="root", reason="lost", now=NOW)
    tokens.revoke(state, token.id, who="root", reason="again", now=NOW)
    assert [(e.who, e.what, e.about) for e in audit.entries(state)] == [
        ("root", "create token", token.id),
        ("root", "revoke token", token.id),
    ]
    assert audit.verify(state) == ""


def test_a_token_of_one_model_says_nothing_of_others(state: State) -> None:
    token, _ = made(state, Right.SENSITIVE, models=("loan",))
    assert token.allows(Right.SENSITIVE, "loan")
    assert not token.allows(Right.SENSITIVE, "price")
    assert not token.allows(Right.READ, None)
    assert not token.allows(Right.WRITE, "loan")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[31m", "x" * 201])
def test_a_name_is_plain_text_on_one_line(state: State, name: str) -> None:
    with pytest.raises(StateError):
        tokens.create(state, name, [], [], NOW + DAY, who="root", now=NOW)


def test_a_token_that_has_expired_already_is_not_made(state: State) -> None:
    with pytest.raises(StateError, match="later"):
        tokens.create(state, "Ada", [], [], NOW, who="root", now=NOW)
