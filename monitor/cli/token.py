"""`mbm token`."""

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.models import named
from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.cli.talk import say
from monitor.jobs.service import opened
from monitor.settings.values import duration, instant
from monitor.state import tokens
from monitor.state.tokens import Right

COLUMNS = ("id", "name", "rights", "models", "created", "expires", "state")
WHO = click.option(
    "--who",
    "by",
    default=getpass.getuser,
    help="Your name; it stands in the audit log. Default: that of your login.",
)


@click.group()
def token() -> None:
    """Make, list and revoke tokens for the pages and the API.

    \b
    Example:
      mbm token create --name "Ada Lovelace" --right write
    """


@token.command()
@click.option("--name", required=True, help="The person or program that will hold it.")
@click.option(
    "--right",
    "rights",
    multiple=True,
    type=click.Choice([right.value for right in Right]),
    default=["read"],
    show_default=True,
    help="May be given several times; reading is always allowed.",
)
@click.option("--model", "models", multiple=True, help="Only for this model; may be repeated.")
@click.option(
    "--expires",
    default="90d",
    show_default=True,
    help="A span from now, or a moment: 30d, 2026-12-31T00:00:00Z.",
)
@WHO
@config
def create(
    name: str,
    rights: tuple[str, ...],
    models: tuple[str, ...],
    expires: str,
    by: str,
    file: Path,
) -> None:
    """Make a token and print it, this once: only its hash is kept.

    `read` sees everything but single people: `sensitive` adds the features and attributes of
    single predictions and messages in quarantine, `write` lets its holder acknowledge, accept
    and resolve incidents under their name.

    \b
    Example:
      mbm token create --name "Ada Lovelace" --right write --right sensitive --expires 30d

    Exit codes: 0 done, 1 the model is unknown or the state cannot be written, 2 a mistake in the
    command line, the settings or the cards.
    """
    now = datetime.now(UTC)
    parts = opened(file)
    for model in models:
        named(parts.cards, model)
    end = _end(expires, now)
    made, text = tokens.create(
        parts.state, name, [Right(one) for one in rights], models, end, who=by, now=now
    )
    say(f"token {made.id} of {made.name} until {made.expires.isoformat()}:", err=True)
    say(text)


@token.command(name="list")
@config
@output
def list_tokens(file: Path, form: str) -> None:
    """List every token, also those that are worth nothing any more; never their text.

    \b
    Example:
      mbm token list
    """
    now = datetime.now(UTC)
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "rights": " ".join(sorted(one.rights)),
            "models": " ".join(sorted(one.models)) or "all",
            "created": one.created,
            "expires": one.expires,
            "state": "revoked" if one.revoked else "expired" if one.expires <= now else "valid",
        }
        for one in tokens.listing(opened(file).state)
    ]
    write(rows, COLUMNS, form, sys.stdout)


@token.command()
@click.argument("identity", metavar="ID")
@click.option("--reason", required=True, help="Why, for the audit log.")
@WHO
@config
def revoke(identity: str, reason: str, by: str, file: Path) -> None:
    """Take a token back at once.

    \b
    Example:
      mbm token revoke 1f2e3d4c5b6a --reason "laptop lost"
    """
    tokens.revoke(opened(file).state, identity, who=by, reason=reason, now=datetime.now(UTC))
    say(f"token {identity} is worth nothing any more")


def _end(text: str, now: datetime) -> datetime:
    """The moment that a span from now, or a moment, names."""
    try:
        return instant(text) if "T" in text else now + duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from error
