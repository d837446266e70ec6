"""What pages and the API are made from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.cards.card import Card
from monitor.control.question import Question
from monitor.log.quarantine import Quarantined
from monitor.log.trace import Traced
from monitor.outputs.prometheus import Model
from monitor.state.database import State


@dataclass(frozen=True, slots=True)
class Trace:
    """A prediction, and what the service makes of it.

    Attributes:
        event: the prediction as the log holds it.
        review: the rule that asks for a review, "" for none.
        incidents: ids of those that it is an example of.
    """

    event: Traced
    review: str
    incidents: tuple[str, ...]


Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Facts:
    """Where pages and API read; each call gives what stands at that moment.

    Attributes:
        state: results, incidents, ledger.
        cards: by model.
        models: what the gauges show, by model.
        trace: predictions under an id.
        quarantine: messages that nobody understood, the newest first, at most this many.
        clock: aware.
        weeks: of a model that a page takes apart, the newest first.
        week: such a page, None if there is none.
        compared: two versions of a model in the window that holds a moment, by default the newest
            closed one, as rows with the keys of `why.Compared`; LookupError where one is missing.
        explained: why a number of a model moved, as rows with the keys of `why.Explained`;
            LookupError where there is no such thing, TimeoutError while others are told.
    """

    state: State
    cards: Callable[[], Mapping[str, Card]]
    models: Callable[[], Mapping[str, Model]]
    trace: Callable[[str], list[Trace]]
    quarantine: Callable[[int], Iterable[Quarantined]]
    clock: Callable[[], datetime]
    weeks: Callable[[str], list[str]] = lambda _: []
    week: Callable[[str, str], bytes | None] = lambda *_: None
    compared: Callable[[Card, str, str, datetime | None], Rows] = lambda *_: ()
    explained: Callable[[Card, Question], Rows] = lambda *_: ()
