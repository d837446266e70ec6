"""Some rows of a table, of which a column is moved only when it is asked for."""

from typing import Self

import pyarrow as pa

from monitor.profiles.layout import Ints


class Picked:
    """Rows of a table by their numbers, in any order; feedback has 20 columns, and few are read.

    Args:
        table: all rows, in one chunk.
        places: row of the table of each, null for a row of nulls, shape (n,).
    """

    def __init__(self, table: pa.Table, places: pa.Array) -> None:
        self._table, self._places = table, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """A column, n values."""
        return self._table[name].take(self._places)

    def take(self, rows: Ints) -> Self:
        """Of these the rows with these numbers; of nulls where it is negative."""
        return type(self)(self._table, self._places.take(pa.array(rows, mask=rows < 0)))
