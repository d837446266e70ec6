"""`mbm replay-verdict`."""

from datetime import datetime
from pathlib import Path

import click

from monitor.cli.options import config
from monitor.errors import StateError
from monitor.jobs import again
from monitor.jobs.service import Opened, opened
from monitor.settings.values import instant
from monitor.state import incidents

DIFFERS = 3
"""Exit code of what comes out otherwise."""


@click.command()
@click.argument("verdict")
@config
def replay_verdict(verdict: str, file: Path) -> None:
    """Compute once more what the detector said.

    The verdict is an incident's id, or a model and the end of a window of detection:
    lending@2026-03-11T12:00:00Z. The baseline is learned again from the reference, and every
    window up to that one taken in again, each as its profiles stood then, with what people did.
    On the same platform the same bits come out. Erasing a person leaves profiles as they are: the
    verdict can still be computed, but no longer be built from events; that is said.

    \b
    Example:
      mbm replay-verdict lending-2026-03-11-1

    Exit codes: 0 the same bits, 1 it cannot be computed, 2 a mistake in the settings or the
    cards, 3 something differs.
    """
    parts = opened(file)
    model, end = _window(parts, verdict)
    last = None
    for count, one in enumerate(again.replayed(parts, model, end), 1):
        if one.inputs_hash != one.before.inputs_hash:
            click.echo(
                f"window to {one.before.end:%Y-%m-%d %H:%M}: its profiles are others than then "
                f"({one.inputs_hash or 'none'}, not {one.before.inputs_hash or 'none'})"
            )
            raise SystemExit(DIFFERS)
        if not one.is_same:
            click.echo(
                f"window to {one.before.end:%Y-%m-%d %H:%M}: the logarithm of the evidence is "
                f"{one.log_evidence}, it was {one.before.log_evidence}; the baseline has been "
                "learned anew since, or the program or its platform is another"
            )
            raise SystemExit(DIFFERS)
        last = count, one
    if last is None:
        raise StateError(f"{verdict}: the baseline was learned from this window")
    count, one = last
    click.echo(
        f"the same bits: {count} windows up to {one.before.end:%Y-%m-%d %H:%M} UTC, logarithm of "
        f"the evidence {one.log_evidence}, profiles {one.inputs_hash}"
    )


def _window(parts: Opened, verdict: str) -> tuple[str, datetime]:
    model, mark, time = verdict.partition("@")
    if not mark:
        incident = incidents.one(parts.state, verdict)
        return incident.model, incident.opened
    try:
        return model, instant(time)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="VERDICT") from None
