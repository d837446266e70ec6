"""Results as an Arrow table."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

import pyarrow as pa

from monitor.state.results import ResultRow

_TIME: Final = pa.timestamp("us", tz="UTC")
_TYPES: Final[dict[object, pa.DataType]] = {
    str: pa.string(),
    int: pa.int64(),
    int | None: pa.int64(),
}


def _type(annotation: Any) -> pa.DataType:  # noqa: ANN401 - what dataclasses give
    if "datetime" in str(annotation):
        return _TIME
    return _TYPES.get(annotation, pa.float64())


SCHEMA: Final = pa.schema([(field.name, _type(field.type)) for field in fields(ResultRow)])
"""A column per attribute of `ResultRow`; times in UTC, a number that is not known is null."""


def results_table(rows: Iterable[ResultRow]) -> pa.Table:
    """The rows in their order, with the columns of `SCHEMA`."""
    some = list(rows)
    columns = [pa.array([getattr(row, field.name) for row in some], field.type) for field in SCHEMA]
    return pa.table(columns, schema=SCHEMA)
