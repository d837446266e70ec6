"""`mbm replay-verdict`."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.options import TIME, config
from monitor.cli.talk import progress, say
from monitor.errors import StateError
from monitor.jobs import again, results_again
from monitor.jobs.again import Replayed
from monitor.jobs.results_again import Asked
from monitor.jobs.service import Opened, opened
from monitor.metrics import BY_NAME
from monitor.state import incidents

DIFFERS = 3
"""Exit code of what comes out otherwise."""


@click.command()
@click.argument("verdict")
@click.option(
    "--window",
    type=click.Choice(["publish", "latest", "detect"]),
    default="publish",
    show_default=True,
    help="Of a result: in which kind of window.",
)
@click.option("--version", help="Of a result: only this version of the model.")
@click.option("--segment", help='Of a result: only this segment; "" is all rows together.')
@config
def replay_verdict(
    verdict: str, window: str, version: str | None, segment: str | None, file: Path
) -> None:
    """Compute once more what was said: by the detector, or as a result.

    Of the detector, the verdict is an incident's id, or a model and the end of a window of
    detection: lending@2026-03-11T12:00:00Z. The baseline is learned again from the reference, and
    every window up to that one taken in again, each as its profiles stood then, with what people
    did.

    Of a result it is model, metric and the begin of a window: lending/accuracy@2026-03-11. Each
    of its numbers (all versions, segments and columns) is computed from its profiles as they
    stood when it was told, and its reference. The card and the program are those of today: where
    they are others, that is said.

    On the same platform the same bits come out. Erasing a person leaves profiles as they are: the
    verdict can still be computed, but no longer be built from events; that is said.

    \b
    Example:
      mbm replay-verdict lending-2026-03-11-1
      mbm replay-verdict lending/override@2026-03-11 --segment ""

    Exit codes: 0 the same bits, 1 it cannot be computed, 2 a mistake in the settings or the
    cards, 3 something differs.
    """
    parts = opened(file)
    model, metric, start = _result(verdict)
    if metric:
        _replay_result(parts, Asked(model, metric, start, window, version, segment))
    else:
        _replay_window(parts, verdict)


def _result(verdict: str) -> tuple[str, str, datetime]:
    """Model, metric and begin of a result; no metric if it is none."""
    about, _, time = verdict.rpartition("@")
    model, _, metric = about.rpartition("/")
    if not model or metric not in BY_NAME:
        return "", "", datetime.min.replace(tzinfo=UTC)
    return model, metric, TIME.convert(time, None, None)


def _replay_result(parts: Opened, asked: Asked) -> None:
    every = list(results_again.recomputed(parts, asked))
    differing = [one for one in every if one.differs]
    for one in differing:
        names = (one.before.version, one.before.stage, one.before.segment, one.before.column_name)
        about = ", ".join(filter(None, names)) or "all rows"
        say(f"{asked.metric} ({about}): {'; '.join(one.differs)}")
    if differing:
        say(f"{len(differing)} of {len(every)} results differ")
        raise SystemExit(DIFFERS)
    bases = ", ".join(sorted({one.before.inputs_hash for one in every}))
    say(
        f"the same bits: {len(every)} results of {asked.metric}, {asked.kind} window from "
        f"{asked.start:%Y-%m-%d %H:%M} UTC, resting on {bases}"
    )


def _replay_window(parts: Opened, verdict: str) -> None:
    model, end = _window(parts, verdict)
    with progress("of the windows computed") as told:
        last = _compared(again.replayed(parts, model, end, told=told))
    if last is None:
        raise StateError(f"{verdict}: the baseline was learned from this window")
    count, one = last
    if one.inputs_hash != one.before.inputs_hash:
        say(
            f"window to {one.before.end:%Y-%m-%d %H:%M}: its profiles are others than then "
            f"({one.inputs_hash or 'none'}, not {one.before.inputs_hash or 'none'})"
        )
        raise SystemExit(DIFFERS)
    if not one.is_same:
        say(
            f"window to {one.before.end:%Y-%m-%d %H:%M}: the logarithm of the evidence is "
            f"{one.log_evidence}, it was {one.before.log_evidence}; the baseline has been "
            "learned anew since, or the program or its platform is another"
        )
        raise SystemExit(DIFFERS)
    say(
        f"the same bits: {count} windows up to {one.before.end:%Y-%m-%d %H:%M} UTC, logarithm of "
        f"the evidence {one.log_evidence}, profiles {one.inputs_hash}"
    )


def _compared(windows: Iterable[Replayed]) -> tuple[int, Replayed] | None:
    """Number of windows computed, and the last: the first that is not as it was, if one is not."""
    last = None
    for last in enumerate(windows, 1):
        _, one = last
        if one.inputs_hash != one.before.inputs_hash or not one.is_same:
            break
    return last


def _window(parts: Opened, verdict: str) -> tuple[str, datetime]:
    model, mark, time = verdict.partition("@")
    if not mark:
        incident = incidents.one(parts.state, verdict)
        return incident.model, incident.opened
    return model, TIME.convert(time, None, None)
