"""Names of the parts of a model's rows: by attribute value or by several together."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

ALL: Final = ""
"""The segment of all rows."""

TOGETHER: Final = "&"

RESERVED: Final = "@"
"""Begin of the names of divisions that are no attributes, such as "@team"."""


def segment_name(values: Mapping[str, str]) -> str:
    """Canonical text of a segment; the attributes keep their order.

    >>> segment_name({"sex": "female", "age": "18 & up"})
    'sex=female&age=18 %26 up'
    """
    pairs = (f"{_quoted(name)}={_quoted(value)}" for name, value in values.items())
    return TOGETHER.join(pairs)


@lru_cache(maxsize=10_000)
def segment_values(segment: str) -> Mapping[str, str]:
    """The attribute values that `segment_name` was made of.

    >>> segment_values("sex=female&age=18 %26 up")
    {'sex': 'female', 'age': '18 & up'}
    """
    if segment == ALL:
        return {}
    pairs = (pair.split("=", 1) for pair in segment.split(TOGETHER))
    return {unquote(name): unquote(value) for name, value in pairs}


def _quoted(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
