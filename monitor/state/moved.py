"""How many of a model's predictions do not count, for their id stands in an earlier window."""

from collections.abc import Mapping

from monitor.state import named
from monitor.state.database import State


def moved(state: State, model: str) -> int | None:
    """What maintenance found last; None before its first look."""
    found = named.value_of(state, _name(model))
    return found if isinstance(found, int) else None


def found(state: State, counts: Mapping[str, int]) -> None:
    """Write down what maintenance found, by model."""
    for model, count in counts.items():
        named.put(state, _name(model), count)


def _name(model: str) -> str:
    return f"moved:{model}"
