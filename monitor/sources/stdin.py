"""Standard input as a source: one message per line.

It cannot be read twice, so its partition is named anew in each run, "stdin/<random>": what a
run that was killed had read but not stored is lost, unless the writer writes it again.
"""

import os
import select
import sys
import time
import uuid
from collections.abc import Collection, Mapping
from typing import BinaryIO

from monitor.errors import SourceError
from monitor.events.batch import NOTHING, RawBatch
from monitor.sources.base import Limit, Marks, Standing
from monitor.sources.gathered import Gathered, Run, batch_of
from monitor.sources.lines import LONGEST

READ_BYTES = 1 << 18


class StdinSource:
    """Lines of standard input; fills the role `Source`. Blank lines are no messages."""

    def __init__(self, name: str, file: BinaryIO | None = None) -> None:
        self.name = name
        self.partition = f"stdin/{uuid.uuid4().hex}"
        self._descriptor = (file or sys.stdin.buffer).fileno()
        self._gathered = Gathered()
        self._line = b""
        self._position = 0
        self._handed = NOTHING
        self._has_ended = False

    def start(self, marks: Marks) -> None:
        """Nothing was stored of a partition that is new."""

    def poll(self, limit: Limit, wait: float) -> RawBatch | None:
        until = time.monotonic() + (limit.seconds if self._gathered.rows else wait)
        while not (self._has_ended or self._gathered.is_full(limit)):
            left = until - time.monotonic()
            was_empty = not self._gathered.rows
            if select.select([self._descriptor], [], [], max(left, 0.0))[0]:
                self._read()
            if was_empty and self._gathered.rows:
                until = time.monotonic() + limit.seconds
            elif left <= 0:
                break
        runs = self._gathered.take(limit)
        if not runs:
            return None
        after, self._handed = self._handed, runs[-1][1].offsets[-1]
        return batch_of(self.name, runs, {self.partition: after}, {self.partition: self._handed})

    def rewind(self, marks: Mapping[str, int]) -> None:
        if self.partition in marks:
            raise SourceError(
                f"source {self.name}: standard input cannot be read again; "
                "write it to a file and read that"
            )

    def stored(self, upto: Mapping[str, int]) -> None:
        """Nobody can ask for it again."""

    def standing(self) -> Mapping[str, Standing]:
        return {self.partition: Standing(self._handed + 1, self._position)}

    def partitions(self) -> Collection[str]:
        return self.standing()

    def exhausted(self) -> bool:
        return self._has_ended and not self._gathered.rows

    def close(self) -> None:
        """Standard input stays open for others."""

    def _read(self) -> None:
        data = os.read(self._descriptor, READ_BYTES)
        self._has_ended = not data
        *lines, self._line = (self._line + data).split(b"\n")
        if self._has_ended:
            lines, self._line = [*lines, self._line], b""
        # The decoder refuses such a line; its rest need not be kept to know that.
        self._line = self._line[:LONGEST]
        run = Run([], [], [])
        for line in lines:
            if message := line.rstrip(b"\r"):
                run.values.append(message)
                run.offsets.append(self._position)
                run.times.append(-1)
            self._position += 1
        self._gathered.add(self.partition, run)
