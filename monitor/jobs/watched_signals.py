"""The signals of windows that were read."""

from collections.abc import Collection

import numpy as np

from monitor.detection.ground import Ground, Sums, rows_of
from monitor.detection.made import Made, made, reviews, uses, volume
from monitor.detection.truths import PREFIX, truths
from monitor.detection.truths import rows_of as graded_of
from monitor.detection.watching import COMMON, PEOPLE, USE, Batch
from monitor.jobs.watched import Read, Reader
from monitor.profiles.early import units
from monitor.profiles.segments import ALL


def batch_of(reader: Reader, read: Read, ground: Ground, versions: Collection[str] = ()) -> Batch:
    """The signals of these windows, of these versions too where they had no rows."""
    windows, contract = len(read.hashes), reader.plan.contract
    found = {version for version, segment in read.sums if segment == ALL}
    rows = {
        version: rows_of(reader.columns.whole, read.sums[version, ALL])
        if version in found
        else np.zeros(windows, np.int64)
        for version in sorted({*found, *versions})
    }
    every = np.sum(list(rows.values()), axis=0) if rows else np.zeros(windows, np.int64)
    blocks = {
        version: made(reader.columns, ground, version, read.sums, windows) for version in rows
    }
    common = {COMMON: volume(every)}
    if ground.teams is not None:
        common[PEOPLE] = reviews(ground.teams, read.said, windows)
    if ground.consumers is not None:
        common[USE] = uses(ground.consumers, read.uses, windows)
    nothing = np.zeros((windows, len(units(contract))), np.int64)
    graded = {
        (version, ALL): read.truths.get((version, ALL), nothing)
        for version in sorted({*rows, *(version for version, _ in read.truths)})
    }
    truth = truths_of(reader, ground, {**read.truths, **graded})
    graded_rows = {name: graded_of(contract, sums) for (name, _), sums in graded.items()}
    every_block = {**common, **blocks, **truth}
    return Batch(read.length, read.first, rows, every_block, graded_rows)


def truths_of(reader: Reader, ground: Ground, sums: Sums) -> dict[str, Made]:
    """Signals of outcomes by the names of their blocks; none while they have no baseline."""
    usual, contract = ground.usual, reader.plan.contract
    if usual is None:
        return {}
    return {
        PREFIX + version: truths(contract, reader.late.scale, usual, version, sums)
        for version, segment in sums
        if segment == ALL
    }
