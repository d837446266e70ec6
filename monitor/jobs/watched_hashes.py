"""The hash of each window that was read, of the profiles that it is made of."""

import hashlib

from monitor.log.profiles import Revision


class Hashes:
    """What windows are made of, in any order."""

    def __init__(self, windows: int) -> None:
        self._lines: list[list[str]] = [[] for _ in range(windows)]

    def add(self, place: int, revision: Revision, numbers: object = None) -> None:
        """Add a profile to a window, or the numbers of it that are read."""
        key = revision.partial.key
        held = revision.hash if numbers is None else numbers
        line = f"{key.version}\0{key.stage}\0{key.segment}\0{key.start}\0{held}"
        self._lines[place].append(line)

    def found(self) -> list[str]:
        """Of each window; "" where it has no profile."""
        return [_hash(lines) for lines in self._lines]


def _hash(lines: list[str]) -> str:
    if not lines:
        return ""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
