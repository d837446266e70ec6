"""The role that every source fills: batches of raw messages with their positions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.events.batch import RawBatch

Marks = Callable[[Sequence[str]], Mapping[str, int]]
"""The last stored position of each of these partitions, `NOTHING` where there is none."""


@dataclass(frozen=True, slots=True)
class Limit:
    """When a batch is full, whichever comes first.

    Attributes:
        rows: messages.
        size: bytes of all values.
        seconds: time since the first message of the batch.
    """

    rows: int = 50_000
    size: int = 64 << 20
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a source stands in one partition.

    Attributes:
        position: offset that would be read next.
        end: offset that the next new message will get.
    """

    position: int
    end: int


class Source(Protocol):
    """Reads messages in order, starting after the log's own mark, never after its own.

    A source keeps at most one batch of messages in memory.
    """

    name: str

    def start(self, marks: Marks) -> None:
        """Begin; `marks` is asked whenever a partition comes to this source."""
        ...

    def poll(self, limit: Limit, wait: float) -> RawBatch | None:
        """The next messages, or None if none came within `wait` seconds.

        Partitions that are taken away while a batch is gathered are not in it.

        Raises:
            OffsetGoneError: the next message that the log needs is no longer there.
            SourceError: the source cannot be read.
        """
        ...

    def rewind(self, marks: Mapping[str, int]) -> None:
        """Drop what is buffered of these partitions; those still ours go on after the mark."""
        ...

    def stored(self, upto: Mapping[str, int]) -> None:
        """Tell others, where they may care (Kafka's group offsets), that this is stored."""
        ...

    def standing(self) -> Mapping[str, Standing]:
        """Where the partitions of this source stand; a view of the last poll, no request."""
        ...

    def partitions(self) -> Collection[str]:
        """Every partition that the source has now, whichever reader has it; no request."""
        ...

    def exhausted(self) -> bool:
        """Whether everything that was there at the last poll has been handed out."""
        ...

    def close(self) -> None:
        """Let go; may be called twice."""
        ...
