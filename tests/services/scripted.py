"""A source whose messages are a list: for tests of what reads sources."""

from collections.abc import Collection, Mapping, Sequence

from monitor.events.batch import RawBatch
from monitor.sources.base import Limit, Marks, Standing
from monitor.sources.gathered import Run, batch_of


class ScriptedSource:
    """Gives all it has of its partitions, at most `limit.rows` of each a batch.

    Attributes:
        messages: per partition id its messages; offsets count from 0.
        owned: partitions that it reads.
        rewound: what it was told to go back to.
        told: what it was told is stored.
    """

    def __init__(self, name: str, messages: Mapping[str, Sequence[bytes | None]]) -> None:
        self.name = name
        self.messages = {partition: list(values) for partition, values in messages.items()}
        self.owned = set(messages)
        self.rewound: list[dict[str, int]] = []
        self.told: dict[str, int] = {}
        self.is_closed = False
        self._handed: dict[str, int] = {}

    def start(self, marks: Marks) -> None:
        self._handed = dict(marks(sorted(self.messages)))

    def poll(self, limit: Limit, wait: float) -> RawBatch | None:
        runs, after, upto = [], {}, {}
        for name in sorted(self.owned):
            begin = self._handed[name] + 1
            values = self.messages[name][begin : begin + limit.rows]
            if values:
                offsets = list(range(begin, begin + len(values)))
                runs.append((name, Run(values, offsets, [1_769_731_199_000] * len(values))))
                after[name], upto[name] = begin - 1, offsets[-1]
                self._handed[name] = offsets[-1]
        return batch_of(self.name, runs, after, upto) if runs else None

    def rewind(self, marks: Mapping[str, int]) -> None:
        self.rewound.append(dict(marks))
        self._handed |= {name: mark for name, mark in marks.items() if name in self.owned}

    def stored(self, upto: Mapping[str, int]) -> None:
        self.told |= upto

    def standing(self) -> Mapping[str, Standing]:
        return {
            name: Standing(self._handed[name] + 1, len(self.messages[name])) for name in self.owned
        }

    def partitions(self) -> Collection[str]:
        return self.standing()

    def exhausted(self) -> bool:
        return all(s.position == s.end for s in self.standing().values())

    def close(self) -> None:
        self.is_closed = True
