"""The base of every part of a card or of the service's settings."""

from collections.abc import Iterable
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.settings.document import Location

Wrong: TypeAlias = tuple[Location, str]
"""Where in a part something is wrong, seen from that part, and what."""


class Part(BaseModel):
    """A mapping of a YAML file: frozen, unknown keys refused, numbers finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


def refuse(wrongs: Iterable[Wrong], part: Part) -> None:
    """Raise all of these at once inside a validator; nothing happens if there are none."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("wrong", "{message}", {"message": message}),
            loc=location,
            input=None,
        )
        for location, message in wrongs
    ]
    if details:
        raise ValidationError.from_exception_data(type(part).__name__, details)


def exactly_one(part: Part, *names: str) -> list[Wrong]:
    """The complaint that not exactly one of these keys is set; empty if one is."""
    given = [name for name in names if getattr(part, name) is not None]
    if len(given) == 1:
        return []
    choice = f"{', '.join(names[:-1])} or {names[-1]}"
    found = f"found {' and '.join(given)}" if given else "found none"
    return [((), f"needs exactly one of {choice}; {found}")]
