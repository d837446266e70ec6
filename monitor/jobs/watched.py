"""Windows of a model as its detector reads them: profiles by version and segment, as signals."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from monitor.cards.card import Card
from monitor.detection.ground import Columns, Ground, Sums, ground_of, rows_of
from monitor.detection.made import made, volume
from monitor.detection.watching import COMMON, Batch
from monitor.log.profiles import ProfileTable, Revision
from monitor.profiles.family import Family
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Ints
from monitor.profiles.segments import ALL, RESERVED
from monitor.profiles.windows import DAY, Range, ceiling, floor, instant, levels, seconds_of

PORTION: Final = 500
"""Windows whose profiles are in memory at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Profiles of consecutive windows.

    Attributes:
        length: of a window [s].
        first: number of the first window.
        sums: by version and segment, shape (t, layout.ints) each.
        hashes: of the profiles of each window; "" where it has none.
    """

    length: int
    first: int
    sums: Sums
    hashes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading the windows of a model needs.

    Attributes:
        profiles: where they are.
        card: of the model.
        plan: by which its inputs are profiled.
        asof: profiles count as they stood at this time; as they stand without it.
    """

    profiles: ProfileTable
    card: Card
    plan: InputsPlan
    asof: datetime | None = None

    @property
    def length(self) -> int:
        """Of a window of detection [s]."""
        return int(self.card.windows.detect.total_seconds())

    @property
    def columns(self) -> Columns:
        """What the profiles hold."""
        plan = self.plan
        return Columns(plan.layout, plan.group, plan.contract, plan.low_confidence is not None)

    def read(self, span: Range, length: int, asof: datetime | None = None) -> Read:
        """The windows of a length in a span of whole windows, in Unix seconds.

        Args:
            span: whole windows.
            length: of a window [s].
            asof: in place of the reader's.
        """
        start, end = span
        plan = self.plan
        step = max(level for level in levels(plan.seconds) if not length % level)
        revisions = self.profiles.latest(
            family=Family.INPUTS,
            model=self.card.model,
            seconds=step,
            start=instant(start),
            end=instant(end),
            layouts={layout.id: layout for layout in (plan.layout, plan.group)},
            asof=asof or self.asof,
        )
        windows = (end - start) // length
        reference = plan.reference.id if plan.reference else ""
        lines: list[list[str]] = [[] for _ in range(windows)]
        sums: dict[tuple[str, str], Ints] = {}
        for revision in revisions:
            key = revision.partial.key
            if key.reference != reference or key.segment.startswith(RESERVED):
                continue
            place = (seconds_of(key.start) - start) // length
            about = key.version, key.segment
            if about not in sums:
                layout = self.columns.of(key.segment)
                sums[about] = np.zeros((windows, layout.ints), np.int64)
            if revision.partial.profile.layout.ints == sums[about].shape[1]:
                sums[about][place] += revision.partial.profile.ints
            lines[place].append(_line(revision))
        return Read(length, start // length, sums, [_hash(some) for some in lines])

    def ground(self, span: Range, rows: Mapping[str, Ints]) -> Ground:
        """What was usual in a span of whole windows, of which each version had these rows."""
        start, end = ceiling(span[0], DAY), floor(span[1], DAY)
        length = self.length
        if length > DAY or DAY % length or DAY not in levels(self.plan.seconds) or start >= end:
            start, end = span
        else:
            length = DAY
        portions = [self.read(part, length).sums for part in parts((start, end), length)]
        names = {about for sums in portions for about in sums}
        whole = {
            about: np.sum([s[about].sum(axis=0) for s in portions if about in s], axis=0)[None]
            for about in sorted(names)
        }
        return ground_of(self.columns, whole, rows)

    def batch(self, read: Read, ground: Ground, versions: Collection[str] = ()) -> Batch:
        """The signals of these windows, of these versions too where they had no rows."""
        windows = len(read.hashes)
        found = {version for version, segment in read.sums if segment == ALL}
        rows = {
            version: rows_of(self.columns.whole, read.sums[version, ALL])
            if version in found
            else np.zeros(windows, np.int64)
            for version in sorted({*found, *versions})
        }
        every = np.sum(list(rows.values()), axis=0) if rows else np.zeros(windows, np.int64)
        blocks = {
            version: made(self.columns, ground, version, read.sums, windows) for version in rows
        }
        return Batch(read.length, read.first, rows, {COMMON: volume(every), **blocks})

    def rows(self, span: Range) -> Mapping[str, Ints]:
        """Predictions per version in each window of detection of a span; profiles are not read."""
        start, end = span
        length = self.length
        step = max(level for level in levels(self.plan.seconds) if not length % level)
        reference = self.plan.reference.id if self.plan.reference else ""
        windows = max((end - start) // length, 0)
        found: dict[str, Ints] = defaultdict(lambda: np.zeros(windows, np.int64))
        for key, rows in self.profiles.rows_of(
            family=Family.INPUTS,
            model=self.card.model,
            seconds=step,
            start=instant(start),
            end=instant(end),
        ):
            if key.reference == reference and rows:
                found[key.version][(seconds_of(key.start) - start) // length] += rows
        return dict(found)


def parts(span: Range, length: int) -> list[Range]:
    """A span of whole windows in portions that are not too large for memory."""
    start, end = span
    step = PORTION * length
    return [(at, min(at + step, end)) for at in range(start, end, step)]


def _line(revision: Revision) -> str:
    key = revision.partial.key
    return f"{key.version}\0{key.stage}\0{key.segment}\0{key.start}\0{revision.hash}"


def _hash(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
