"""Child processes: started again when they end, all gone when the supervisor is."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from monitor.errors import AddressError, ConfigurationError
from monitor.jobs.supervise import MOST_TAKEN, Backoff, Command, supervise

QUICK = Backoff(first=0.01, most=0.02)
WAIT_SECONDS = 20.0
ROOT = Path(__file__).parents[2]

LIVES = "import time; time.sleep(600)"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
WATCHES = "from monitor.jobs.lifeline import end_with_supervisor; end_with_supervisor()"


def child(name: str, folder: Path, then: str = LIVES, before: str = "") -> Command:
    """Appends its process id to a file once `before` is done, then goes on."""
    ready = f"import os; open({str(folder / name)!r}, 'a').write(f'{{os.getpid()}}\\n')"
    return Command(name, (sys.executable, "-c", f"{before}\n{ready}\n{then}"))


def pids(folder: Path, name: str) -> list[int]:
    path = folder / name
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class Running:
    """A supervisor in a thread of the test."""

    def __init__(self, *commands: Command, grace: float = WAIT_SECONDS) -> None:
        self.stop = threading.Event()
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(commands, grace), daemon=True)
        self._thread.start()

    def _run(self, commands: tuple[Command, ...], grace: float) -> None:
        self.code = supervise(commands, grace=grace, backoff=QUICK, stop=self.stop)

    def end(self) -> int | None:
        self.stop.set()
        self._thread.join(WAIT_SECONDS)
        return self.code


def test_stopping_ends_every_child_and_returns_zero(tmp_path: Path) -> None:
    running = Running(child("a", tmp_path), child("b", tmp_path))
    until(lambda: pids(tmp_path, "a") and pids(tmp_path, "b"))
    assert running.end() == 0
    assert not any(map(is_alive, pids(tmp_path, "a") + pids(tmp_path, "b")))


def test_a_child_that_dies_is_started_again_and_the_others_live_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    running = Running(child("dies", tmp_path, "raise SystemExit(4)"), child("lives", tmp_path))
    until(lambda: len(pids(tmp_path, "dies")) >= 3 and pids(tmp_path, "lives"))
    assert running.end() == 0
    assert len(pids(tmp_path, "lives")) == 1
    assert any("dies ended with exit code 4" in message for message in caplog.messages)


def test_a_killed_child_is_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    running = Running(child("a", tmp_path))
    until(lambda: pids(tmp_path, "a"))
    os.kill(pids(tmp_path, "a")[0], signal.SIGKILL)
    until(lambda: len(pids(tmp_path, "a")) == 2)
    assert running.end() == 0
    assert any("a ended with SIGKILL" in message for message in caplog.messages)


def test_a_child_that_does_not_stop_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    running = Running(child("a", tmp_path, before=IGNORES), grace=0.2)
    until(lambda: pids(tmp_path, "a"))
    assert running.end() == 1
    assert not is_alive(pids(tmp_path, "a")[0])


def test_what_a_child_has_started_ends_with_it(tmp_path: Path) -> None:
    inner = child("inner", tmp_path, before=IGNORES).arguments
    running = Running(child("outer", tmp_path, f"import subprocess; subprocess.run({inner!r})"))
    until(lambda: pids(tmp_path, "inner"))
    assert running.end() == 0
    until(lambda: not is_alive(pids(tmp_path, "inner")[0]))


def test_a_wrong_configuration_stops_all(tmp_path: Path) -> None:
    code = ConfigurationError.exit_code
    commands = [child("lives", tmp_path), child("wrong", tmp_path, f"raise SystemExit({code})")]
    assert supervise(commands, backoff=QUICK) == code
    assert not any(map(is_alive, pids(tmp_path, "lives")))


TAKEN = AddressError.exit_code


def test_an_address_taken_at_the_start_stops_all(tmp_path: Path) -> None:
    commands = [child("lives", tmp_path), child("taken", tmp_path, f"raise SystemExit({TAKEN})")]
    assert supervise(commands, backoff=QUICK) == TAKEN
    assert len(pids(tmp_path, "taken")) == 1
    assert not any(map(is_alive, pids(tmp_path, "lives")))


def test_an_address_taken_after_a_crash_is_tried_a_bounded_while(tmp_path: Path) -> None:
    file = str(tmp_path / "late")
    crashes_once = f"raise SystemExit(1 if len(open({file!r}).readlines()) == 1 else {TAKEN})"
    assert supervise([child("late", tmp_path, crashes_once)], backoff=QUICK) == TAKEN
    assert len(pids(tmp_path, "late")) == MOST_TAKEN


def test_waits_before_a_restart_grow_and_are_bounded() -> None:
    backoff = Backoff(first=0.5, most=10.0)
    delays = [backoff.delay(failures) for failures in range(1, 100)]
    assert delays == sorted(delays)
    assert (delays[0], delays[1], delays[-1]) == (0.5, 1.0, 10.0)


def supervisor(folder: Path, grace: float, before: str = "") -> subprocess.Popen[bytes]:
    """A supervisor in a process of its own, with one child that is ready."""
    script = (
        "import sys\n"
        "from monitor.jobs.supervise import Command, supervise\n"
        f"sys.exit(supervise([{child('a', folder, before=before)!r}], grace={grace}))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    until(lambda: pids(folder, "a"))
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_whole(tmp_path: Path, number: signal.Signals) -> None:
    process = supervisor(tmp_path, WAIT_SECONDS)
    process.send_signal(number)
    assert process.wait(WAIT_SECONDS) == 0
    assert not is_alive(pids(tmp_path, "a")[0])


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    process = supervisor(tmp_path, 600, IGNORES)
    # Two of one kind could become one on their way.
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT_SECONDS) == 1
    assert not is_alive(pids(tmp_path, "a")[0])


@pytest.mark.parametrize(("grace", "before"), [(600, WATCHES), (0.1, f"{WATCHES}\n{IGNORES}")])
def test_no_orphan_is_left_when_the_supervisor_is_killed(
    tmp_path: Path, grace: float, before: str
) -> None:
    process = supervisor(tmp_path, grace, before)
    process.kill()
    process.wait()
    until(lambda: not is_alive(pids(tmp_path, "a")[0]))
