"""Windows of a model as its detector reads them: profiles by version and segment, as signals."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
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

MOST_LATE: Final = 100
"""Windows of which what was said later is in memory at once: it is kept for every segment."""

_REVIEWS: Final = ("shown", "overridden")
_USES: Final = (USES, USED, "ignored", "blocked")
"""What is counted of reviews and of uses: the rows first, then what is part of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Profiles of consecutive windows.

    Attributes:
        length: of a window [s].
        first: number of the first window.
        sums: by version and segment, shape (t, layout.ints) each.
        hashes: of the profiles of each window; "" where it has none.
        said: by segment, recommendations shown to people and overruled, shape (t, 2) [rows].
        uses: by segment, what consumers said of predictions, as `_USES`, shape (t, 4) [rows].
        truths: by version and segment, sums of outcomes as `profiles.early` names them, shape
            (t, k).
    """

    length: int
    first: int
    sums: Sums
    hashes: Sequence[str]
    said: Mapping[str, Ints] = field(default_factory=dict)
    uses: Mapping[str, Ints] = field(default_factory=dict)
    truths: Sums = field(default_factory=dict)


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
        said, used = self._words(span, lines, asof) if with_late else ({}, {})
        truths = self._truths(span, length, lines, asof) if with_late else {}
        hashes = [_hash(some) for some in lines]
        return Read(length, start // length, sums, hashes, said, used, truths)

    @property
    def truth_lag(self) -> int | None:
        """Windows after which the outcomes of one are read, once; None where they don't fit.

        The age that the card gives; outcomes count as they stood at that age of each prediction,
        so that windows are alike whenever they are read.
        """
        return self.late_by(self.length)

    def late_by(self, length: int) -> int | None:
        """The same of windows of another length [s]."""
        if length % feedback_length(self.plan.seconds):
            return None
        return -(-int(self.card.labels_after.total_seconds()) // length)

    def outcomes(self, span: Range, length: int) -> Sums:
        """By version, sums of outcomes of all rows in a span of whole windows, read late."""
        lines: list[list[str]] = [[] for _ in range((span[1] - span[0]) // length)]
        return self._truths(span, length, lines, None, ALL)

    def truth(self, first: int, last: int, asof: datetime | None = None) -> Sums:
        """By version and segment, sums of outcomes in the windows of these numbers, read late."""
        span = first * self.length, (last + 1) * self.length
        return self._truths(span, self.length, [[] for _ in range(last + 1 - first)], asof)

    def _truths(
        self,
        span: Range,
        length: int,
        lines: Sequence[list[str]],
        asof: datetime | None,
        segment: str | None = None,
    ) -> dict[tuple[str, str], Ints]:
        """What came true of the windows a lag before these, of all segments or one."""
        lag = self.late_by(length)
        if lag is None:
            return {}
        found: dict[tuple[str, str], Ints] = {}
        for revision in self._late(lag, span, length, asof, segment):
            key = revision.partial.key
            if key.segment.startswith(RESERVED):
                continue
            part, begin, _ = revision.partial.profile.layout.places[early.NAME, ""]
            about = key.version, key.segment
            if about not in found:
                found[about] = np.zeros((len(lines), part.ints), np.int64)
            place = (seconds_of(key.start) - span[0]) // length + lag
            sums = revision.partial.profile.ints[begin : begin + part.ints]
            found[about][place] += sums
            lines[place].append(_line(revision, sums.tolist()))
        return found

    @property
    def early(self) -> Mapping[str, Layout]:
        """Layouts of what was said by an age, by id."""
        return layouts_of(feedback_plan(self.card, self.plan))[Family.EARLY]

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
        return -(-int(self.card.reviews_after.total_seconds()) // self.length)

    def _words(
        self, span: Range, lines: Sequence[list[str]], asof: datetime | None
    ) -> tuple[dict[str, Ints], dict[str, Ints]]:
        """What people, and what consumers, did with the predictions of the windows a lag before."""
        both: dict[str, dict[str, Ints]] = {TEAM: {}, CONSUMER: {}}
        for revision in self._spoken(span, asof):
            key = revision.partial.key
            place = (seconds_of(key.start) - span[0]) // self.length + (self.lag or 0)
            of = revision.partial.profile.get(Counts).of
            for dimension, names in ((TEAM, _REVIEWS), (CONSUMER, _USES)):
                if key.segment != ALL and not key.segment.startswith(f"{dimension}="):
                    continue
                known = both[dimension]
                if key.segment not in known:
                    known[key.segment] = np.zeros((len(lines), len(names)), np.int64)
                known[key.segment][place] += [of[name] for name in names]
            lines[place].append(_line(revision, of))
        return both[TEAM], both[CONSUMER]

    def _spoken(self, span: Range, asof: datetime | None = None) -> Iterator[Revision]:
        """What was said of the windows a lag before these, of all and by team and consumer."""
        if self.lag is None:
            return
        for revision in self._late(self.lag, span, self.length, asof):
            segment = revision.partial.key.segment
            if segment == ALL or segment.startswith(RESERVED):
                yield revision

    def _late(
        self,
        lag: int,
        span: Range,
        length: int,
        asof: datetime | None,
        segment: str | None = None,
    ) -> Iterator[Revision]:
        """Profiles of what was said by an age, of the windows a lag before a span."""
        back = lag * length
        step = MOST_LATE * length
        for at in range(span[0] - back, span[1] - back, step):
            yield from self.profiles.latest(
                family=Family.EARLY,
                model=self.card.model,
                seconds=_coarsest(feedback_length(self.plan.seconds), length),
                start=instant(at),
                end=instant(min(at + step, span[1] - back)),
                layouts=self.early,
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
        spoken = self._summed(span)
        teams, consumers = _teams(spoken), _consumers(spoken)
        return replace(found, teams=teams, consumers=consumers, lag=self.truth_lag or 0)

    def _summed(self, span: Range) -> dict[str, Profile]:
        """What was said of a span of windows, all together and by team and consumer."""
        sums: dict[str, Profile] = {}
        for part in parts(span, self.length):
            for revision in self._spoken(part):
                segment, profile = revision.partial.key.segment, revision.partial.profile
                sums[segment] = sums[segment] + profile if segment in sums else profile
        return sums

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
        graded = self._graded(read, {*rows, *(version for version, _ in read.truths)})
        truth = self.truths(ground, {**read.truths, **graded})
        graded_rows = {name: graded_of(contract, sums) for (name, _), sums in graded.items()}
        every_block = {**common, **blocks, **truth}
        return Batch(read.length, read.first, rows, every_block, graded_rows)

    def _graded(self, read: Read, versions: Collection[str]) -> Sums:
        """Sums of outcomes of all rows of these versions, 0 where there are none."""
        nothing = np.zeros((len(read.hashes), len(units(self.plan.contract))), np.int64)
        return {
            (version, ALL): read.truths.get((version, ALL), nothing) for version in sorted(versions)
        }

    def truths(self, ground: Ground, sums: Sums) -> dict[str, Made]:
        """Signals of outcomes by the names of their blocks; none while they have no baseline."""
        usual, contract = ground.usual, self.plan.contract
        if usual is None:
            return {}
        return {
            PREFIX + version: truths(contract, self.scale, usual, version, sums)
            for version, segment in sums
            if segment == ALL
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


def _teams(sums: Mapping[str, Profile]) -> tuple[str, ...] | None:
    """Segments of the teams with most reviews; None where nobody reviewed.

    Teams of too few people to be shown are not watched by themselves.
    """
    teams = names_of(TEAM, sums)
    hidden = withheld({name: sums[at] for name, at in teams.items()})
    kept = {at: sums[at] for name, at in teams.items() if name not in hidden}
    return _most(sums, kept, _REVIEWS[0], MOST_TEAMS)


def _consumers(sums: Mapping[str, Profile]) -> tuple[str, ...] | None:
    """Segments of the consumers that said most; None where none said anything."""
    kept = {at: sums[at] for at in names_of(CONSUMER, sums).values()}
    return _most(sums, kept, _USES[0], MOST_CONSUMERS)


def _most(
    every: Mapping[str, Profile], some: Mapping[str, Profile], of: str, most: int
) -> tuple[str, ...] | None:
    """Those of some segments with most rows, in the order of their names; None if all have none."""
    if ALL not in every or not every[ALL].get(Counts).of[of]:
        return None
    rows = {at: profile.get(Counts).of[of] for at, profile in some.items()}
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


def _line(revision: Revision, numbers: object = None) -> str:
    """What a profile is about, and its hash or the numbers of it that are read."""
    key = revision.partial.key
    held = revision.hash if numbers is None else numbers
    return f"{key.version}\0{key.stage}\0{key.segment}\0{key.start}\0{held}"


def _hash(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
