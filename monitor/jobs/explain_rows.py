"""An explanation as rows, for people, files and notebooks."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from monitor.control.attribution import Part
from monitor.jobs.explain import Explained
from monitor.metrics.base import Undefined, Value

COLUMNS: Final = (
    *("part", "by", "name", "before", "after", "rows_before", "rows_after", "change"),
    *("mix", "mix_lower", "mix_upper", "behaviour", "behaviour_lower", "behaviour_upper"),
    *("distance", "reason"),
)
"""Columns of `rows_of`. `part` is number, split, group or feature."""

TEXTS: Final = ("part", "by", "name", "reason")
COUNTS: Final = ("rows_before", "rows_after")

Row = dict[str, Any]


def rows_of(
    found: Explained, *, groups: int | None = None, features: int | None = None
) -> Iterator[Row]:
    """The number itself, its split by each attribute, the leading groups, the features.

    Args:
        found: what is known.
        groups: most of each attribute; None for all.
        features: most of them; None for all.
    """
    before, after = found.before, found.after
    yield {
        "part": "number",
        "name": found.metric + (f" of {found.column}" if found.column else ""),
        "before": _value(before),
        "after": _value(after),
        "rows_before": before.rows if isinstance(before, Value) else None,
        "rows_after": after.rows if isinstance(after, Value) else None,
        "change": _gap(before, after),
        "reason": next((x.why for x in (after, before) if isinstance(x, Undefined)), None),
    }
    for by, split in found.parted.items():
        if isinstance(split, Undefined):
            yield {"part": "split", "by": by, "reason": split.why}
            continue
        yield {
            "part": "split",
            "by": by,
            "change": split.change,
            "mix": split.mix,
            "mix_lower": split.mix_ends[0],
            "mix_upper": split.mix_ends[1],
            "behaviour": split.behaviour,
            "behaviour_lower": split.behaviour_ends[0],
            "behaviour_upper": split.behaviour_ends[1],
        }
        for share in split.shares[:groups]:
            yield {
                "part": "group",
                "by": by,
                "name": share.name,
                "before": _number(share.before),
                "after": _number(share.after),
                "rows_before": share.before.rows,
                "rows_after": share.after.rows,
                "change": share.mix + share.behaviour,
                "mix": share.mix,
                "behaviour": share.behaviour,
            }
    for one in found.features[:features]:
        yield {
            "part": "feature",
            "name": one.name,
            "rows_after": one.rows,
            "distance": None if one.why else one.distance,
            "reason": one.why or None,
        }


def table_of(found: Explained) -> pa.Table:
    """All rows as an Arrow table with `COLUMNS`."""
    types = {**dict.fromkeys(TEXTS, pa.string()), **dict.fromkeys(COUNTS, pa.int64())}
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in COLUMNS])
    return pa.Table.from_pylist(list(rows_of(found)), schema=schema)


def _value(found: Value | Undefined) -> float | None:
    return found.value if isinstance(found, Value) else None


def _gap(before: Value | Undefined, after: Value | Undefined) -> float | None:
    if isinstance(before, Value) and isinstance(after, Value):
        return after.value - before.value
    return None


def _number(part: Part) -> float | None:
    return part.value if part.rows else None
