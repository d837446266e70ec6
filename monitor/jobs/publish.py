"""Verdicts of published windows: sums of profiles through every metric, and their grounds."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Self

from monitor.cards.card import Card
from monitor.jobs.ageing import Delays
from monitor.jobs.build import layouts_of, numbers
from monitor.jobs.plan import fairness_dimensions, feedback_plan
from monitor.jobs.sums import Usage, by_segment, by_version, people, usage
from monitor.jobs.volume import Usual, usual_rows
from monitor.log.profiles import ProfileTable, Revision
from monitor.metrics import CATALOGUE
from monitor.metrics.base import LeftOut, Metric, Point, Subject, Windows
from monitor.metrics.delay_curve import Ageing
from monitor.metrics.reviewers import FEWEST, withheld
from monitor.metrics.verdict import Verdict, verdicts
from monitor.profiles.family import Family
from monitor.profiles.inputs_plan import InputsPlan
from monitor.profiles.layout import Layout, Profile
from monitor.profiles.named import CONSUMER
from monitor.profiles.segments import ALL, RESERVED, TOGETHER, segment_name, segment_values
from monitor.profiles.windows import feedback_length, instant, levels, seconds_of
from monitor.state.results import ResultRow
from monitor.version import VERSION

BESIDE = {metric.name: metric.beside for metric in CATALOGUE if metric.beside}

HISTORY: Final = 4
"""Windows before one that tell which consumers use predictions."""

_FIRST: Final = seconds_of(datetime(1, 1, 1, tzinfo=UTC))
"""Nothing is before it."""

BY_INPUTS: Final = (Family.INPUTS, Family.FAILURES)
"""Families that are built with the inputs, by their windows and reference."""

METHODS = {metric.name: metric.labels.get("method", "") for metric in CATALOGUE}


@dataclass(frozen=True, slots=True)
class Window:
    """A window whose results people see.

    Attributes:
        kind: publish (one after the other), latest (the last one, sliding) or detect.
        start: Unix seconds.
        end: Unix seconds.
        only: the family of which numbers may be new; None for all.
    """

    kind: str
    start: int
    end: int
    only: Family | None = None

    def asks(self, family: Family) -> bool:
        """Whether there may be new numbers of a family."""
        return self.only in (None, family)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the verdicts of one family on one version in one window have in common.

    Attributes:
        version: of the model.
        stage: rollout stage, "" for all.
        kind: of the window.
        start: of it.
        end: of it.
        completeness: share of its messages that are in the log, None while unknown.
        inputs_hash: of all that the verdicts rest on.
    """

    version: str
    stage: str
    kind: str
    start: datetime
    end: datetime
    completeness: float | None
    inputs_hash: str

    def with_more(self, beside: object) -> Self:
        """The same where verdicts rest on something else too."""
        grown = hashlib.sha256(f"{self.inputs_hash}{beside}".encode()).hexdigest()[:16]
        return replace(self, inputs_hash=grown)


@dataclass(frozen=True, slots=True)
class Publisher:
    """What publishing a model needs.

    Attributes:
        card: of the model.
        plan: by which its inputs were profiled.
        profiles: where the profiles are.
        now: written into the results.
        past: what was published of each version and stage, of the last windows.
        upto: end of the closed time, Unix seconds.
        delays: how fast its outcomes come; None where nobody asks.
        calibration: profile of truth of the reference's rows; None where the log holds none.
        frozen: profile of the reference, None if there is none.
        layouts: by family and id, those that its profiles may have.
    """

    card: Card
    plan: InputsPlan
    profiles: ProfileTable
    now: datetime
    past: Mapping[tuple[str, str], Sequence[Point]] = field(default_factory=dict)
    upto: int = 0
    delays: Delays | None = None
    calibration: Profile | None = None
    frozen: Profile | None = field(init=False, repr=False)
    layouts: Mapping[Family, Mapping[str, Layout]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        reference = self.plan.reference
        profile = reference.profile(self.plan.layout) if reference else None
        object.__setattr__(self, "frozen", profile)
        said = feedback_plan(self.card, self.plan)
        object.__setattr__(self, "layouts", {**layouts_of(self.plan), **layouts_of(said)})

    def results(
        self, windows: Sequence[Window], quarantined: Mapping[Window, int]
    ) -> Iterator[ResultRow]:
        """Every verdict on these windows, window by window.

        A latest window without any prediction has verdicts too, under no version: unknown, and
        why. An earlier one has none, for late predictions may still fill it.

        Args:
            windows: closed ones.
            quarantined: messages of each window that could not be understood; one that names no
                model may have been anybody's and counts for every model.
        """
        held = {
            family: self.held(
                family, [w for w in windows if w.asks(family) or family is Family.INPUTS]
            )
            for family in Family
        }
        earlier = self._earlier(windows)
        for window in windows:
            mine = {family: held[family][window] for family in Family if window.asks(family)}
            consumers = usage(window.end - window.start, mine.get(Family.USE, []), earlier[window])
            completeness = _completeness(held[Family.INPUTS][window], quarantined[window])
            usual = self._usual(window) if window.kind == "latest" else None
            nobody = {("", ""): mine} if window.kind == "latest" else {}
            for (version, stage), by_family in (by_version(mine) or nobody).items():
                yield from self._of_version(
                    window, version, stage, by_family, completeness, consumers, usual
                )

    def _usual(self, window: Window) -> Usual:
        step = _step(self.plan.seconds, window)
        reference = self._reference(Family.INPUTS)
        span = (window.start, window.end, step)
        return usual_rows(self.profiles, self.card.model, reference, *span)

    def weight(self, window: Window) -> int:
        """Numbers in the profiles of all rows that make up a window."""
        steps = (window.end - window.start) // _step(self.plan.seconds, window)
        return steps * numbers(self.layouts)

    def held(self, family: Family, windows: Sequence[Window]) -> dict[Window, list[Revision]]:
        """The latest profiles that make up each window, in the coarsest steps that fit it."""
        by_step: dict[int, list[Window]] = defaultdict(list)
        for window in windows:
            by_step[_step(_length(family, self.plan.seconds), window)].append(window)
        held: dict[Window, list[Revision]] = {}
        for step, some in by_step.items():
            known = defaultdict(list)
            for revision in self.profiles.latest(
                family=family,
                model=self.card.model,
                seconds=step,
                start=instant(min(window.start for window in some)),
                end=instant(max(window.end for window in some)),
                layouts=self.layouts[family],
            ):
                # Profiles of another reference may share the layout; they never add up.
                if revision.partial.key.reference == self._reference(family):
                    known[seconds_of(revision.partial.key.start)].append(revision)
            for window in some:
                # Windows that profiles do not part evenly have none of this family.
                fits = not (window.start % step or window.end % step)
                steps = range(window.start, window.end, step) if fits else ()
                held[window] = [revision for at in steps for revision in known.get(at, ())]
        return held

    def _earlier(self, windows: Sequence[Window]) -> dict[Window, list[list[Revision]]]:
        """Profiles of use of some windows before each, of as many as there may be.

        None before windows of detection, which are short and many.
        """
        before = {
            window: [
                Window(window.kind, start, start + window.end - window.start)
                for start in range(window.start, _FIRST, window.start - window.end)[1 : HISTORY + 1]
                if window.kind != "detect"
            ]
            for window in windows
        }
        every = dict.fromkeys(each for some in before.values() for each in some)
        held = self.held(Family.USE, list(every))
        return {window: [held[each] for each in some] for window, some in before.items()}

    def _of_version(
        self,
        window: Window,
        version: str,
        stage: str,
        held: Mapping[Family, Sequence[Revision]],
        completeness: float | None,
        consumers: Usage,
        usual: Usual | None,
    ) -> Iterator[ResultRow]:
        catalogue = _measured_of(window)
        past = self.past.get((version, stage), ())
        for family, revisions in held.items():
            sums = by_segment(revisions)
            if not sums and _fits(family, self.plan.seconds, window):
                sums[ALL] = Profile.empty(next(iter(self.layouts[family].values())))
            named = people(sums) if family is Family.PEOPLE else {}
            hidden = _withheld(named)
            rests_on = consumers.rests_on if family is Family.USE else ()
            grounds = Grounds(
                version,
                stage,
                window.kind,
                instant(window.start),
                instant(window.end),
                completeness,
                self._basis(revisions, rests_on, completeness),
            )
            for segment in self._published(window, sums):
                # Codes of failures are nobody's secret.
                is_free = segment == ALL or family is Family.FAILURES
                least = 0 if is_free else self.card.fairness.minimum_rows
                is_whole = segment == ALL
                subject = self.subject(sums[segment], segment)
                if is_whole:
                    subject = replace(
                        subject,
                        left_out=_left_out(revisions),
                        before=consumers.before,
                        end=window.end,
                        predictions=_rows(held.get(Family.INPUTS, ())),
                        usual=None if usual is None else usual.get((version, stage), ()),
                        segments=sums,
                        past=past,
                        ageing=self._ageing(window, held.get(Family.TRUTH, ())),
                        calibration=self.calibration,
                    )
                for verdict in verdicts(
                    catalogue,
                    family,
                    subject,
                    self._groups(sums) if is_whole else {},
                    {**named, CONSUMER: self._consumers(consumers)} if is_whole else {},
                    least=least,
                    withheld=_PERSONS if segment in hidden else "",
                ):
                    beside = BESIDE.get(verdict.metric)
                    own = grounds if beside is None else grounds.with_more(beside(subject))
                    yield self.row(own, segment, verdict)

    def _ageing(self, window: Window, held: Iterable[Revision]) -> Ageing | None:
        if self.delays is None:
            return None
        return self.delays.ageing(window.end, self.upto, held)

    def _basis(
        self, revisions: Iterable[Revision], more: Iterable[str], completeness: float | None
    ) -> str:
        """One hash of all that verdicts rest on: profiles, quarantine, reference, card and code."""
        grounds = (self._reference(Family.INPUTS), self.card.hash, VERSION, completeness)
        digest = hashlib.sha256(repr(grounds).encode())
        for line in sorted([*(f"{r.partial.key}{r.hash}" for r in revisions), *more]):
            digest.update(line.encode())
        return digest.hexdigest()[:16]

    def _reference(self, family: Family) -> str:
        reference = self.plan.reference
        return reference.id if reference and family in BY_INPUTS else ""

    def _published(self, window: Window, segments: Iterable[str]) -> list[str]:
        """All rows; but for detection, the values of attributes declared as segments too.

        The names by which feedback is divided have verdicts on windows that don't slide.
        """
        attributes = self.card.contract.attributes if window.kind != "detect" else ()
        followed = {a.name for a in attributes if a.segment}
        return sorted(
            segment
            for segment in segments
            if segment == ALL
            or (segment.startswith(RESERVED) and window.kind == "publish")
            or (len(segment_values(segment)) == 1 and followed >= segment_values(segment).keys())
        )

    def _groups(self, sums: Mapping[str, Profile]) -> dict[str, dict[str, Profile]]:
        """Profile per value, per attribute or attributes over which fairness is measured."""
        groups: dict[str, dict[str, Profile]] = {}
        for dimension in fairness_dimensions(self.card):
            found = {
                segment: profile
                for segment, profile in sums.items()
                if tuple(segment_values(segment)) == dimension
            }
            groups[TOGETHER.join(dimension)] = found
        return groups

    def _consumers(self, consumers: Usage) -> dict[str, Profile]:
        """Profile per consumer; those that the card declares are there in any case."""
        empty = Profile.empty(next(iter(self.layouts[Family.USE].values())))
        return {**dict.fromkeys(self.card.use.consumers, empty), **consumers.profiles}

    def subject(self, profile: Profile, segment: str) -> Subject:
        contract, fastest = self.card.contract, self.card.people.fastest
        return Subject(
            column="",
            current=profile,
            # The reference was profiled as a whole; a segment has nothing to be compared with.
            reference=self.frozen if segment == ALL else None,
            is_part=segment != ALL,
            minimum=self.card.fairness.minimum_rows,
            positive=contract.positive,
            low_confidence=self.plan.low_confidence,
            contract=contract,
            drift_line=self.card.drift.line,
            fastest=fastest.total_seconds() if fastest else None,
        )

    def row(self, grounds: Grounds, segment: str, verdict: Verdict) -> ResultRow:
        """A verdict as the state keeps it."""
        reference = self.plan.reference
        return ResultRow(
            model=self.card.model,
            metric=verdict.metric,
            version=grounds.version,
            stage=grounds.stage,
            segment=segment,
            column_name=verdict.column,
            method=METHODS[verdict.metric],
            window_kind=grounds.kind,
            start=grounds.start,
            end=grounds.end,
            value=verdict.value,
            lower=verdict.lower,
            upper=verdict.upper,
            reference_value=verdict.reference,
            rows=verdict.rows,
            group_rows=verdict.group_rows,
            reference_rows=reference.rows if reference else 0,
            completeness=grounds.completeness,
            status=verdict.status.value,
            reason=verdict.reason,
            reference_id=reference.id if reference else "",
            inputs_hash=grounds.inputs_hash,
            card_hash=self.card.hash,
            code_version=VERSION,
            computed_at=self.now,
        )


def _measured_of(window: Window) -> list[Metric]:
    """The metrics that a window gets."""
    kinds = {"publish": Windows.PUBLISH, "latest": Windows.LATEST}
    wanted = (Windows.EVERY, kinds.get(window.kind))
    return [metric for metric in CATALOGUE if metric.windows in wanted]


def _completeness(inputs: Sequence[Revision], quarantined: int) -> float | None:
    """Share of the window's messages that are in the log; None if there were none."""
    rows = sum(r.partial.rows for r in inputs if r.partial.key.segment == ALL)
    return rows / (rows + quarantined) if rows + quarantined else None


def _length(family: Family, profile: int) -> int:
    return profile if family in BY_INPUTS else feedback_length(profile)


def _step(finest: int, window: Window) -> int:
    """Length of the coarsest profiles that part the window evenly."""
    fits = [s for s in levels(finest) if not (window.start % s or window.end % s)]
    return max(fits, default=finest)


def _fits(family: Family, profile: int, window: Window) -> bool:
    """Whether the window is made of whole profiles of a family; half an hour of labels is not."""
    step = _length(family, profile)
    return not (window.start % step or window.end % step)


def _rows(inputs: Iterable[Revision]) -> int:
    return sum(r.partial.rows for r in inputs if r.partial.key.segment == ALL)


def _left_out(revisions: Iterable[Revision]) -> LeftOut:
    mine = [r.partial for r in revisions if r.partial.key.segment == ALL]
    return LeftOut(sum(p.duplicates for p in mine), sum(p.conflicts for p in mine))


def _withheld(named: Mapping[str, Mapping[str, Profile]]) -> frozenset[str]:
    """Segments of people whose numbers may not be shown."""
    return frozenset(
        segment_name({dimension: name})
        for dimension, groups in named.items()
        for name in withheld(groups)
    )


_PERSONS: Final = f"fewer than {FEWEST} people could be told by it"
