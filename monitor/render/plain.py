"""Texts that people typed or events carried, so that they can do nothing where they are put."""

import html
import re
from typing import Final

_BREAKS: Final = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
"""What ends lines."""

LONGEST_SUBJECT: Final = 150
"""Characters of the subject of a mail."""


def printable(text: str) -> str:
    r"""The text with the code points of what would not be seen, or would steer who shows it.

    That is all that Unicode calls control, format (also what turns the direction of reading),
    private or unassigned, and every blank but the usual one: no name can pass for another by it.

    >>> printable("a\x1b[31mb"), printable("pay\u202elave\u200b")
    ('a\\x1b[31mb', 'pay\\u202elave\\u200b')
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def line(text: str) -> str:
    r"""The text in one line, its breaks as a blank, the rest `printable`.

    >>> line("income\r\nBcc: all@example.org")
    'income Bcc: all@example.org'
    """
    return printable(_BREAKS.sub(" ", text).strip())


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
