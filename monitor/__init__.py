"""Behaviour of deployed models: events in, evidence out."""

from pathlib import Path
from typing import TYPE_CHECKING

from monitor.version import VERSION

if TYPE_CHECKING:
    from monitor.api import Monitor

__all__ = ["__version__", "open"]

__version__ = VERSION


def open(settings: str | Path = "service.yaml") -> "Monitor":  # noqa: A001 - read as monitor.open
    """A service to be read from Python; see `monitor.api.Monitor`.

    Raises:
        ConfigurationError: every mistake of the settings and cards at once.
        StateError: the state cannot be opened.
    """
    from monitor.api import Monitor

    return Monitor.open(settings)
