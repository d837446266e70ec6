"""`mbm incidents`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor.cli.models import named
from monitor.cli.options import TIME, config, output
from monitor.cli.rows import write
from monitor.cli.talk import say
from monitor.jobs.service import opened
from monitor.state import incidents as known
from monitor.state import mutes
from monitor.state.incidents import Incident, Lead, Status, What
from monitor.state.things import things

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = ("id", "tier", "status", "opened", "since", "evidence", "summary")

_SHORT = ("id", "tier", "status", "opened", "summary")
"""Columns of the table for people; JSON and CSV have all."""


def _signed(function: F) -> F:
    """Options that say who does something, and why."""
    who = click.option("--who", required=True, help="Your name; it stands in the audit log.")
    reason = click.option("--reason", required=True, help="Why, in your words.")
    return who(reason(function))


@click.group()
def incidents() -> None:
    """List incidents, and say what is done about them.

    Who acts gives a name and a reason, which the audit log keeps. `accept` takes the present
    level for the new normal: a lasting change calls nobody twice. `resolve` says that it is over:
    the signals are watched again from what was normal before. What people do counts from the
    next window of detection on.

    \b
    Example:
      mbm incidents list --model lending
      mbm incidents ack lending-2026-03-11-1 --who Ann --reason "asked the data platform"
    """


@incidents.command("list")
@click.option("--model", help="Only this model.")
@click.option("--status", type=click.Choice([s.value for s in Status]), help="Only these.")
@config
@output
def list_(model: str | None, status: str | None, file: Path, form: str) -> None:
    """Show incidents, the newest first.

    \b
    Example:
      mbm incidents list --status open

    Exit codes: 0 done, 1 the state cannot be read, 2 a mistake in the settings or the cards.
    """
    parts = opened(file)
    found = known.listing(parts.state, model, Status(status) if status else None)
    columns = _SHORT if form == "table" else _COLUMNS
    write([_row(one) for one in found], columns, form, sys.stdout)
    if not found:
        say("no incidents; see how far detection has come with: mbm status", err=True)


@incidents.command()
@click.argument("incident")
@config
@output
def show(incident: str, file: Path, form: str) -> None:
    """Show an incident with all that is known of it.

    As JSON it is one object: what the API says of it, and beside it a line for each thing that
    moved.

    \b
    Example:
      mbm incidents show lending-2026-03-11-1
      mbm incidents show lending-2026-03-11-1 --format json

    Exit codes: 0 done, 1 there is none, 2 a mistake in the settings or the cards.
    """
    # Brings SciPy, which the list need not wait for.
    from monitor.jobs.moved import moved

    one = known.one(opened(file).state, incident)
    lines = [moved(thing) for thing in things(one.leads)]
    if form == "table":
        for line in _story(one, lines):
            say(line)
        return
    row = asdict(one) | {"moved": lines}
    write([row], tuple(row), form, sys.stdout)


def _story(one: Incident, moved: Sequence[str]) -> Iterator[str]:
    yield f"{one.id}  {one.tier}  {one.status}"
    yield one.summary
    yield f"opened {one.opened:%Y-%m-%d %H:%M} UTC, evidence 10^{one.evidence:.1f}"
    yield "what moved:"
    yield from (f"  {line}" for line in moved)
    yield "signals:"
    yield from (f"  {_line(lead)}" for lead in one.leads)
    for deployment in one.story.get("deployments", ()):
        yield f"deployed {deployment['at']}: version {deployment['version']}"
    if examples := one.story.get(known.EXAMPLES):
        yield f"examples: {' '.join(examples)}"
    for act in one.acts:
        yield f"{act.at:%Y-%m-%d %H:%M} {act.who}: {act.what}, {act.reason}"
    if one.is_open:
        yield "look at an example with mbm trace ID, then say what is done about it:"
        yield f'  mbm incidents ack|accept|resolve {one.id} --who NAME --reason "..."'


@incidents.command()
@click.argument("incident")
@_signed
@config
def ack(incident: str, who: str, reason: str, file: Path) -> None:
    """Say that somebody looks at an incident.

    \b
    Example:
      mbm incidents ack lending-2026-03-11-1 --who Ann --reason "asked the data platform"

    Exit codes: 0 done, 1 there is none or it has ended, 2 a mistake in the settings or the cards.
    """
    _act(incident, What.ACK, who, reason, file)


@incidents.command()
@click.argument("incident")
@_signed
@config
def accept(incident: str, who: str, reason: str, file: Path) -> None:
    """Take the present level for the new normal.

    \b
    Example:
      mbm incidents accept lending-2026-03-11-1 --who Ann --reason "a new product, as planned"

    Exit codes: 0 done, 1 there is none or it has ended, 2 a mistake in the settings or the cards.
    """
    _act(incident, What.ACCEPT, who, reason, file)


@incidents.command()
@click.argument("incident")
@_signed
@config
def resolve(incident: str, who: str, reason: str, file: Path) -> None:
    """Say that an incident is over and mended.

    \b
    Example:
      mbm incidents resolve lending-2026-03-11-1 --who Ann --reason "the feed is mended"

    Exit codes: 0 done, 1 there is none or it has ended, 2 a mistake in the settings or the cards.
    """
    _act(incident, What.RESOLVE, who, reason, file)


@incidents.command()
@click.option("--model", required=True, help="Whose signal.")
@click.option("--signal", required=True, help="A signal, a column, or the front of a name.")
@click.option("--until", type=TIME, required=True, help="Windows that end by then are muted.")
@_signed
@config
def mute(model: str, signal: str, until: datetime, who: str, reason: str, file: Path) -> None:
    """Let a signal call nobody for a time; a time that is past ends it.

    The signal is a name as incidents show it (features/income/location@2), a column (income), or
    the front of names (segments/branch=north-1). Its baseline is learned on meanwhile.

    \b
    Example:
      mbm incidents mute --model lending --signal income --until 2026-04-01 --who Ann \\
          --reason "the feed moves to another unit in March"

    Exit codes: 0 done, 1 the model has no card, 2 a mistake in the settings or the cards.
    """
    parts = opened(file)
    named(parts.cards, model)
    mutes.mute(parts.state, model, signal, until, who=who, reason=reason, now=datetime.now(UTC))
    say(f"{signal} of {model} is muted until {until:%Y-%m-%d %H:%M} UTC")


def _act(incident: str, what: What, who: str, reason: str, file: Path) -> None:
    state = opened(file).state
    done = known.act(state, incident, what, who=who, reason=reason, now=datetime.now(UTC))
    say(f"{done.id} is {done.status}")


def _row(one: Incident) -> dict[str, Any]:
    return {
        "id": one.id,
        "tier": one.tier.value,
        "status": one.status.value,
        "opened": one.opened,
        "since": one.since,
        "evidence": round(one.evidence, 2),
        "summary": one.summary,
    }


def _line(lead: Lead) -> str:
    values = ""
    if lead.before is not None and lead.after is not None:
        values = f", {lead.before:.4g} before, {lead.after:.4g} after"
    return (
        f"{lead.signal}: {lead.direction} by {abs(lead.effect):.3g} {lead.unit}"
        f" ({lead.low:.3g} to {lead.high:.3g}) since {lead.since:%Y-%m-%d %H:%M}{values}"
    )
