"""Messages gathered until they fill a batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from monitor.events.batch import RawBatch
from monitor.sources.base import Limit


@dataclass(slots=True)
class Run:
    """Messages of one partition in order, n of them; all lists have n items.

    Attributes:
        times: Unix milliseconds, -1 where unknown.
        headers: None when no message has any.
    """

    values: list[bytes | None]
    offsets: list[int]
    times: list[int]
    headers: list[Mapping[str, bytes]] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def split(self, n: int) -> tuple["Run", "Run"]:
        """The first n messages, then the others."""

        def part(cut: slice) -> Run:
            headers = None if self.headers is None else self.headers[cut]
            return Run(self.values[cut], self.offsets[cut], self.times[cut], headers)

        return part(slice(n)), part(slice(n, None))


class Gathered:
    """Runs in the order of their coming, each with the id of its partition.

    Attributes:
        rows: messages in all.
        size: bytes of their values.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.size = 0
        self._runs: list[tuple[str, Run]] = []

    def add(self, partition: str, run: Run) -> None:
        """Take messages in that follow those already here."""
        if len(run):
            self._runs.append((partition, run))
            self.rows += len(run)
            self.size += _size(run)

    def drop(self, partitions: Iterable[str]) -> None:
        """Forget the messages of these partitions."""
        gone = frozenset(partitions)
        self._keep([(name, run) for name, run in self._runs if name not in gone])

    def is_full(self, limit: Limit) -> bool:
        """Whether a batch of that limit could be taken."""
        return self.rows >= limit.rows or self.size >= limit.size

    def partitions(self) -> frozenset[str]:
        """Ids of the partitions that have messages here."""
        return frozenset(name for name, _ in self._runs)

    def take(self, limit: Limit) -> list[tuple[str, Run]]:
        """The first messages, within `limit`, but at least one; the others stay."""
        if self.rows <= limit.rows and self.size <= limit.size:
            taken = self._runs
            self._keep([])
            return taken
        taken, rows, size = [], limit.rows, limit.size
        for i, (name, run) in enumerate(self._runs):
            n = min(rows, _fitting(run, size))
            if n == 0 and not taken:
                n = 1
            first, rest = run.split(n)
            if len(first):
                taken.append((name, first))
                rows, size = rows - n, size - _size(first)
            if len(rest):
                self._keep([(name, rest), *self._runs[i + 1 :]])
                return taken
        self._keep([])
        return taken

    def _keep(self, runs: list[tuple[str, Run]]) -> None:
        self._runs = runs
        self.rows = sum(len(run) for _, run in runs)
        self.size = sum(_size(run) for _, run in runs)


def batch_of(
    source: str,
    runs: Iterable[tuple[str, Run]],
    after: Mapping[str, int],
    upto: Mapping[str, int],
) -> RawBatch:
    """One batch of these messages; `after` and `upto` name its partitions, both the same."""
    runs = list(runs)
    partitions = tuple(sorted(upto))
    index = {name: i for i, name in enumerate(partitions)}
    numbers = np.array([index[name] for name, _ in runs], dtype=np.int32)
    lengths = np.array([len(run) for _, run in runs], dtype=np.int64)
    headers: list[Mapping[str, bytes]] | None = None
    if any(run.headers for _, run in runs):
        headers = []
        for _, run in runs:
            headers += run.headers or [{}] * len(run)
    return RawBatch(
        source=source,
        values=[value for _, run in runs for value in run.values],
        headers=headers,
        partitions=partitions,
        partition=np.repeat(numbers, lengths),
        offsets=np.array([o for _, run in runs for o in run.offsets], dtype=np.int64),
        broker_ms=np.array([t for _, run in runs for t in run.times], dtype=np.int64),
        after=dict(after),
        upto=dict(upto),
    )


def _size(run: Run) -> int:
    return sum(map(len, filter(None, run.values)))


def _fitting(run: Run, size: int) -> int:
    """How many of the first messages have at most `size` bytes together."""
    totals = accumulate(len(value or b"") for value in run.values)
    return sum(1 for total in totals if total <= size)
