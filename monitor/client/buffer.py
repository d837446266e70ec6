"""Messages between the serving path and the network: bounded, and never waited for."""

import logging
import os
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final, Protocol

Message = tuple[bytes, bytes]
"""Key and value."""

BATCH: Final = 1_000
"""Messages that are handed over together."""

LONGEST_PAUSE: Final = 5.0
"""Between two tries while nobody takes the messages [s]."""

SAID_AGAIN: Final = 60.0
"""After which time the same trouble is told in the log again [s]."""

_log = logging.getLogger("monitor.client")


class Sink(Protocol):
    """Where messages go. Used by one thread; made, too, in that thread."""

    def send(self, batch: Sequence[Message]) -> int:
        """How many of these will never be taken; the others are safe when this returns.

        Raises:
            Exception: none of them may be counted as safe; they are sent again.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Buffer:
    """Keeps messages until a thread of its own has handed them over.

    `put` takes microseconds whatever the network does. What does not fit is dropped, the newest
    first, and counted. A process that was forked begins with an empty buffer and a thread of its
    own; its parent sends what was there.
    """

    def __init__(self, sink: Callable[[], Sink], most: int, most_bytes: int) -> None:
        """An empty buffer; its thread begins with the first message.

        Args:
            sink: makes the sink; called again after a failure.
            most: messages that are kept.
            most_bytes: their total size [bytes].
        """
        self._make, self._most, self._most_bytes = sink, most, most_bytes
        self._counts: Counter[str] = Counter()
        self._begin()
        os.register_at_fork(after_in_child=partial(_begin_anew, weakref.ref(self)))

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._is_closing = False
        self._give_up_at = float("inf")
        self._thread: threading.Thread | None = None
        self._said: dict[str, float] = {}

    def put(self, key: bytes, value: bytes) -> None:
        """Take a message, or drop and count it."""
        size = len(key) + len(value)
        with self._filled:
            if self._is_closing:
                self._drop("closed", 1)
            elif len(self._messages) >= self._most or self._bytes + size > self._most_bytes:
                self._drop("full", 1)
            else:
                self._messages.append((key, value))
                self._bytes += size
                self._counts["accepted"] += 1
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._work, name="monitor-client", daemon=True
                    )
                    self._thread.start()
                self._filled.notify()

    def refuse(self, why: str) -> None:
        """Count a message that could not be made."""
        with self._lock:
            self._drop("invalid", 1, why)

    def counts(self) -> Mapping[str, int]:
        """Messages so far: accepted, sent, waiting, and dropped by reason ("dropped_full")."""
        with self._lock:
            return {"accepted": 0, "sent": 0, **self._counts, "waiting": len(self._messages)}

    def flush(self, timeout: float) -> bool:
        """Whether everything that was put is handed over within this time [s]."""
        until = time.monotonic() + timeout
        with self._filled:
            while self._messages:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._filled.wait(left)
        return True

    def close(self, timeout: float) -> bool:
        """Whether everything was handed over within this time [s]; what was not is counted."""
        with self._filled:
            self._is_closing = True
            self._give_up_at = time.monotonic() + timeout
            self._filled.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        with self._lock:
            left = len(self._messages)
            if left:
                self._drop("unsent", left)
                self._messages.clear()
                self._bytes = 0
        return not left

    def _drop(self, reason: str, count: int, why: str = "") -> None:
        """Count what is lost, and say so once in a while; the lock is held."""
        self._counts[f"dropped_{reason}"] += count
        self._say(reason, f"{count} events dropped, {reason}; {why}".rstrip("; "))

    def _say(self, about: str, text: str) -> None:
        now = time.monotonic()
        if now - self._said.get(about, -SAID_AGAIN) >= SAID_AGAIN:
            self._said[about] = now
            _log.warning("%s", text)

    def _work(self) -> None:
        sink: Sink | None = None
        pause = 0.1
        while batch := self._next():
            try:
                sink = sink or self._make()
                refused = sink.send(batch)
            except Exception as error:  # noqa: BLE001 - nothing may end this thread
                with self._lock:
                    self._say("failing", f"events are not taken and wait: {error}")
                _close(sink)
                sink = None
                if not self._rest(pause):
                    break
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = 0.1
            self._done(batch, refused)
        _close(sink)

    def _next(self) -> Sequence[Message]:
        """The oldest messages, which stay in line until they are sent; none at the end."""
        with self._filled:
            while not self._messages:
                if self._is_closing:
                    return ()
                self._filled.wait()
            return list(islice(self._messages, BATCH))

    def _done(self, batch: Sequence[Message], refused: int) -> None:
        with self._filled:
            if not self._messages:
                return  # Closing took too long, and has counted them as unsent.
            for key, value in batch:
                self._messages.popleft()
                self._bytes -= len(key) + len(value)
            self._counts["sent"] += len(batch) - refused
            if refused:
                self._drop("refused", refused, "the brokers will never take them")
            self._filled.notify_all()

    def _rest(self, seconds: float) -> bool:
        """Whether to try again after a pause; no more once closing has taken its time."""
        with self._filled:
            until = min(time.monotonic() + seconds, self._give_up_at)
            while (left := until - time.monotonic()) > 0:
                self._filled.wait(left)
                until = min(until, self._give_up_at)
            return time.monotonic() < self._give_up_at


def _begin_anew(buffer: "weakref.ref[Buffer]") -> None:
    # The thread and whoever held the lock stayed with the parent.
    found = buffer()
    if found is not None:
        found._begin()  # noqa: SLF001 - of this file


def _close(sink: Sink | None) -> None:
    if sink is not None:
        try:
            sink.close()
        except Exception as error:  # noqa: BLE001 - it is thrown away anyhow
            _log.debug("closing failed: %s", error)
