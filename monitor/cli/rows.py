"""Rows printed for people, as JSON lines or as CSV."""

import base64
import csv
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

import msgspec

from monitor.cli.folded import folded
from monitor.render.plain import printable

Row = Mapping[str, Any]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(rows: Iterable[Row], columns: Sequence[str], form: str, out: TextIO) -> None:
    """Print rows.

    Args:
        rows: values by column; a column that a row lacks is empty.
        columns: in the order wanted.
        form: table, json or csv; a table is folded to the width of a terminal.
        out: where to.
    """
    if form == "table":
        width = shutil.get_terminal_size().columns if out.isatty() else None
        lines = _table(rows, columns, width)
    else:
        lines = _FORMS[form](rows, columns)
    out.writelines(line + "\n" for line in lines)


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula.

    >>> harmless("=1+1"), harmless("-7 days"), harmless("plain")
    ("'=1+1", "'-7 days", 'plain')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _json(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[str]:
    encode = msgspec.json.Encoder().encode
    for row in rows:
        yield encode({name: _plain(row.get(name)) for name in columns}).decode()


def _csv(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[str]:
    line = _Line()
    writer = csv.writer(line, lineterminator="")
    writer.writerow([harmless(name) for name in columns])
    yield line.text
    for row in rows:
        writer.writerow([_cell(_plain(row.get(name))) for name in columns])
        yield line.text


class _Line:
    """Keeps the last line that a `csv.writer` wrote."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def _table(rows: Iterable[Row], columns: Sequence[str], width: int | None) -> Iterator[str]:
    some = [[_plain(row.get(name)) for name in columns] for row in rows]
    cells = [[_shown(value) for value in row] for row in some]
    is_number = [
        all(row[i] is None or isinstance(row[i], int | float) for row in some)
        for i in range(len(columns))
    ]
    return folded(columns, cells, is_number, width)


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON can hold
    """The value as JSON holds it; what is not finite is null, bytes that are no text base64."""
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return base64.b64encode(value).decode()
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case None | str() | bool() | int():
            return value
        case _:
            return str(value)


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return harmless(value)
        case float():
            return repr(value)
        case list() | dict():
            return harmless(msgspec.json.encode(value).decode())
        case _:
            return value


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.6g}"
        case list() if all(isinstance(one, str) for one in value):
            return printable(", ".join(value))
        case list() | dict():
            return printable(msgspec.json.encode(value).decode())
        case _:
            return printable(str(value))


_FORMS: Mapping[str, Callable[[Iterable[Row], Sequence[str]], Iterator[str]]] = {
    "json": _json,
    "csv": _csv,
}
