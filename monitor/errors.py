"""Every exception that this package raises on purpose."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar


class MonitorError(Exception):
    """Base of the exceptions that a caller may want to catch; its text names a remedy.

    Attributes:
        exit_code: of a process that it ends.
    """

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a configuration file.

    Attributes:
        file: where it stands, as the reader would type it.
        line: line in that file, counted from 1; 0 if the file as a whole is meant.
        path: dotted path of the key, "" for the whole file.
        message: what is wrong and what to write instead.
    """

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigurationError(MonitorError):
    """Cards or settings with mistakes; all of them at once: starting again cannot help."""

    exit_code = 2

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)))


class AddressError(MonitorError):
    """Addresses to listen on that are taken or not ours; all of them at once.

    Args:
        reasons: address and why, by the setting that names it.
    """

    exit_code = 3

    def __init__(self, reasons: Mapping[str, tuple[object, OSError]]) -> None:
        lines = [
            f"cannot listen on {address}: {error.strerror or error}; end what listens there, or "
            f"set another address in {setting}"
            for setting, (address, error) in reasons.items()
        ]
        super().__init__("\n".join(lines))


class PositionConflictError(MonitorError):
    """The log holds other positions than a batch starts after: another consumer was here.

    Attributes:
        partitions: partitions whose mark differs.
    """

    def __init__(self, partitions: Iterable[str]) -> None:
        self.partitions = frozenset(partitions)
        names = ", ".join(sorted(self.partitions))
        super().__init__(f"the log is at another position in {names}; reading goes on from there")


class OffsetGoneError(MonitorError):
    """A source no longer holds the message that the log needs next."""


class SourceError(MonitorError):
    """A source cannot be read, and why."""


class LayoutMismatchError(MonitorError, ValueError):
    """Two profiles taken over different bins, classes or references were added."""


class StateError(MonitorError):
    """The service's own state cannot be opened, or what is asked for is not in it."""


class StateOutOfReachError(StateError):
    """The state cannot be read or written just now; what was under way may be done again."""


class LogError(MonitorError):
    """The log cannot be opened, read or written, and why."""


class HistoryGoneError(LogError):
    """A table's own log does not go back as far as somebody wants to read on from."""


class EvaluationError(MonitorError):
    """Some models could not be evaluated; all others were, and a run may be repeated."""
