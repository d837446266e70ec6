"""What a command says while it works: progress on a terminal, plain lines elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from monitor.render.plain import printable
from monitor.told import Told

LINE_SECONDS = 5.0
"""How often a plain line is written at most."""


def say(text: str, *, err: bool = False) -> None:
    """Write a line for people, `printable`: names in it are of events and other people."""
    click.echo(printable(text), err=err)


def log_to_stderr() -> None:
    """Write the program's log, as a service should, to standard error."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)
    for loud in ("kafka", "alembic"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    # It warns of every look that is skipped because the one before still goes on.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


@contextmanager
def progress(of: str = "of these windows built") -> Iterator[Told]:
    """A function that shows how far a piece of work has come, on standard error.

    Args:
        of: what follows the share in a plain line.
    """
    if not sys.stderr.isatty():
        yield _Lines(of)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:

        def told(name: str, done: int, whole: int) -> None:
            if name not in bars:
                bars[name] = shown.add_task(printable(name), total=None)
            shown.update(bars[name], completed=done, total=whole or None)

        yield told


@contextmanager
def counting(text: Callable[[], str], seconds: float = LINE_SECONDS) -> Iterator[None]:
    """Say `text()` now and then, where it has changed, while the work of the block goes on."""
    done = threading.Event()

    def follow() -> None:
        said = text()
        while not done.wait(seconds):
            if (now := text()) != said:
                said = now
                say(said, err=True)

    thread = threading.Thread(target=follow, name="counting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Lines:
    """Plain lines, at most one every `LINE_SECONDS`."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._said = time.monotonic()

    def __call__(self, name: str, done: int, whole: int) -> None:
        if time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            come = f"{100 * done // whole} % {self._of}" if whole else f"{done:,}"
            say(f"{name}: {come}", err=True)
