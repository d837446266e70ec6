"""Forms of a value: what JSON may stand there, said once for both ways of decoding."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Annotated, Any, Literal, Union

from msgspec import Meta

from monitor.events.schema import Rule
from monitor.events.times import readable

MOST_OF_ID = 1_024
"""Characters of an id: longer ones are mistakes, and would fill the log."""

MOST_OF_VERSION = 256
"""Characters of a version."""


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

    All must agree: whatever `annotation` lets through, `check` returns unchanged, and so it does
    with whatever keeps the bounds below.

    Attributes:
        annotation: as msgspec decodes it; it may refuse values that `check` accepts.
        check: the value as it is kept, or the `Rule` that it breaks.
        store: how a column of such values is held.
        low: least number.
        high: greatest number.
        allowed: the only texts; None for any.
        least: characters that a text has at least.
        most: characters that a text has at most; None for any number.
        is_switch: whether a boolean is as good as a number.
    """

    annotation: Any
    check: Callable[[object], object]
    store: Store
    low: float = -inf
    high: float = inf
    allowed: tuple[str, ...] | None = None
    least: int = 0
    most: int | None = None
    is_switch: bool = False


def identifier(most: int = MOST_OF_ID) -> Form:
    """A text of 1 to `most` characters, or an integer, which is kept as its text."""

    def check(value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return value if abs(value) < 10**most else Rule.TOO_LONG
        if not (isinstance(value, str) and value):
            return Rule.WRONG_TYPE
        return value if len(value) <= most else Rule.TOO_LONG

    short = Annotated[str, Meta(min_length=1, max_length=most)]
    form = Union[short, Annotated[int, Meta(gt=-(10**18), lt=10**18)]]  # noqa: UP007
    return Form(form, check, Store.TEXT, least=1, most=most)


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

    return Form(Literal[known], check, Store.TEXT, allowed=known)


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

    if low is None and high is None:
        return Form(float, check, Store.NUMBER)
    least, greatest = -inf if low is None else low, inf if high is None else high
    bounded = Annotated[float, Meta(ge=low, le=high)]
    return Form(bounded, check, Store.NUMBER, least, greatest)


def switch() -> Form:
    """A boolean, or a finite number that the contract judges later."""
    plain = number()

    def check(value: object) -> object:
        return value if isinstance(value, bool) else plain.check(value)

    return Form(Union[bool, float], check, Store.NUMBER, is_switch=True)  # noqa: UP007


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
