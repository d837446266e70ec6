"""An end to a conversation over a socket, however slowly the other side talks."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def deadline(seconds: float, connected: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Whoever waits for the socket inside gets an OSError once this much time has passed.

    Time limits of sockets are for each answer, and begin anew with every byte.

    Args:
        seconds: for all that is said inside.
        connected: the socket that is talked over by then, None for none.
    """

    def end() -> None:
        if (open_one := connected()) is not None:
            with suppress(OSError):
                # Sockets of TLS have a method that takes their keys from under the reader.
                socket.socket.shutdown(open_one, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
