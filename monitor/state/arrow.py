"""What the state holds, as Arrow tables."""

from collections.abc import Collection, Iterable
from dataclasses import fields
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa

from monitor.state.incidents import Incident
from monitor.state.results import ResultRow
from monitor.state.reviews import Leak
from monitor.state.slices import Followed

_TIME: Final = pa.timestamp("us", tz="UTC")
_TYPES: Final[dict[object, pa.DataType]] = {
    str: pa.string(),
    int: pa.int64(),
    int | None: pa.int64(),
    bool: pa.bool_(),
    list[str]: pa.list_(pa.string()),
}


def results_table(rows: Iterable[ResultRow]) -> pa.Table:
    """Results in their order, a column per attribute; a number that is not known is null."""
    return _table(ResultRow, rows)


def leaks_table(rows: Iterable[Leak]) -> pa.Table:
    """Leaks in their order, a column per attribute."""
    return _table(Leak, rows)


def incidents_table(rows: Iterable[Incident]) -> pa.Table:
    """Incidents in their order, a column per attribute that is one value: no leads, story, acts."""
    return _table(Incident, rows, without=("leads", "story", "acts"))


def slices_table(rows: Iterable[Followed]) -> pa.Table:
    """Slices in their order, a column per attribute."""
    return _table(Followed, rows)


def _table(kind: type, rows: Iterable[object], without: Collection[str] = ()) -> pa.Table:
    some = list(rows)
    held = [(f.name, _type(f.type)) for f in fields(kind) if f.name not in without]
    columns = [pa.array([getattr(row, name) for row in some], of) for name, of in held]
    return pa.table(columns, schema=pa.schema(held))


def _type(annotation: Any) -> pa.DataType:  # noqa: ANN401 - what dataclasses give
    if "datetime" in str(annotation):
        return _TIME
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return pa.string()
    return _TYPES.get(annotation, pa.float64())
