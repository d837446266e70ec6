"""The end of a child process when its supervisor ends, however it ends."""

import os
import signal
import threading
from collections.abc import Mapping

SUPERVISED = "MBM_SUPERVISED"
"""Set in a supervised child's environment to the seconds it has to stop by itself."""

_STANDARD_INPUT = 0


def end_with_supervisor(environment: Mapping[str, str] = os.environ) -> None:
    """Watch the supervisor, if there is one; once it is gone, stop as on SIGTERM.

    The supervisor holds the other end of standard input and never writes, so that its end is
    the end of this file, even after `kill -9`. A child that does not stop is ended.
    """
    if (grace := environment.get(SUPERVISED)) is None:
        return
    watch = threading.Thread(target=_watch, args=(float(grace),), name="lifeline", daemon=True)
    watch.start()


def _watch(grace: float) -> None:
    while os.read(_STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(grace)
    os._exit(1)
