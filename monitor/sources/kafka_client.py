"""What `KafkaSource` asks of a client library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.sources.gathered import Run

Place = tuple[str, int]
"""Topic and number of a partition."""

PREFETCH_BYTES = 32 << 20
"""What a client may fetch ahead; without a bound, lag turns into memory."""

REFRESH_SECONDS = 60
"""After which time at most a topic's new partitions are noticed."""

TIMEOUT_SECONDS = 10.0
"""How long one request may take before the source gives up."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the brokers describe it.

    Attributes:
        id: as Kafka's own tools print it; a topic made anew under its old name has another.
        partitions: how many it has.
    """

    id: str
    partitions: int


class Owner(Protocol):
    """Whom a client tells about partitions; called inside `Client.fetch` and `Client.close`."""

    def arrived(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """Offsets to begin at in partitions that are ours from now on."""
        ...

    def left(self, places: Sequence[Place]) -> None:
        """These are ours no more."""
        ...


class Client(Protocol):
    """A member of a consumer group; any method may raise SourceError."""

    def cluster(self) -> str:
        """Id of the cluster."""
        ...

    def topics(self, names: Sequence[str]) -> Mapping[str, Topic]:
        """Those of these topics that are there."""
        ...

    def bounds(self, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        """First offset still held, and the one after the last that may be read now."""
        ...

    def subscribe(self, topics: Sequence[str], owner: Owner) -> None:
        """Join the group."""
        ...

    def fetch(self, rows: int, wait: float) -> list[tuple[Place, Run]]:
        """At most `rows` messages, as soon as there is one, of partitions that arrived.

        Raises:
            OffsetGoneError: what was to be read next is no longer there.
        """
        ...

    def seek(self, offsets: Mapping[Place, int]) -> None:
        """Drop what is fetched of these partitions of ours; go on there."""
        ...

    def position(self, place: Place) -> int:
        """Offset after all that `fetch` gave or passed over, such as transaction markers."""
        ...

    def end(self, place: Place) -> int:
        """Offset of the next new message as last heard, no request; -1 if unknown."""
        ...

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Tell the group where its next reader would begin; nobody waits for an answer."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...
