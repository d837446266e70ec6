"""`mbm status`."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from monitor.cli.options import config, output
from monitor.cli.rows import write
from monitor.jobs.drifting import CHECK
from monitor.jobs.service import Opened, opened
from monitor.outputs.totals import totals
from monitor.state import ledger, runs
from monitor.state.detectors import WHOLE, checks, known
from monitor.state.heartbeats import heartbeats
from monitor.state.incidents import counts
from monitor.state.moved import moved
from monitor.state.notices import Waiting, waiting
from monitor.state.progress import closed, dirty_windows
from monitor.state.references import pinned

COLUMNS = ("what", "name", "state", "since", "detail")
MOST_PARTITIONS = 20
INPUTS = "inputs"


@click.command()
@config
@output
def status(file: Path, form: str) -> None:
    """Show how far the service has come.

    Per source what it has read and what waits; per model its reference, up to when its windows
    are closed and what is still to be built, how far its detector has come, and its incidents;
    notices that wait, per channel; the last runs of the jobs; and the account of all messages.

    \b
    Example:
      mbm status -c service.yaml

    Exit codes: 0 done, 1 the state cannot be read, 2 a mistake in the settings or the cards.
    """
    parts = opened(file)
    write(_rows(parts, datetime.now(UTC)), COLUMNS, form, sys.stdout)


def _rows(parts: Opened, now: datetime) -> Iterator[dict[str, Any]]:
    yield from _sources(parts, now)
    yield from _models(parts)
    yield from _detectors(parts)
    yield from _channels(parts)
    for job in ("evaluate", "maintain", "notices"):
        for run in runs.newest(parts.state, job, 1):
            since = run.finished or run.started
            yield _row("job", job, run.outcome, since, run.message)
    sums = totals(ledger.accounts(parts.state))
    again = f" ({sums.replayed} of them taken in since)" if sums.replayed else ""
    detail = (
        f"{sums.received} evaluated: stored {sums.stored}, "
        f"quarantined {sums.quarantined}{again}, ignored {sums.ignored}"
    )
    state = f"gap in {', '.join(sums.broken)}" if sums.broken else "complete"
    yield _row("account", "messages", state, None, detail)


def _sources(parts: Opened, now: datetime) -> Iterator[dict[str, Any]]:
    for name in parts.settings.sources:
        beats = heartbeats(parts.state, name)
        if not beats:
            yield _row("source", name, "never read", None, "run: mbm ingest")
            continue
        # Those that are behind come first; a folder may hold thousands of files.
        behind = sorted(beats, key=lambda beat: (beat.position - beat.end, beat.partition))
        left = sum(beat.end - beat.position for beat in beats)
        last = max(beat.at for beat in beats)
        age = int((now - last).total_seconds())
        state = f"{left} messages wait" if left else "at its end"
        detail = f"{_count(len(beats), 'partition')}, seen {age} s ago"
        yield _row("source", name, state, last, detail)
        for beat in behind[:MOST_PARTITIONS]:
            if beat.end > beat.position:
                detail = f"at {beat.position} of {beat.end}"
                yield _row("partition", beat.partition, "behind", beat.at, detail)


def _models(parts: Opened) -> Iterator[dict[str, Any]]:
    for model in parts.cards:
        upto = closed(parts.state, model, INPUTS)
        pin = pinned(parts.state, model)
        spans = len(dirty_windows(parts.state, model=model))
        compared = (
            f"reference {pin.reference_id} ({pin.source})"
            if pin
            else "no reference yet: mbm reference set"
        )
        if count := moved(parts.state, model):
            compared += f", {count} predictions moved across windows"
        state = "closed up to" if upto else "nothing closed yet"
        if spans:
            compared += f", {_count(spans, 'span')} to build"
        yield _row("model", model, state, upto, compared)


def _detectors(parts: Opened) -> Iterator[dict[str, Any]]:
    for model in parts.cards:
        found = known(parts.state, model)
        for check in checks(parts.state, model):
            if check.check in (WHOLE, CHECK):
                state = check.state.name.lower()
                what = "detector" if check.check == WHOLE else "slow drift"
                yield _row(what, model, state, found.upto if found else None, check.words)
    for model, tier, count, every in counts(parts.state):
        yield _row("incidents", model, f"{count} open", None, f"{every} ever, {tier}")


def _channels(parts: Opened) -> Iterator[dict[str, Any]]:
    found = waiting(parts.state)
    for name in sorted({*parts.settings.notices.channels, *found}):
        stands = found.get(name, Waiting())
        state = f"{stands.count} notices wait" if stands.count else "nothing waits"
        gone = "" if name in parts.settings.notices.channels else "not in the settings any more; "
        yield _row("channel", name, state, stands.oldest, gone + stands.error)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _row(what: str, name: str, state: str, since: datetime | None, detail: str) -> dict[str, Any]:
    seconds = since and since.replace(microsecond=0)
    return {"what": what, "name": name, "state": state, "since": seconds, "detail": detail}
