"""Rows as the table that a notebook shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from monitor.render.plain import in_html

SHOWN: Final = 30
"""Rows that a notebook shows."""

_STYLE: Final = "vertical-align:top;padding:2px 8px"


def table(names: Sequence[str], rows: Sequence[Mapping[str, Any]], count: int) -> str:
    """The first rows as HTML; nothing in it was HTML before.

    What is the same in all rows stands once above them. Empty columns and hashes are left out.

    Args:
        names: of the columns.
        rows: the first ones, `SHOWN` or so.
        count: of all rows.
    """
    told = [name for name in names if not name.endswith("_hash") and _is_told(name, rows)]
    same = [name for name in told if len(rows) > 1 and _is_same(name, rows)]
    shown = [name for name in (told if rows else names) if name not in same] or told[:1]
    above = ", ".join(f"{name} {text(rows[0][name])}" for name in same if name not in shown)
    head = "".join(f'<th style="{_STYLE};text-align:left">{in_html(name)}</th>' for name in shown)
    lines = "".join(
        "<tr>" + "".join(_cell(row[name]) for name in shown) + "</tr>" for row in rows[:SHOWN]
    )
    notes = [f"In all of these rows: {above}." if above else ""]
    notes.append(f"and {count - SHOWN} more rows" if count > SHOWN else "")
    before, after = (f"<p>{in_html(note)}</p>" if note else "" for note in notes)
    return f"{before}<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>{after}"


def text(value: object) -> str:
    """A value in a few words.

    >>> text(0.123456789), text(["a", "b"]), text(None), text(datetime(2026, 3, 1, 12))
    ('0.1235', 'a, b', '', '2026-03-01 12:00')
    """
    match value:
        case None:
            return ""
        case float():
            return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case list():
            return ", ".join(map(text, value))
        case _:
            return str(value)


def _cell(value: object) -> str:
    side = "right" if isinstance(value, int | float) and not isinstance(value, bool) else "left"
    is_long = isinstance(value, str | list) and len(text(value)) > 30
    wrap = "min-width:16em" if is_long else "white-space:nowrap"
    style = f"{_STYLE};text-align:{side};{wrap}"
    return f'<td style="{style}">{in_html(text(value))}</td>'


def _is_told(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row[name] not in (None, "", []) for row in rows)


def _is_same(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return all(row[name] == rows[0][name] for row in rows)
