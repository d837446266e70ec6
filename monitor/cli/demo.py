"""`mbm demo`."""

import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from prometheus_client import CollectorRegistry

from monitor.cli.ingest import counted
from monitor.cli.rows import write as write_rows
from monitor.cli.signals import stopping
from monitor.cli.talk import counting, progress, say
from monitor.errors import MonitorError
from monitor.jobs.differences import CLEAR, Difference, differences
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated, keep_evaluating
from monitor.jobs.read_in import read_in
from monitor.jobs.scheduling import scheduling
from monitor.jobs.serve import serve
from monitor.jobs.service import Opened, opened
from monitor.outputs.listen import trouble
from monitor.profiles.windows import seconds_of
from monitor.settings.values import Address
from monitor.simulate.folder import write
from monitor.simulate.messages import MODEL
from monitor.simulate.world import World, demo_world
from monitor.state import incidents

MOST_SHOWN = 30
"""Lines of the table."""

COLUMNS = ("number", "value", "95 % interval", "reference", "times its noise")

_FEW_WINDOWS = "windows: {profile: 24h, detect: 24h, publish: 48d}"


@click.command()
@click.option("--fast", is_flag=True, help="End when the table is printed.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="An empty or new folder, kept; default: a temporary one.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary folder.")
def demo(fast: bool, folder: Path | None, keep: bool) -> None:
    """Watch a simulated model in which something goes wrong.

    Six weeks of a lending model with two versions, three teams of reviewers and outcomes that
    come late are written to files, read, evaluated and shown under /metrics, the same way as in
    a real service. A table of what differs from the reference ends it; on a terminal it goes on
    serving until Ctrl-C unless --fast is given, with a view of the model that follows evaluation.

    \b
    Example:
      mbm demo --fast
      mbm demo --folder demo --fast && mbm results -c demo/service.yaml --model lending

    Exit codes: 0 done, 1 the folder is not empty or something failed.
    """
    # Draws with rich, which other commands need not wait for.
    from monitor.cli import live

    now = datetime.now(UTC)
    with _place(folder, keep) as place, _rehearsal():
        world = demo_world(now)
        say(f"Writing {world.days} days of the model {MODEL} to {place}")
        parts = _free_address(opened(write(world, place).service))
        is_live = not fast and sys.stdout.isatty()
        with stopping() as stop, _served(parts) as address:
            registry = CollectorRegistry()
            with (
                live.following_reading(registry)
                if is_live
                else counting(lambda: counted(registry), seconds=2.0)
            ):
                read_in(parts, stop.is_set, once=True, registry=registry)
            say(f"Read {counted(registry)}")
            with live.following_evaluation(parts, MODEL) if is_live else progress() as told:
                close = Close(everything=True, until=world.end)
                done = evaluated(parts, close, now=now, told=told)
            say(f"Made {done.results} results; what differs from the reference:")
            _show(parts, world)
            if is_live and not stop.is_set():
                say("Serving until Ctrl-C.")
                moved = partial(_differences, parts, world)
                board = live.following_model(parts, MODEL, moved, address)
                with scheduling(parts, CollectorRegistry()), board as draw:

                    def wait(seconds: float) -> bool:
                        draw()
                        return stop.wait(seconds)

                    keep_evaluating(parts, wait, CollectorRegistry())
    if folder is None and not keep:
        say(f"To look around in such data, keep it: {sys.argv[0]} demo --fast --folder demo")


def rehearse() -> None:
    """Do it once with a small world, so that what must be compiled lies in the cache.

    It is long enough for a detector to learn, and has few windows, so that little is published.
    """
    with tempfile.TemporaryDirectory(prefix="mbm-rehearsal-") as folder:
        world = demo_world(datetime.now(UTC), days=48, per_day=8)
        paths = write(world, Path(folder))
        card = paths.card.read_text(encoding="utf-8")
        paths.card.write_text(re.sub("(?m)^windows:.*", _FEW_WINDOWS, card), encoding="utf-8")
        parts = opened(paths.service)
        read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
        evaluated(parts, Close(everything=True, until=world.end), now=datetime.now(UTC))


@contextmanager
def _place(folder: Path | None, keep: bool) -> Iterator[Path]:
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise MonitorError(f"{folder} is not empty; name a new folder")
    place = folder or Path(tempfile.mkdtemp(prefix="mbm-demo-"))
    try:
        yield place
    finally:
        if folder is None and not keep:
            shutil.rmtree(place, ignore_errors=True)
        else:
            say(f"Kept in {place}; look further with: mbm status -c {place}/service.yaml")


@contextmanager
def _rehearsal() -> Iterator[None]:
    """A process that compiles the kernels on another core before they are needed."""
    code = "from monitor.cli.demo import rehearse; rehearse()"
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-c", code], stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _free_address(parts: Opened) -> Opened:
    """The same service on any free port if its own is taken."""
    listen = parts.settings.serve.listen
    if trouble(listen) is None:
        return parts
    serving = parts.settings.serve.model_copy(update={"listen": Address(listen.host, 0)})
    return replace(parts, settings=parts.settings.model_copy(update={"serve": serving}))


@contextmanager
def _served(parts: Opened) -> Iterator[str]:
    """Results under /metrics, in a thread of their own; the address of the pages."""
    stop, is_up = threading.Event(), threading.Event()
    address = ""

    def told(url: str) -> None:
        nonlocal address
        address = f"{url}/"
        say(f"Serving {url}/ for you, {url}/metrics for Prometheus")
        is_up.set()

    def run() -> None:
        try:
            serve(parts.settings, parts.cards, parts.state, stop=stop, told=told)
        finally:
            is_up.set()

    thread = threading.Thread(target=run, name="serve", daemon=True)
    thread.start()
    is_up.wait()
    try:
        yield address
    finally:
        stop.set()
        thread.join()


def _differences(parts: Opened, world: World) -> Sequence[Difference]:
    card = parts.cards[MODEL]
    assert card.reference is not None
    assert card.reference.window is not None
    window = card.reference.window
    span = (seconds_of(window.start), seconds_of(window.end))
    return differences(parts, card, span, world.end, now=datetime.now(UTC))


def _show(parts: Opened, world: World) -> None:
    found = _differences(parts, world)
    clear = [one for one in found if one.times >= CLEAR]
    write_rows(map(_row, clear[:MOST_SHOWN]), COLUMNS, "table", sys.stdout)
    say(
        f"{len(clear)} of {len(found)} numbers lie {CLEAR:g} times their noise or more from the "
        "reference."
    )
    for called in incidents.listing(parts.state, MODEL):
        say(f"Incident {called.id} ({called.tier}): {called.summary}.")
    for incident in world.incidents:
        say(f"Planted on {incident.start.day} {incident.start:%B}: {'; '.join(incident.seen)}.")


def _row(one: Difference) -> dict[str, Any]:
    about = " ".join(filter(None, (one.metric, one.column, one.segment)))
    return {
        "number": f"{about}, version {one.version}",
        "value": f"{one.value:.3g}",
        "95 % interval": _interval(one),
        "reference": f"{one.reference:.3g}",
        "times its noise": round(one.times, 1),
    }


def _interval(one: Difference) -> str:
    if one.lower is None or one.upper is None:
        return "–"
    return f"{one.lower:.3g} to {one.upper:.3g}"
