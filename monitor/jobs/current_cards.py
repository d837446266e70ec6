"""The cards of a folder as they stand, followed while a service runs."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.cards.card import Card
from monitor.cards.load import load_cards
from monitor.errors import ConfigurationError

LOOK_SECONDS = 5.0
"""How often the folder is looked at."""

_log = logging.getLogger(__name__)


class CurrentCards:
    """Cards that change when their files do; a mistake leaves those in force that were."""

    def __init__(
        self,
        folder: Path,
        cards: Mapping[str, Card],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Cards of a folder that were loaded just now.

        Args:
            folder: of the cards.
            cards: what it held.
            clock: seconds.
        """
        self.cards = cards
        self._folder = folder
        self._clock = clock
        self._looked = clock()
        self._seen = _stamps(folder)

    def changed(self) -> bool:
        """Whether `cards` are others than at the last call."""
        if self._clock() - self._looked < LOOK_SECONDS:
            return False
        self._looked = self._clock()
        stamps = _stamps(self._folder)
        if stamps == self._seen:
            return False
        self._seen = stamps
        try:
            cards = load_cards(self._folder)
        except ConfigurationError as error:
            _log.error("the cards stay as they were, for the new ones have mistakes:\n%s", error)
            return False
        is_new = {m: c.hash for m, c in cards.items()} != {m: c.hash for m, c in self.cards.items()}
        self.cards = cards
        if is_new:
            _log.info("cards in force: %s", ", ".join(cards))
        return is_new


def _stamps(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Name, bytes and time of change of each file; empty if the folder is gone."""
    try:
        found = [(path.name, path.stat()) for path in folder.iterdir()]
    except OSError:
        return frozenset()
    return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
