"""Schemas whose properties are described by the docstrings of their classes."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

_ATTRIBUTE = re.compile(r"^    (\w+): ((?:.+\n?)(?:      +.+\n?)*)", re.MULTILINE)


def described(schema: Mapping[str, Any]) -> dict[str, Any]:
    r"""The schema with the docstring in it parted: what the class is, and what each property is.

    >>> doc = "A row.\n\n    Attributes:\n        end: of it, None\n            if open."
    >>> described({"description": doc, "properties": {"end": {"type": "string"}}})["properties"]
    {'end': {'type': 'string', 'description': 'of it, null if open.'}}
    """
    first, _, attributes = inspect.cleandoc(schema.get("description", "")).partition(
        "\n\nAttributes:\n"
    )
    says = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(attributes)}
    found = {**schema, "description": _of_json(first)}
    if "properties" in schema:
        found["properties"] = {
            name: {**value, "description": _of_json(says[name])} if name in says else value
            for name, value in schema["properties"].items()
        }
    return found


def _of_json(text: str) -> str:
    """Words of Python as those of JSON."""
    return re.sub(r"\bNone\b", "null", " ".join(text.split()))
