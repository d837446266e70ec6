"""From when on the log keeps each model's events: moved by `mbm maintain` alone."""

from collections.abc import Iterable
from datetime import datetime

from monitor.state import named
from monitor.state.database import State


def kept_from(state: State, models: Iterable[str]) -> dict[str, datetime]:
    """By model, the time before which events are no longer kept, where there is one."""
    known = {model: named.value_of(state, _name(model)) for model in models}
    return {m: datetime.fromisoformat(text) for m, text in known.items() if isinstance(text, str)}


def keep_from(state: State, model: str, mark: datetime) -> None:
    """Move the time before which a model's events are no longer kept."""
    named.put(state, _name(model), mark.isoformat())


def _name(model: str) -> str:
    return f"kept_from:{model}"
