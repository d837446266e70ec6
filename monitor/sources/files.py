"""Files as a source: one, or a folder of them, JSON lines (.jsonl, also .gz) and Parquet.

A file is a partition named "file/<source>/<path below the folder>", read from its first line
or row to its last, files in the order of their names. Files may only grow: new content needs
a new name. One that was read may be taken away. Gzipped and Parquet files don't grow at all;
once such a file was read to its end, its mark is `FINISHED`, so that a restart need not open it
again.
"""

import fnmatch
import logging
import time
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from monitor.errors import OffsetGoneError, SourceError
from monitor.events.batch import RawBatch
from monitor.settings.sources import Files
from monitor.sources.base import Limit, Marks, Standing
from monitor.sources.gathered import Gathered, Run, batch_of
from monitor.sources.lines import LineReader
from monitor.sources.parquet import ParquetReader

logger = logging.getLogger(__name__)

ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".parquet")
"""What is taken from a folder; a file named by itself may end otherwise."""

TABLES = (".csv", ".tsv", ".xls", ".xlsx")
"""What is told at once, instead of line by line in quarantine."""

FINISHED = 1 << 62
"""Mark of a file that can't grow and was read to its end."""

MOST_OPEN = 64
"""Growing files that are kept open; others are read from their start when they grow."""

LOOK_SECONDS = 1.0
"""How often a source that follows looks for more."""


class Reader(Protocol):
    """Reads one file from a position on."""

    position: int
    is_at_end: bool

    def read(self, rows: int, size: int) -> Run:
        """The next messages: at most `rows`, and no more once `size` bytes are reached."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


@dataclass(slots=True)
class _File:
    """One file.

    Attributes:
        handed: mark that holds once all that was handed out is stored.
        position: offset that is read next.
        done: (bytes, time of change) of the file when it was last read as far as it goes; None
            while there is something to read.
        trouble: why it could not be read further.
    """

    path: Path
    handed: int
    position: int
    done: tuple[int, int] | None = None
    reader: Reader | None = None
    trouble: SourceError | None = None

    def can_grow(self) -> bool:
        return self.path.suffix not in (".gz", ".parquet")

    def mark(self) -> int:
        """What holds once all that was read is stored."""
        if self.done and not self.trouble and not self.can_grow():
            return FINISHED
        return self.position - 1

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None


class FilesSource:
    """Messages of files; fills the role `Source`.

    A damaged file holds nobody up: its good part and the other files are read first. Then the
    source raises what is wrong, or, if it follows, waits for the file to be replaced, since a
    file that is still being copied looks the same.
    """

    def __init__(self, name: str, settings: Files) -> None:
        self.name = name
        self._settings = settings
        self._files: dict[str, _File] = {}
        self._gathered = Gathered()
        self._looked = float("-inf")

    def start(self, marks: Marks) -> None:
        self._marks = marks
        if not self._settings.path.exists():
            raise SourceError(f"source {self.name}: there is no {self._settings.path}")
        if self._settings.path.suffix.lower() in TABLES:
            raise SourceError(
                f"source {self.name}: {self._settings.path} is read as neither JSON lines nor "
                "Parquet; write it as one of them"
            )
        self._look()
        if not self._files and not self._settings.follow:
            raise SourceError(
                f"source {self.name}: {self._settings.path} holds no file that matches "
                f"{self._settings.pattern!r} and ends in {', '.join(ENDINGS)}"
            )

    def poll(self, limit: Limit, wait: float) -> RawBatch | None:
        until = time.monotonic() + wait
        while True:
            self._gather(limit)
            if (batch := self._batch(limit)) is not None:
                return batch
            if not self._settings.follow:
                self._raise_trouble()
                return None
            left = until - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(left, max(0.0, self._looked + LOOK_SECONDS - time.monotonic())))
            self._look()

    def rewind(self, marks: Mapping[str, int]) -> None:
        self._gathered.drop(marks)
        for name, mark in marks.items():
            if (file := self._files.get(name)) is not None:
                file.close()
                file.handed, file.position, file.trouble = mark, mark + 1, None
                file.done = _state(file.path) if mark == FINISHED else None

    def stored(self, upto: Mapping[str, int]) -> None:
        """Nobody else asks for positions in files."""

    def standing(self) -> Mapping[str, Standing]:
        standings = {}
        for name, file in self._files.items():
            position = file.handed + 1
            is_read = file.done is not None and name not in self._gathered.partitions()
            # How much more an unread file holds is not known before it is read.
            standings[name] = Standing(position, position if is_read else position + 1)
        return standings

    def partitions(self) -> Collection[str]:
        return self.standing()

    def exhausted(self) -> bool:
        return not self._gathered.rows and all(
            file.done is not None for file in self._files.values()
        )

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def _look(self) -> None:
        """Find new files, and known ones that have changed."""
        self._looked = time.monotonic()
        found = {f"file/{self.name}/{relative}": path for relative, path in self._paths()}
        new = sorted(set(found) - set(self._files))
        for name, mark in self._marks(new).items():
            done = _state(found[name]) if mark == FINISHED else None
            self._files[name] = _File(found[name], mark, mark + 1, done)
        self._forget(set(self._files) - set(found))
        self._files = dict(sorted(self._files.items()))
        for file in self._files.values():
            if file.done is None or not (file.can_grow() or file.trouble):
                continue
            now = _state(file.path)
            if file.can_grow() and now[0] < file.done[0]:
                raise OffsetGoneError(
                    f"{file.path} became shorter; files may only grow: restore it, "
                    "or give new content a new name"
                )
            if now != file.done:
                file.done, file.trouble = None, None

    def _forget(self, gone: AbstractSet[str]) -> None:
        """Let go of files that were taken away after they had been read to their end."""
        for name in gone - self._gathered.partitions():
            if self._files[name].done is not None:
                self._files.pop(name).close()

    def _paths(self) -> list[tuple[str, Path]]:
        root = self._settings.path
        if not root.is_dir():
            return [(_text(root.name), root)]
        found = [(path.relative_to(root), path) for path in root.rglob("*")]
        return [
            (_text(relative.as_posix()), path)
            for relative, path in found
            if path.name.endswith(ENDINGS)
            and not any(part.startswith((".", "_")) for part in relative.parts)
            and fnmatch.fnmatch(relative.as_posix(), self._settings.pattern)
            and path.is_file()
        ]

    def _gather(self, limit: Limit) -> None:
        for name, file in self._files.items():
            while file.done is None:
                rows, size = limit.rows - self._gathered.rows, limit.size - self._gathered.size
                if rows <= 0 or size <= 0:
                    return
                # Taken before reading: what is written meanwhile is a change to be seen.
                state = _state(file.path)
                try:
                    reader = file.reader = file.reader or self._opened(file)
                    self._gathered.add(name, reader.read(rows, size))
                except SourceError as error:
                    logger.warning("source %s: %s", self.name, error)
                    file.trouble, file.done = error, state
                    file.close()
                    break
                file.position = reader.position
                if reader.is_at_end:
                    file.done = state
                    if not (self._settings.follow and file.can_grow() and self._has_room()):
                        file.close()

    def _opened(self, file: _File) -> Reader:
        if (name := _text(str(file.path))) != str(file.path):
            raise SourceError(f"the name of {name} is not UTF-8; rename the file")
        if file.path.suffix == ".parquet":
            return ParquetReader(file.path, file.position)
        is_growing = self._settings.follow and file.can_grow()
        return LineReader(file.path, file.position, is_growing=is_growing)

    def _has_room(self) -> bool:
        return sum(file.reader is not None for file in self._files.values()) < MOST_OPEN

    def _batch(self, limit: Limit) -> RawBatch | None:
        """What was gathered; also marks of files that ended without a message."""
        runs = self._gathered.take(limit)
        rest = self._gathered.partitions()
        last = {name: run.offsets[-1] for name, run in runs}
        after, upto = {}, {}
        for name, file in self._files.items():
            mark = last.get(name, file.handed) if name in rest else file.mark()
            if mark > file.handed:
                after[name], upto[name] = file.handed, mark
                file.handed = mark
        return batch_of(self.name, runs, after, upto) if upto else None

    def _raise_trouble(self) -> None:
        troubles = [str(file.trouble) for file in self._files.values() if file.trouble]
        if troubles:
            raise SourceError(f"source {self.name}: " + "; ".join(troubles))


def _text(name: str) -> str:
    """The name with bytes that are no UTF-8 escaped: what can be written and stored."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _state(path: Path) -> tuple[int, int]:
    """Bytes and time of change, zeros if the file is gone."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
