"""What stands at a path in a message, also inside of a text that holds JSON or a row of CSV."""

import csv
from functools import lru_cache
from typing import TYPE_CHECKING

from monitor.events.strict import Rejection, strict_value

if TYPE_CHECKING:
    from monitor.cards.paths import KeyPath


def found(event: object, path: "KeyPath") -> object:
    """What stands at a path; None if nothing does.

    A path that goes on below a text goes on in the JSON that it holds, or with a position in its
    only row of CSV, whose values are texts.

    >>> found({"body": '{"rows": [{"age": 40}]}'}, ("body", "rows", 0, "age"))
    40
    >>> found({"body": "40,web"}, ("body", 1))
    'web'
    """
    for step in path:
        if isinstance(event, str):
            event = unpacked(event)
        if isinstance(step, int):
            if not isinstance(event, list) or not -len(event) <= step < len(event):
                return None
            event = event[step]
        elif isinstance(event, dict):
            event = event.get(step)
        else:
            return None
    return event


@lru_cache(maxsize=16)
def unpacked(text: str) -> object:
    """The JSON object or list that a text holds, else its only row of CSV; None for all else.

    A second row would be a second case, which is not left out in silence. Nobody may change what
    is returned, for it is remembered: many paths lead into one text.
    """
    try:
        value = strict_value(text)
    except Rejection:
        value = None
    if isinstance(value, dict | list):
        return value
    try:
        rows = [row for row in csv.reader(text.splitlines(), strict=True) if row]
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
