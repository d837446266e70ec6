"""Names that YAML may write as numbers."""

import re
from typing import Annotated, TypeAlias

from annotated_types import MinLen
from pydantic import PlainValidator, WithJsonSchema

from monitor.cards.contract import class_text
from monitor.settings.values import PLACEHOLDER

_SCALAR = WithJsonSchema({"type": ["string", "number", "boolean"]})


def _read_name(value: object) -> str:
    text = class_text(value)
    if text is None:
        raise ValueError("should be text, a number, true or false")
    if text == PLACEHOLDER:
        raise ValueError(f"is still to be filled in; replace {PLACEHOLDER}")
    return text


def _read_version(value: object) -> str:
    match value:
        case float():
            # YAML reads 1.10 as 1.1, which would make every event of version "1.10" an unknown one.
            raise ValueError(f'should be in quotes, or 1.10 becomes 1.1: "{value}"')
        case "":
            raise ValueError("should not be empty")
        case _:
            return _read_name(value)


def _read_model(value: object) -> str:
    text = value if isinstance(value, str) else ""
    if len(text) > 128 or not re.fullmatch(r"[^\s@](?:[^@\x00-\x1f\x7f]*[^\s@])?", text):
        raise ValueError("should be a name of at most 128 characters without @")
    if text == PLACEHOLDER:
        raise ValueError(f"is still to be filled in; replace {PLACEHOLDER}")
    return text


Key: TypeAlias = Annotated[str, MinLen(1)]
"""A key of the event's JSON, taken to the letter."""

Name: TypeAlias = Annotated[str, PlainValidator(_read_name), _SCALAR]
"""A class, category or group as the text under which it is compared."""

Version: TypeAlias = Annotated[
    str, PlainValidator(_read_version), WithJsonSchema({"type": ["string", "integer"]})
]
"""A version of a model; 1 and "1" are the same one."""

ModelName: TypeAlias = Annotated[
    str, PlainValidator(_read_model), WithJsonSchema({"type": "string", "maxLength": 128})
]
"""Name of a model; without @, which parts it from its version: credit@3."""


def repeated(values: tuple[str, ...]) -> list[str]:
    """Those that stand in it more than once, in order."""
    return [value for i, value in enumerate(values) if value in values[:i]]
