"""Paths into foreign JSON: `payload.items[0]."a.b"`."""

import re
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys of objects and positions in arrays, from the top of a message to a value."""

_KEY = re.compile(r'"((?:[^"\\]|\\.)+)"|((?:[^\\."\[\]]|\\.)+)', re.DOTALL)
_INDEX = re.compile(r"\[([0-9]{1,9})\]")


def key_path(text: str) -> KeyPath:
    r"""The path that a text names: keys with dots between, positions in brackets.

    A dot, bracket, quote or backslash inside a key is written with a backslash before it, or the
    key in double quotes.

    >>> key_path('payload.rows[0]."a.b".c\\.d')
    ('payload', 'rows', 0, 'a.b', 'c.d')

    Raises:
        ValueError: the text is no path.
    """
    path: list[str | int] = []
    at = 0
    while True:
        key = _KEY.match(text, at)
        if key is None:
            raise ValueError(f"{text!r} is no path: a key is missing at character {at + 1}")
        path.append(re.sub(r"\\(.)", r"\1", key[1] or key[2], flags=re.DOTALL))
        at = key.end()
        while index := _INDEX.match(text, at):
            path.append(int(index[1]))
            at = index.end()
        if at == len(text):
            return tuple(path)
        if text[at] != ".":
            raise ValueError(
                f"{text!r} is no path: {text[at]!r} at character {at + 1}; write keys with dots "
                'between, list positions as [0], a key with other signs in quotes: "a.b"'
            )
        at += 1


def path_text(path: KeyPath) -> str:
    r"""The text that `key_path` reads back; the path is not empty and begins with a key.

    >>> path_text(("payload", "rows", 0, "a.b"))
    'payload.rows[0].a\\.b'
    """
    parts = (
        f"[{part}]" if isinstance(part, int) else "." + re.sub(r'([\\."\[\]])', r"\\\1", part)
        for part in path
    )
    return "".join(parts).removeprefix(".")
