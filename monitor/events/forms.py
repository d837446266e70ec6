"""Forms of a value: what JSON may stand there, said once for both ways of decoding."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, Any, Literal, Union

from msgspec import Meta

from monitor.events.schema import Rule
from monitor.events.times import readable


class Store(Enum):
    """How a column of such values is held."""

    TEXT = auto()
    NUMBER = auto()
    FLAG = auto()
    TIME = auto()
    ANSWER = auto()
    SECTION = auto()


@dataclass(frozen=True, slots=True)
class Form:
    """What a value may be.

    The two must agree: whatever `annotation` lets through, `check` returns unchanged.

    Attributes:
        annotation: as msgspec decodes it; it may refuse values that `check` accepts.
        check: the value as it is kept, or the `Rule` that it breaks.
        store: how a column of such values is held.
    """

    annotation: Any
    check: Callable[[object], object]
    store: Store


def identifier() -> Form:
    """A text with at least one character, or an integer, which is kept as its text."""

    def check(value: object) -> object:
        good = isinstance(value, int) and not isinstance(value, bool)
        return value if good or (isinstance(value, str) and value) else Rule.WRONG_TYPE

    return Form(Union[Annotated[str, Meta(min_length=1)], int], check, Store.TEXT)  # noqa: UP007


def text() -> Form:
    """Any text."""
    return Form(str, lambda v: v if isinstance(v, str) else Rule.WRONG_TYPE, Store.TEXT)


def choice(allowed: Iterable[str]) -> Form:
    """One of a few texts."""
    known = tuple(allowed)

    def check(value: object) -> object:
        if not isinstance(value, str):
            return Rule.WRONG_TYPE
        return value if value in known else Rule.UNSEEN_CATEGORY

    return Form(Literal[known], check, Store.TEXT)


def number(low: float | None = None, high: float | None = None) -> Form:
    """A finite number in [low, high]."""

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Rule.WRONG_TYPE
        found = _float(value)
        if found - found != 0:
            return Rule.NOT_FINITE
        outside = (low is not None and found < low) or (high is not None and found > high)
        return Rule.OUT_OF_RANGE if outside else found

    bounded = Annotated[float, Meta(ge=low, le=high)]
    return Form(float if low is None and high is None else bounded, check, Store.NUMBER)


def switch() -> Form:
    """A boolean, or a finite number that the contract judges later."""
    plain = number()

    def check(value: object) -> object:
        return value if isinstance(value, bool) else plain.check(value)

    return Form(Union[bool, float], check, Store.NUMBER)  # noqa: UP007


def flag() -> Form:
    """A boolean."""
    return Form(bool, lambda v: v if isinstance(v, bool) else Rule.WRONG_TYPE, Store.FLAG)


def instant() -> Form:
    """A time with its zone."""

    def check(value: object) -> object:
        found = readable(value)
        return Rule.WRONG_TYPE if found is None else found

    return Form(str, check, Store.TIME)


def answer() -> Form:
    """A class as text, number or boolean, or a finite number."""

    def check(value: object) -> object:
        if isinstance(value, float) and value - value != 0:
            return Rule.NOT_FINITE
        return value if isinstance(value, str | int | float) else Rule.WRONG_TYPE

    return Form(Union[str, int, float, bool], check, Store.ANSWER)  # noqa: UP007


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")
