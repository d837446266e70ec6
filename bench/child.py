"""Work measured in a process of its own."""

import json
import os
import subprocess
import sys
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


def cpu(act: Callable[[], object]) -> float:
    """CPU seconds of all threads while this is done."""
    begin = time.process_time()
    act()
    return time.process_time() - begin
