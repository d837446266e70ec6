"""What the log gained since evaluation last looked, written down as windows to rebuild."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from monitor.engines.base import Place
from monitor.events.schema import Kind
from monitor.jobs import deployed, gained
from monitor.log.events import EventLog
from monitor.log.feedback import FeedbackLog
from monitor.log.ledger import Windows
from monitor.log.moved import MovedLog
from monitor.profiles.windows import Range, instant, seconds_of
from monitor.state import ledger, named, progress
from monitor.state.database import State
from monitor.state.progress import DirtyWindow

EVENTS_JOB: Final = "evaluate"
FEEDBACK_JOB: Final = "evaluate-feedback"
MOVED_JOB: Final = "evaluate-moved"

INPUTS: Final = "inputs"
FEEDBACK: Final = "feedback"
"""Families that are rebuilt together: people and truth come from one join."""

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    Kind.PREDICTION: (INPUTS, FEEDBACK),
    Kind.FAILURE: (INPUTS,),
}
"""What is to be built anew when events of a kind came."""

UNREAD: Final = "unread"
"""Windows that gained quarantined messages: only their completeness changes."""


def take_in(
    state: State, cards: Collection[str], log: EventLog, feedback: FeedbackLog, place: Place
) -> None:
    """Write down what became dirty up to the pinned versions, once.

    Also for models without a card: ingest may have read a new card before evaluation does.

    Raises:
        LogError: the state is that of another log.
    """
    before = progress.processed(state, EVENTS_JOB)
    gained.refuse_another(state, log.table, place.events, before)
    if place.events > before:
        extents = {model: known for model in cards if (known := extent(state, model))}
        new = gained.events(state, log, before, place.events, extents)
        # Failures change the numbers of the windows, and what people said of them is the same.
        changed = [
            (family, model, ranges)
            for (kind, model), ranges in new.windows.items()
            for family in FAMILIES.get(kind, ())
        ]
        models = {model for _, model in new.windows if model}.union(cards)
        ledger.copy(state, new.ledger)
        deployed.take_in(state, log, new.windows, place.events)
        for model in models:
            _widen(state, model, new.windows)
        dirty = [
            window
            for family, model, ranges in changed
            for window in dirty_windows(model, family, ranges, place.events)
        ]
        for (kind, of), ranges in new.windows.items():
            if kind == Kind.QUARANTINE:
                for model in models if of == "" else {of}:
                    dirty += dirty_windows(model, UNREAD, ranges, place.events)
        with state.writing():
            progress.advance(state, EVENTS_JOB, place.events, dirty)
            gained.remember(state, log.table, place.events)
    before = progress.processed(state, FEEDBACK_JOB)
    if place.feedback > before:
        said = gained.feedback(feedback, before, place.feedback)
        dirty = [
            window
            for (_, model), ranges in said.items()
            if model
            for window in dirty_windows(model, FEEDBACK, ranges, place.events)
        ]
        progress.advance(state, FEEDBACK_JOB, place.feedback, dirty)


def take_in_moved(state: State, moved: MovedLog, place: Place) -> None:
    """Write down the windows of predictions that were found not to count, once."""
    before = progress.processed(state, MOVED_JOB)
    if place.moved > before:
        dirty = [
            window
            for (_, model), ranges in gained.moved(moved, before, place.moved).items()
            for family in (INPUTS, FEEDBACK)
            for window in dirty_windows(model, family, ranges, place.events)
        ]
        progress.advance(state, MOVED_JOB, place.moved, dirty)


def dirty_windows(
    model: str, family: str, ranges: Iterable[Range], version: int
) -> list[DirtyWindow]:
    """The ranges as the state keeps them."""
    return [DirtyWindow(model, family, instant(a), instant(b), version) for a, b in ranges]


def ranges_of(windows: Iterable[DirtyWindow]) -> list[Range]:
    """The ranges in Unix seconds."""
    return [(seconds_of(window.start), seconds_of(window.end)) for window in windows]


def extent(state: State, model: str) -> Range | None:
    """From the first to the last event of a model, in Unix seconds, five minutes exact."""
    known = named.value_of(state, _name(model))
    return (known[0], known[1]) if isinstance(known, list) else None


def _widen(state: State, model: str, windows: Windows) -> None:
    # A quarantined message has no time of its own: the broker's may lie years after the events.
    spans = [
        r
        for (kind, of), ranges in windows.items()
        if of == model and kind != Kind.QUARANTINE
        for r in ranges
    ]
    if not spans:
        return
    known = extent(state, model)
    spans += [known] if known else []
    named.put(state, _name(model), [min(a for a, _ in spans), max(b for _, b in spans)])


def _name(model: str) -> str:
    return f"extent:{model}"
