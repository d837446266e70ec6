"""A log that is a dict: what a source asks of the real one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.events.batch import NOTHING, RawBatch
from monitor.sources.base import Limit, Source


@dataclass
class FakeLog:
    """Keeps messages by partition id, and refuses a batch that starts elsewhere."""

    positions: dict[str, int] = field(default_factory=dict)
    messages: dict[str, list[tuple[int, bytes | None]]] = field(default_factory=dict)

    def marks(self, partitions: Sequence[str]) -> Mapping[str, int]:
        return {name: self.positions.get(name, NOTHING) for name in partitions}

    def append(self, batch: RawBatch) -> None:
        """Store a batch.

        Raises:
            AssertionError: it starts elsewhere than the mark, or its offsets don't ascend.
        """
        assert dict(batch.after) == self.marks(list(batch.after))
        for number, offset, value in zip(batch.partition, batch.offsets, batch.values, strict=True):
            name = batch.partitions[number]
            stored = self.messages.setdefault(name, [])
            last = stored[-1][0] if stored else NOTHING
            assert max(last, batch.after[name]) < offset <= batch.upto[name]
            stored.append((int(offset), value))
        self.positions |= batch.upto

    def values(self) -> list[bytes | None]:
        """Values of all messages, partition by partition."""
        return [value for name in sorted(self.messages) for _, value in self.messages[name]]


def drain(source: Source, log: FakeLog, limit: Limit, wait: float = 0.3) -> list[RawBatch]:
    """Store all that a source holds; the batches."""
    batches = []
    while True:
        batch = source.poll(limit, wait)
        if batch is not None:
            log.append(batch)
            source.stored(batch.upto)
            batches.append(batch)
        elif source.exhausted():
            return batches
