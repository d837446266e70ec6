"""Lines of text as messages: plain or gzipped files, and whatever else gives bytes."""

import gzip
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from monitor.errors import OffsetGoneError, SourceError
from monitor.sources.gathered import Run

LONGEST = 4 << 20
"""Bytes kept of a line; more than the decoder takes, so that a longer one is refused there."""


class LineReader:
    """The lines of one file; a message's offset is the number of its line, from 0.

    Blank lines are no messages. Line ends, Unix's or Windows's, belong to no message.

    Attributes:
        position: line that is read next.
        is_at_end: whether there was nothing more when last looked.
    """

    def __init__(self, path: Path, position: int, *, is_growing: bool) -> None:
        """A reader that begins at a line.

        Args:
            path: of the file; gzipped if it ends in ".gz".
            position: first line wanted.
            is_growing: whether a last line without a line end is still being written.

        Raises:
            OffsetGoneError: the file has fewer lines.
            SourceError: it cannot be read.
        """
        self.position = 0
        self.is_at_end = False
        self._path = path
        self._is_growing = is_growing
        self._trouble: SourceError | None = None
        self._file = _opened(path)
        for _ in range(position):
            if not self._line():
                self._file.close()
                raise OffsetGoneError(
                    f"{path} has {self.position} lines, but the log has {position} of it; files "
                    "may only grow: restore it, or give new content a new name"
                )
            self.position += 1

    def read(self, rows: int, size: int) -> Run:
        """The next lines: at most `rows`, and no more once `size` bytes are reached.

        Raises:
            SourceError: the file is damaged here; the lines before were given.
        """
        if self._trouble is not None:
            raise self._trouble
        run = Run([], [], [])
        self.is_at_end = False
        while rows > len(run) and size > 0:
            try:
                line = self._line()
            except SourceError as error:
                if not run.offsets:
                    raise
                self._trouble = error
                break
            if not line:
                self.is_at_end = True
                break
            if message := line.rstrip(b"\r\n"):
                run.values.append(message)
                run.offsets.append(self.position)
                run.times.append(-1)
                size -= len(message)
            self.position += 1
        return run

    def close(self) -> None:
        self._file.close()

    def _line(self) -> bytes:
        """The next line with its end, at most `LONGEST` bytes of it; b"" if there is none."""
        try:
            line = self._file.readline(LONGEST)
            if line.endswith(b"\n") or not line:
                return line
            length = len(line)
            for rest in cast(Iterator[bytes], iter(partial(self._file.readline, LONGEST), b"")):
                length += len(rest)
                if rest.endswith(b"\n"):
                    return line
            if self._is_growing:
                self._file.seek(-length, 1)
                return b""
        except (EOFError, OSError, zlib.error) as error:
            raise SourceError(
                f"{self._path} is damaged after line {self.position}: {error}; "
                "replace it by a whole copy, or take it away"
            ) from error
        return line


def _opened(path: Path) -> BinaryIO:
    try:
        if path.suffix == ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        return path.open("rb", buffering=1 << 20)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
