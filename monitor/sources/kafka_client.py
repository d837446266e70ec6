"""What `KafkaSource` asks of a client library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
class Security:
    """How to reach brokers that don't trust everybody.

    Attributes:
        protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        mechanism: of SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
        ca: certificates to trust; None for the system's.
        certificate: our own certificate, for brokers that ask for one.
        key: its private key.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the brokers are.

    Attributes:
        bootstrap: addresses "host:port,host:port".
        group: consumer group.
        options: further settings, in the words of the client library.
    """

    bootstrap: str
    group: str
    security: Security = Security()
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)


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
