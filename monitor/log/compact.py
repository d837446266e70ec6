"""Small files made into larger ones whose rows lie model by model."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import pyarrow as pa

from monitor.log.rewrite import File, FilesMovedError, files, read_file, replace
from monitor.log.store import Table

TARGET: Final = 32 << 20
"""Bytes at which a file is large enough; one piece of work reads about so many, and holds
ten times that in memory."""

FEWEST: Final = 8
"""Small files in a partition before it is worth while."""


def compact(table: Table, *, target: int = TARGET, fewest: int = FEWEST) -> int:
    """Number of files done away with.

    Writers go on meanwhile: each group of files is a commit of its own, which changes no data,
    and a group that somebody else touched first is left for the next time.

    Args:
        table: which one.
        target: bytes at which a file is left alone.
        fewest: small files in a partition before it is worth while, at least 2.
    """
    gone = 0
    for group in _groups(files(table.current()), target, fewest):
        try:
            rows = pa.concat_tables([read_file(table, file) for file in group])
            replace(table, group, rows, work="compact", data_change=False)
        except FilesMovedError:
            continue
        gone += len(group) - 1
    return gone


def _groups(live: list[File], target: int, fewest: int) -> Iterator[list[File]]:
    """Small files of one partition, of about `target` bytes together."""
    for _, found in groupby(live, key=lambda file: file.partition):
        small = sorted((f for f in found if f.size < target // 2), key=lambda file: file.size)
        if len(small) < fewest:
            continue
        group: list[File] = []
        size = 0
        for file in small:
            group.append(file)
            size += file.size
            if size >= target:
                yield group
                group, size = [], 0
        if len(group) > 1:
            yield group
