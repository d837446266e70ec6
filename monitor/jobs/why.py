"""Why a number moved, as the API asks for it.

What answers is loaded with the first question: whoever only looks at pages needs none of it.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from monitor.cards.card import Card
from monitor.control.question import Question
from monitor.jobs.closed import NoWindowError, closed_window
from monitor.log.store import Store
from monitor.state.database import State

if TYPE_CHECKING:
    from monitor.jobs.side_by_side import Row

PATIENCE: Final = 3.0
"""How long an explanation waits for the one before it [s]."""


def compared(
    state: State, store: Store, card: Card, first: str, second: str, window: datetime | None
) -> "list[Row]":
    """Two versions of a model side by side, from what is published: no rows are read.

    Raises:
        LookupError: there is no such closed window, or one of the two has no results in it.
    """
    from monitor.jobs.side_by_side import Which, side_by_side

    try:
        span = closed_window(state, card, window)
        return side_by_side(state, store, card, Which.of(first), Which.of(second), span)
    except NoWindowError as error:
        raise LookupError(f"{error}") from error


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains numbers, one after the other: each explanation holds profiles of two windows.

    Attributes:
        state: with results and progress.
        store: of the profiles.
    """

    state: State
    store: Store
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, card: Card, question: Question) -> "Iterator[Row]":
        """The number, its change in parts, groups and features.

        Raises:
            LookupError: there is no such metric or closed window, or nothing in it.
            TimeoutError: others are being explained.
        """
        from monitor.jobs.explain import UnknownMetricError, explained
        from monitor.jobs.explain_rows import rows_of

        if not self._alone.acquire(timeout=PATIENCE):
            raise TimeoutError("other numbers are being explained; ask again in a few seconds")
        try:
            found = explained(self.state, self.store, card, question)
        except (NoWindowError, UnknownMetricError) as error:
            raise LookupError(f"{error}") from error
        finally:
            self._alone.release()
        return rows_of(found)
