"""Child processes kept alive together and stopped together."""

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Final

from monitor.errors import AddressError, ConfigurationError
from monitor.jobs.lifeline import SUPERVISED

MOST_TAKEN: Final = 10
"""Starts in a row, with some five minutes between, that a child may find its address taken."""

_POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Command:
    """A child to keep alive.

    Attributes:
        name: under which it stands in the log.
        arguments: program and arguments; it calls `end_with_supervisor` when it starts.
    """

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a child that ended is started again [seconds].

    Attributes:
        first: after it ended once; doubled each time.
        most: never longer than this.
        steady: a child that lived this long begins anew with `first`.
    """

    first: float = 1.0
    most: float = 60.0
    steady: float = 60.0

    def delay(self, failures: int) -> float:
        """The wait after this many ends in a row, at least 1.

        >>> [Backoff().delay(n) for n in (1, 2, 3, 7, 5000)]
        [1.0, 2.0, 4.0, 60.0, 60.0]
        """
        return min(self.most, self.first * 2.0 ** min(failures - 1, 30))


@dataclass(slots=True)
class _Child:
    """One command's process as it comes and goes."""

    command: Command
    grace: float
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    starts: int = 0
    failures: int = 0
    due: float = 0.0

    def start(self) -> None:
        # A session of its own: Ctrl-C in a terminal reaches the supervisor alone, which then
        # stops the children in order, with whatever they have started.
        self.process = subprocess.Popen(
            self.command.arguments,
            stdin=subprocess.PIPE,
            env={**os.environ, SUPERVISED: str(self.grace)},
            start_new_session=True,
        )
        self.started = time.monotonic()
        self.starts += 1
        _log.info("%s runs as process %d", self.command.name, self.process.pid)

    def ended(self, backoff: Backoff) -> int | None:
        """The exit code of a process that has just ended, after which a restart is due."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        lived = time.monotonic() - self.started
        self.failures = 1 if lived >= backoff.steady else self.failures + 1
        delay = backoff.delay(self.failures)
        self.due = time.monotonic() + delay
        self.release()
        _log.warning(
            "%s ended with %s after %.1f s; %s",
            self.command.name,
            f"exit code {code}" if code >= 0 else signal.Signals(-code).name,
            lived,
            "see its message above; all stop"
            if self.is_hopeless(code)
            else f"it starts again in {delay:.1f} s",
        )
        return code

    def is_hopeless(self, code: int) -> bool:
        """Whether starting it again, after an end with this exit code, cannot help."""
        if code == AddressError.exit_code:
            # Later its address may be that of one who is about to go.
            return self.starts == 1 or self.failures >= MOST_TAKEN
        return code == ConfigurationError.exit_code

    def release(self) -> None:
        """Let go of a process that has ended, with what it may have left behind."""
        assert self.process is not None
        self.signal_group(signal.SIGKILL)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process = None

    def signal_group(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


def supervise(
    commands: Sequence[Command],
    *,
    grace: float = 30.0,
    backoff: Backoff = Backoff(),
    stop: threading.Event | None = None,
) -> int:
    """The exit code of the whole, once it was told to stop.

    Starts every command and starts again what ends, ever more slowly. SIGTERM or
    SIGINT, taken over when called in the main thread, ends all children with SIGTERM, and
    after `grace` with SIGKILL; a second signal does not wait.

    Args:
        commands: what to run.
        grace: seconds that children have to stop.
        backoff: waits before a restart.
        stop: set by a caller to stop, as a signal does.

    Returns:
        0 if all children stopped in time, 1 if one had to be killed, the exit code of a child
        that it is hopeless to start again, which stops the others: its configuration is wrong,
        or its address was taken at its first start, or `MOST_TAKEN` times in a row.
    """
    stop = stop or threading.Event()
    hurry = threading.Event()
    children = [_Child(command, grace) for command in commands]
    with _signals(stop, hurry):
        try:
            while not stop.is_set():
                for child in children:
                    code = child.ended(backoff)
                    if code is not None and child.is_hopeless(code):
                        _stop(children, grace, hurry)
                        return code
                    if child.process is None and time.monotonic() >= child.due:
                        child.start()
                stop.wait(_POLL_SECONDS)
            return 0 if _stop(children, grace, hurry) else 1
        finally:
            _stop(children, 0.0, hurry)


def _stop(children: Sequence[_Child], grace: float, hurry: threading.Event) -> bool:
    """Whether all children that ran stopped in time; in any case they are gone."""
    running = [child for child in children if child.process is not None]
    for child in running:
        child.signal_group(signal.SIGTERM)
    deadline = time.monotonic() + grace
    late = list(running)
    while late := [child for child in late if child.process and child.process.poll() is None]:
        if time.monotonic() >= deadline or hurry.is_set():
            break
        hurry.wait(_POLL_SECONDS)
    for child in late:
        _log.error("%s did not stop within %.0f s and is killed", child.command.name, grace)
    for child in running:
        child.signal_group(signal.SIGKILL)
        assert child.process is not None
        child.process.wait()
        child.release()
    return not late


@contextlib.contextmanager
def _signals(stop: threading.Event, hurry: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, a second one `hurry`; only a main thread may ask this."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        (hurry if stop.is_set() else stop).set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
