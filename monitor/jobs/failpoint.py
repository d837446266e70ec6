"""Places where tests let a process die, to prove that dying there harms nothing.

`MBM_FAIL_AT=name:count` kills the process, as `kill -9` would, when it reaches the fail point
of that name for that time. Without the variable, which nothing but tests sets, a fail point
does nothing.
"""

import itertools
import os
import signal

_NAME, _, _COUNT = os.environ.get("MBM_FAIL_AT", "").partition(":")
_times = itertools.count(1)


def reach(name: str) -> None:
    """Die here if a test wants it."""
    if name == _NAME and next(_times) == int(_COUNT or 1):
        os.kill(os.getpid(), signal.SIGKILL)
