"""How long work says how far it has come."""

from collections.abc import Callable

Told = Callable[[str, int, int], None]
"""Told of what, how much of it is done, and of how much; 0 where that is not known."""


def tell_nobody(what: str, done: int, whole: int) -> None:
    """Tells nobody."""
