"""What the profile of all rows holds beside what those of groups hold too."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.profiles import columns
from monitor.profiles.accumulator import Accumulator
from monitor.profiles.counts import Counts
from monitor.profiles.distribution import Distribution
from monitor.profiles.inputs_columns import Names, Numbers
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.inputs_read import Read
from monitor.profiles.layout import Ints
from monitor.profiles.novel import of_categories
from monitor.profiles.span import Span


class Whole:
    """Adds features, and what is kept of the outputs of all rows alone, to these sums."""

    def __init__(self, sums: Accumulator, plan: InputsPlan) -> None:
        self._sums = sums
        places = sums.layout.places
        contract = plan.contract
        self._surprise = plan.surprise
        self._span_at = places[Span.name(), columns.EVENT_TIME][2]
        self._latency = Numbers(sums, [columns.LATENCY])
        has_score = (Distribution.name(), columns.SCORE) in places
        self._score = Numbers(sums, [columns.SCORE]) if has_score else None
        has_doubt = bool(contract.classes)
        self._doubt = Numbers(sums, [columns.ENTROPY, columns.MARGIN]) if has_doubt else None
        self._near_at = places[Counts.name(), columns.ROWS][1] + 2
        self._numeric = Numbers(
            sums,
            [columns.feature(f.name) for f in contract.numeric],
            self._surprise.tables if self._surprise else None,
        )
        category = [columns.feature(f.name) for f in contract.category]
        self._category = {name: Names(sums, name) for name in category}

    def add(self, read: Read, rows: Ints, slots: Ints) -> NDArray[np.bool_]:
        """Which rows of the batch are unlike the reference, when some of its rows are added.

        None is where that cannot be told, nor are the rows that are not added.

        Args:
            read: the batch.
            rows: which of its rows, those of one slot side by side.
            slots: profile of each.
        """
        self._add_outputs(read, rows, slots)
        surprise = self._numeric.add(read.numeric, rows, slots)
        for names, places in zip(self._category.values(), read.category.T, strict=True):
            names.add(places, rows, slots)
        novel = np.zeros(read.rows, np.bool_)
        if self._surprise:
            surprise += of_categories(self._surprise, list(self._category), read.category[rows])
            novel[rows] = self._surprise.scaled(surprise) > columns.NOVEL_FROM
        return novel

    def _add_outputs(self, read: Read, rows: Ints, slots: Ints) -> None:
        begins = np.flatnonzero(np.diff(slots, prepend=-1))
        times = read.seconds()[rows]
        self._sums.reach(slots[begins], self._span_at, np.minimum.reduceat(times, begins))
        self._sums.reach(slots[begins], self._span_at, np.maximum.reduceat(times, begins))
        self._latency.add(read.latency, rows, slots)
        if self._score:
            self._score.add(read.score(), rows, slots)
        if self._doubt:
            doubt = read.doubts()
            column = pa.array(doubt.values.reshape(-1), mask=np.isnan(doubt.values).reshape(-1))
            self._doubt.add(column, rows, slots)
            self._sums.add(slots[doubt.near[rows]], self._near_at)
