"""Windows of a model as its detector reads them: profiles by version and segment, as signals."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from monitor.cards.card import Card
from monitor.detection.ground import Columns, Ground, Sums, ground_of, rows_of
from monitor.detection.made import Made, made, reviews, uses, volume
from monitor.detection.truths import PREFIX, truths
from monitor.detection.truths import rows_of as graded_of
from monitor.detection.watching import COMMON, PEOPLE, USE, Batch
from monitor.jobs.build import layouts_of
from monitor.jobs.plan import feedback_plan
from monitor.log.profiles import ProfileTable, Revision
from monitor.metrics.reviewers import withheld
from monitor.profiles import early
from monitor.profiles.counts import Counts
from monitor.profiles.early import units
from monitor.profiles.family import Family
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Ints, Layout, Profile
from monitor.profiles.named import CONSUMER, TEAM, names_of
from monitor.profiles.segments import ALL, RESERVED
from monitor.profiles.used import USED, USES
from monitor.profiles.windows import (
    DAY,
    Range,
    ceiling,
    feedback_length,
    floor,
    instant,
    levels,
    seconds_of,
)

MOST_TEAMS: Final = 20
"""Teams whose reviews are watched by themselves, those with most."""

MOST_CONSUMERS: Final = 20
"""Consumers whose use is watched by itself, those that say most."""

PORTION: Final = 500
"""Windows whose profiles are in memory at once."""

MOST_OF_PEOPLE: Final = 20
"""Windows whose profiles of feedback are: they are many times as large, and few of their numbers
are needed."""


_COUNTED: Final[Mapping[Family, tuple[str, ...]]] = {
    Family.PEOPLE: ("shown", "overridden"),
    Family.USE: (USES, USED, "ignored", "blocked"),
}
"""Counts of what is done with predictions that are read: rows first, then what is part of them."""

_NAMED: Final[Mapping[Family, str]] = {Family.PEOPLE: TEAM, Family.USE: CONSUMER}
"""By whom it is divided."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Profiles of consecutive windows.

    Attributes:
        length: of a window [s].
        first: number of the first window.
        sums: by version and segment, shape (t, layout.ints) each.
        hashes: of the profiles of each window; "" where it has none.
        said: by segment, recommendations shown to people and overruled, shape (t, 2) [rows].
        uses: by segment, what consumers said of predictions, as `_COUNTED`, shape (t, 4) [rows].
        truths: by version, sums of outcomes as `profiles.early` names them, shape (t, k).
    """

    length: int
    first: int
    sums: Sums
    hashes: Sequence[str]
    said: Mapping[str, Ints] = field(default_factory=dict)
    uses: Mapping[str, Ints] = field(default_factory=dict)
    truths: Mapping[str, Ints] = field(default_factory=dict)


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

    def read(
        self, span: Range, length: int, asof: datetime | None = None, *, with_late: bool = False
    ) -> Read:
        """The windows of a length in a span of whole windows, in Unix seconds.

        Args:
            span: whole windows.
            length: of a window [s].
            asof: in place of the reader's.
            with_late: whether with what is read late, of windows of detection: what people and
                consumers did and what came true.
        """
        start, end = span
        plan = self.plan
        revisions = self.profiles.latest(
            family=Family.INPUTS,
            model=self.card.model,
            seconds=_coarsest(plan.seconds, length),
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
        said = self._told(Family.PEOPLE, span, lines, asof) if with_late else {}
        used = self._told(Family.USE, span, lines, asof) if with_late else {}
        truths = self._truths(span, lines, asof) if with_late else {}
        hashes = [_hash(some) for some in lines]
        return Read(length, start // length, sums, hashes, said, used, truths)

    @property
    def truth_lag(self) -> int | None:
        """Windows after which the outcomes of one are read, once; None where they don't fit.

        The age that the card gives; outcomes count as they stood at that age of each prediction,
        so that windows are alike whenever they are read.
        """
        if self.length % feedback_length(self.plan.seconds):
            return None
        return -(-int(self.card.labels_after.total_seconds()) // self.length)

    def truth(self, first: int, last: int, asof: datetime | None = None) -> Mapping[str, Ints]:
        """By version, sums of outcomes in the windows of these numbers, each read late."""
        span = first * self.length, (last + 1) * self.length
        return self._truths(span, [[] for _ in range(last + 1 - first)], asof)

    def _truths(
        self, span: Range, lines: Sequence[list[str]], asof: datetime | None
    ) -> dict[str, Ints]:
        """What came true of the windows a lag before these."""
        lag = self.truth_lag
        if lag is None:
            return {}
        layouts = layouts_of(feedback_plan(self.card, self.plan))[Family.TRUTH]
        found: dict[str, Ints] = {}
        for revision in self._late(Family.TRUTH, layouts, lag, span, asof, ALL):
            key, layout = revision.partial.key, revision.partial.profile.layout
            part, begin, _ = layout.places[early.NAME, ""]
            if key.version not in found:
                found[key.version] = np.zeros((len(lines), part.ints), np.int64)
            place = (seconds_of(key.start) - span[0]) // self.length + lag
            found[key.version][place] += revision.partial.profile.ints[begin : begin + part.ints]
            lines[place].append(_line(revision))
        return found

    @property
    def scale(self) -> float:
        """In which errors of numbers are counted, in their unit."""
        return feedback_plan(self.card, self.plan).scale

    @property
    def lag(self) -> int | None:
        """Windows after which reviews and uses of one are read, once; None where they don't fit.

        The time that the card gives reviews, else a day: later ones count in no bet.
        """
        finest = feedback_length(self.plan.seconds)
        if self.length % finest:
            return None
        within = self.card.policy.within if self.card.policy else timedelta(days=1)
        return -(-int(within.total_seconds()) // self.length)

    def _told(
        self, family: Family, span: Range, lines: Sequence[list[str]], asof: datetime | None
    ) -> dict[str, Ints]:
        """What was done with the predictions of the windows a lag before these."""
        names = _COUNTED[family]
        found: dict[str, Ints] = defaultdict(lambda: np.zeros((len(lines), len(names)), np.int64))
        for revision in self._spoken(family, span, asof):
            key = revision.partial.key
            place = (seconds_of(key.start) - span[0]) // self.length + (self.lag or 0)
            of = revision.partial.profile.get(Counts).of
            found[key.segment][place] += [of[name] for name in names]
            lines[place].append(_line(revision))
        return dict(found)

    def _spoken(self, family: Family, span: Range, asof: datetime | None) -> Iterator[Revision]:
        """Profiles of a family, all together and by name, of the windows a lag before these."""
        if self.lag is None:
            return
        layouts = layouts_of(feedback_plan(self.card, self.plan))[family]
        for revision in self._late(family, layouts, self.lag, span, asof):
            segment = revision.partial.key.segment
            if segment != ALL and not segment.startswith(_NAMED[family]):
                continue
            # What no consumer speaks of has a profile of use too, which says nothing.
            if family is Family.USE and not revision.partial.profile.get(Counts).of[USES]:
                continue
            yield revision

    def _late(
        self,
        family: Family,
        layouts: Mapping[str, Layout],
        lag: int,
        span: Range,
        asof: datetime | None,
        segment: str | None = None,
    ) -> Iterator[Revision]:
        """Profiles of feedback of the windows a lag before a span."""
        back = lag * self.length
        step = MOST_OF_PEOPLE * self.length
        for at in range(span[0] - back, span[1] - back, step):
            yield from self.profiles.latest(
                family=family,
                model=self.card.model,
                seconds=_coarsest(feedback_length(self.plan.seconds), self.length),
                start=instant(at),
                end=instant(min(at + step, span[1] - back)),
                layouts=layouts,
                segment=segment,
                asof=asof or self.asof,
            )

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
        found = ground_of(self.columns, whole, rows)
        teams, consumers = self._teams(span), self._consumers(span)
        return replace(found, teams=teams, consumers=consumers, lag=self.truth_lag or 0)

    def _teams(self, span: Range) -> tuple[str, ...] | None:
        """Segments of the teams with most reviews in a span; None where nobody reviewed.

        Teams of too few people to be shown are not watched by themselves.
        """
        sums = self._summed(Family.PEOPLE, span)
        if sums is None:
            return None
        teams = names_of(TEAM, sums)
        hidden = withheld({name: sums[at] for name, at in teams.items()})
        kept = {at: sums[at] for name, at in teams.items() if name not in hidden}
        return _most(Family.PEOPLE, kept, MOST_TEAMS)

    def _consumers(self, span: Range) -> tuple[str, ...] | None:
        """Segments of the consumers that said most in a span; None where none said anything."""
        sums = self._summed(Family.USE, span)
        if sums is None:
            return None
        kept = {at: sums[at] for at in names_of(CONSUMER, sums).values()}
        return _most(Family.USE, kept, MOST_CONSUMERS)

    def _summed(self, family: Family, span: Range) -> dict[str, Profile] | None:
        """Profiles of a span by segment; None where all together have no rows."""
        sums: dict[str, Profile] = {}
        for part in parts(span, self.length):
            for revision in self._spoken(family, part, None):
                segment, profile = revision.partial.key.segment, revision.partial.profile
                sums[segment] = sums[segment] + profile if segment in sums else profile
        return sums if ALL in sums and _rows(family, sums[ALL]) else None

    def batch(self, read: Read, ground: Ground, versions: Collection[str] = ()) -> Batch:
        """The signals of these windows, of these versions too where they had no rows."""
        windows, contract = len(read.hashes), self.plan.contract
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
        common = {COMMON: volume(every)}
        if ground.teams is not None:
            common[PEOPLE] = reviews(ground.teams, read.said, windows)
        if ground.consumers is not None:
            common[USE] = uses(ground.consumers, read.uses, windows)
        graded = self._graded(read, {*rows, *read.truths})
        truth = self.truths(ground, graded)
        graded_rows = {name: graded_of(contract, sums) for name, sums in graded.items()}
        every_block = {**common, **blocks, **truth}
        return Batch(read.length, read.first, rows, every_block, graded_rows)

    def _graded(self, read: Read, versions: Collection[str]) -> Mapping[str, Ints]:
        """Sums of outcomes of these versions, 0 where there are none."""
        nothing = np.zeros((len(read.hashes), len(units(self.plan.contract))), np.int64)
        return {version: read.truths.get(version, nothing) for version in sorted(versions)}

    def truths(self, ground: Ground, sums: Mapping[str, Ints]) -> dict[str, Made]:
        """Signals of outcomes by the names of their blocks; none while they have no baseline."""
        usual, contract = ground.usual, self.plan.contract
        if usual is None:
            return {}
        return {
            PREFIX + version: truths(contract, self.scale, usual, version, some)
            for version, some in sums.items()
        }

    def rows(self, span: Range) -> Mapping[str, Ints]:
        """Predictions per version in each window of detection of a span; profiles are not read."""
        start, end = span
        length = self.length
        reference = self.plan.reference.id if self.plan.reference else ""
        windows = max((end - start) // length, 0)
        found: dict[str, Ints] = defaultdict(lambda: np.zeros(windows, np.int64))
        for key, rows in self.profiles.rows_of(
            family=Family.INPUTS,
            model=self.card.model,
            seconds=_coarsest(self.plan.seconds, length),
            start=instant(start),
            end=instant(end),
        ):
            if key.reference == reference and rows:
                found[key.version][(seconds_of(key.start) - start) // length] += rows
        return dict(found)


def _rows(family: Family, profile: Profile) -> int:
    return int(profile.get(Counts).of[_COUNTED[family][0]])


def _most(family: Family, sums: Mapping[str, Profile], most: int) -> tuple[str, ...]:
    """Segments with most rows, in the order of their names."""
    rows = {at: _rows(family, profile) for at, profile in sums.items()}
    kept = sorted((at for at in rows if rows[at]), key=lambda at: (-rows[at], at))
    return tuple(sorted(kept[:most]))


def parts(span: Range, length: int) -> list[Range]:
    """A span of whole windows in portions that are not too large for memory."""
    start, end = span
    step = PORTION * length
    return [(at, min(at + step, end)) for at in range(start, end, step)]


def _coarsest(finest: int, length: int) -> int:
    """Length of the coarsest profiles of which windows of a length are made [s]."""
    return max(level for level in levels(finest) if not length % level)


def _line(revision: Revision) -> str:
    key = revision.partial.key
    return f"{key.version}\0{key.stage}\0{key.segment}\0{key.start}\0{revision.hash}"


def _hash(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
