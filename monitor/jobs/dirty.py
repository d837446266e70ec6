"""What the log gained since evaluation last looked, written down as windows to rebuild."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from monitor.engines.base import Place
from monitor.errors import LogError
from monitor.events.schema import Kind
from monitor.jobs import deployed
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

_LOG: Final = "log"
"""Name of the id of the log that the state belongs to."""

UNREAD: Final = "unread"
"""Windows that gained quarantined messages: only their completeness changes."""


def take_in(
    state: State, cards: Collection[str], log: EventLog, feedback: FeedbackLog, place: Place
) -> None:
    """Write down what became dirty up to the pinned versions, once.

    Also for models without a card: ingest may have read a new card before evaluation does.

    Raises:
        LogError: the history does not go back to where the last run ended, or the state is that
            of another log.
    """
    before = progress.processed(state, EVENTS_JOB)
    _refuse_another(state, log, place.events, before)
    if place.events > before:
        gained = log.changes(before, place.events)
        # Failures change the numbers of the windows, and what people said of them is the same.
        changed = [
            (family, model, ranges)
            for (kind, model), ranges in gained.windows.items()
            for family in FAMILIES.get(kind, ())
        ]
        models = {model for _, model in gained.windows if model}.union(cards)
        ledger.copy(state, gained.ledger)
        deployed.take_in(state, log, gained.windows, place.events)
        for model in models:
            _widen(state, model, gained.windows)
        dirty = [
            window
            for family, model, ranges in changed
            for window in dirty_windows(model, family, ranges, place.events)
        ]
        for (kind, of), ranges in gained.windows.items():
            if kind == Kind.QUARANTINE:
                for model in models if of == "" else {of}:
                    dirty += dirty_windows(model, UNREAD, ranges, place.events)
        progress.advance(state, EVENTS_JOB, place.events, dirty)
    before = progress.processed(state, FEEDBACK_JOB)
    if place.feedback > before:
        said = feedback.changes(before, place.feedback).windows
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
            for (_, model), ranges in moved.changes(before, place.moved).windows.items()
            for family in (INPUTS, FEEDBACK)
            for window in dirty_windows(model, family, ranges, place.events)
        ]
        progress.advance(state, MOVED_JOB, place.moved, dirty)


def _refuse_another(state: State, log: EventLog, version: int, before: int) -> None:
    """Remember the log by its id; one made anew counts from 0 and would seem to be evaluated."""
    remedy = (
        "restore the log, or move the state and the table profiles away, so that all is "
        "evaluated anew"
    )
    present = str(log.table.current().metadata().id)
    known = named.value_of(state, _LOG)
    if known is None:
        named.put(state, _LOG, present)
    elif known != present:
        raise LogError(f"the log is not the one that the state knows; {remedy}")
    if version < before:
        raise LogError(f"the log ends at version {version}, {before} was evaluated; {remedy}")


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
