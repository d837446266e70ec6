"""Work measured in a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of a child.

    Attributes:
        told: what it printed.
        cpu: user and system seconds of the whole process, start and imports included.
    """

    told: dict[str, Any]
    cpu: float


def measured(module: str, **order: object) -> Measured:
    """What `module` tells, run alone as a program with this order.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", module, json.dumps(order)]
    # Without its cache of bytecode Python would compile every library again.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    printed = process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"python -m {module} failed with {process.returncode}")
    return Measured(json.loads(printed.splitlines()[-1]), used.ru_utime + used.ru_stime)


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        """Nothing for any module but pandas, which it refuses."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def answer(act: Callable[..., dict[str, Any]], *, needs_pandas: bool = False) -> None:
    """Do what the parent ordered, and tell it the result with the most memory used [MB]."""
    if not needs_pandas:
        # The service is installed without pandas; where pyarrow finds it, it loads it.
        sys.meta_path.insert(0, _WithoutPandas())
    told = act(**json.loads(sys.argv[1]))
    print(json.dumps({**told, "peak": memory("VmHWM")}))


def memory(line: str = "VmRSS", process: str = "self") -> float:
    """Resident memory of this process or another now, or at most with `VmHWM` [MB].

    The kernel's `ru_maxrss` would count what the parent held when it started this process.
    """
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(x.split()[1]) for x in text.splitlines() if x.startswith(line)) / 1024


class Watch(threading.Thread):
    """Looks now and then how much memory Evidently's process has taken at most.

    The kernel's own account of an ended process would count what its parent held at its start.

    Args:
        parent: process that starts it.

    Attributes:
        most: resident [MB].
        limit: of its data, as it was set [MB].
        cpu: seconds of all that were seen.
    """

    def __init__(self, parent: int) -> None:
        super().__init__(daemon=True)
        self.most = self.limit = 0.0
        self._parent = parent
        self._used: dict[str, float] = {}
        self._ends = threading.Event()
        self.start()

    @property
    def cpu(self) -> float:
        return sum(self._used.values())

    def end(self) -> None:
        """Look no more."""
        self._ends.set()
        self.join()

    def run(self) -> None:
        while not self._ends.wait(0.1):
            for children in Path(f"/proc/{self._parent}/task").glob("*/children"):
                for child in children.read_text().split():
                    with contextlib.suppress(OSError, StopIteration):
                        self._look(child)

    def _look(self, child: str) -> None:
        place = Path("/proc") / child
        if b"evidently_worker" in (place / "cmdline").read_bytes():
            self.most = max(self.most, memory("VmHWM", child))
            self._used[child] = used(child)
            limits = (place / "limits").read_text().splitlines()
            data = next(line.split()[3] for line in limits if line.startswith("Max data size"))
            if data.isdecimal():
                self.limit = max(self.limit, int(data) / 2**20)


def used(process: int | str) -> float:
    """User and system seconds of a process so far, without its children."""
    # Its name, in brackets, may hold blanks.
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def cpu(act: Callable[[], object]) -> float:
    """CPU seconds of all threads while this is done."""
    begin = time.process_time()
    act()
    return time.process_time() - begin
