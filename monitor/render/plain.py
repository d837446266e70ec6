"""Texts that people typed or events carried, as one line that can do nothing where it is put."""

import html
import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""What could end a line, or turn the way it is read."""


LONGEST_SUBJECT: Final = 150
"""Characters of the subject of a mail."""


def line(text: str) -> str:
    r"""The text in one line: control characters, also of other scripts' direction, as one blank.

    >>> line("income\r\nBcc: all@example.org")
    'income Bcc: all@example.org'
    """
    return _CONTROL.sub(" ", text).strip()


def cut(text: str, most: int) -> str:
    """The text in one line of at most this many characters."""
    said = line(text)
    return said if len(said) <= most else said[: most - 1] + "…"


def in_html(text: str) -> str:
    """The text where HTML may stand, also inside quotes."""
    return html.escape(line(text))


def in_markdown(text: str) -> str:
    """The text where Markdown and HTML find no marks."""

    def shown(match: re.Match[str]) -> str:
        mark = match[0]
        return html.escape(mark) if mark in "<>&" else f"\\{mark}"

    return re.sub(r"[\\`*_{}\[\]()#+!|<>~&]", shown, line(text))
