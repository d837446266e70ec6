"""A table of texts, folded to the width of a terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

GAP: Final = "  "
INDENT: Final = "    "
LEAST: Final = 16
"""Characters that a column of texts keeps when it is folded; shorter ones are not."""

ROOM: Final = 30
"""Characters from which the last column is folded where it stands, and not put below its row."""


def folded(
    head: Sequence[str],
    cells: Sequence[Sequence[str]],
    is_number: Sequence[bool],
    width: int | None = None,
) -> Iterator[str]:
    """The lines of the table.

    One that is too wide has a long last column below each row, or long texts in several lines;
    numbers stay whole. What cannot be made to fit stays as wide as it is.

    Args:
        head: names of the columns.
        cells: of each row, in the order of the columns.
        is_number: columns that stand at the right.
        width: of the terminal [characters]; None for any.
    """
    widths = _widths(head, cells)
    if width is not None and _whole(widths) > width:
        above = _fitting(_widths(head[:-1], cells), is_number, width)
        if above and not is_number[-1] and _whole(above) + len(GAP) > width - ROOM:
            yield from _above(head, cells, above, is_number, width)
            return
        widths = _fitting(widths, is_number, width) or widths
    for row in (head, ["-" * width for width in widths], *cells):
        yield from _lines(row, widths, is_number)


def _above(
    head: Sequence[str],
    cells: Sequence[Sequence[str]],
    widths: Sequence[int],
    is_number: Sequence[bool],
    width: int,
) -> Iterator[str]:
    """The last column below its row."""
    for row in (head[:-1], ["-" * width for width in widths]):
        yield from _lines(row, widths, is_number)
    for cell in cells:
        yield from _lines(cell[:-1], widths, is_number)
        for line in _wrapped(cell[-1], width - len(INDENT)):
            yield f"{INDENT}{line}"


def _fitting(widths: Sequence[int], is_number: Sequence[bool], width: int) -> list[int]:
    """Widths with which the columns fit, the longest texts folded; none where nothing helps."""
    found = list(widths)
    while found and _whole(found) > width:
        texts = [i for i in range(len(found)) if not is_number[i] and found[i] > LEAST]
        if not texts:
            return []
        found[max(texts, key=lambda i: found[i])] -= 1
    return found


def _wrapped(text: str, width: int) -> list[str]:
    # Ids hold hyphens and are to be copied.
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _widths(head: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(name), *(len(row[i]) for row in cells), 0) for i, name in enumerate(head)]


def _whole(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _lines(row: Sequence[str], widths: Sequence[int], is_number: Sequence[bool]) -> Iterator[str]:
    """A row, in as many lines as its longest cell needs."""
    parts = [
        [cell] if len(cell) <= width else _wrapped(cell, width)
        for cell, width in zip(row, widths, strict=True)
    ]
    for line in zip_longest(*parts, fillvalue=""):
        yield GAP.join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=False)
        ).rstrip()
