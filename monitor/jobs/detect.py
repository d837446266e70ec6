"""Detection of a model: every closed window is taken once, and what it asks of people kept."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from monitor.detection import pager, watching
from monitor.detection.made import joined
from monitor.detection.named import OF_TRUTH, Signal, is_muted
from monitor.detection.watching import Batch, Detector, Step, is_version, stepped
from monitor.errors import StateError
from monitor.jobs import checks, drifting
from monitor.jobs.baseline import Learning, basis, learned, ripened, rules_of
from monitor.jobs.book import Book, Entry
from monitor.jobs.story import Teller
from monitor.jobs.watched import Read, Reader, parts
from monitor.jobs.watched_signals import batch_of
from monitor.profiles.windows import Range, floor, instant, seconds_of
from monitor.state import detectors, incidents, mutes
from monitor.state.database import State
from monitor.state.detectors import Check
from monitor.state.incidents import ITSELF, Incident, Status, Tier, What, summary
from monitor.state.mutes import Mute

UNTOUCHED: Final = timedelta(days=30)
"""After so long without news or hands the service itself closes an incident: what it muted is
watched again, from the level that it has by then."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What detecting in a model needs.

    Attributes:
        state: where detectors and incidents are kept.
        reader: of the model's profiles.
        teller: of stories.
        first: time of the model's first event [Unix s].
        upto: end of the closed time.
        now: written into what is found.
    """

    state: State
    reader: Reader
    teller: Teller
    first: int
    upto: datetime
    now: datetime

    @property
    def _model(self) -> str:
        return self.reader.card.model

    @property
    def _length(self) -> int:
        return self.reader.length

    @property
    def _limit(self) -> float:
        return pager.threshold(self._length, self.reader.card.alarms.pages_per_month)

    def run(self) -> int:
        """Number of windows that were taken in."""
        taken = self._paged()
        self._drifted()
        return taken

    def _paged(self) -> int:
        """Number of windows that the pager took in."""
        known = detectors.known(self.state, self._model)
        closed = floor(seconds_of(self.upto), self._length)
        if known is not None and known.basis == basis(self.reader):
            detector = stored(self.reader, known)
            start = seconds_of(known.upto)
            return self._taken(detector, known.more, (start, closed), start)
        found = learned(self.reader, self.first, closed)
        if isinstance(found, Learning):
            # Also where there was a detector: what it last said is no longer looked at.
            check = checks.learning(self._model, found.words, self._limit)
            detectors.put_checks(self.state, self._model, [check])
            return 0
        start = (found.number + 1) * self._length
        # What was told once is not told again when a baseline is learned anew.
        silent = seconds_of(known.upto) if known else start
        with self.state.writing():
            detectors.refuse_moved(self.state, self._model, known.upto if known else None)
            self._put(found, {}, instant(start), [], [])
        return self._taken(found, {}, (start, closed), silent)

    def _drifted(self) -> None:
        """Look for slow drift in the blocks of weeks that closed."""
        known = detectors.known(self.state, self._model)
        if known is None:
            return
        closed = floor(seconds_of(self.upto), self._length)
        before = known.more.get(drifting.KEY, {})
        slow = drifting.Slow(self.reader, self.teller, self.first, closed)
        kept, new = slow.run(self.state, before)
        with self.state.writing():
            if detectors.known(self.state, self._model) != known:
                raise StateError(f"another process looked for slow drift of {self._model} too")
            kept = drifting.written(self.state, kept, new)
            if kept != before:
                detectors.keep(self.state, self._model, {**known.more, drifting.KEY: kept})
            is_open = any(
                one.tier is Tier.SLOW and one.is_open
                for one in incidents.listing(self.state, self._model)
            )
            detectors.add_check(self.state, drifting.check(self._model, kept, is_open=is_open))

    def _taken(self, detector: Detector, more: Mapping[str, Any], span: Range, silent: int) -> int:
        for part in parts(span, self._length):
            detector, more = self._portion(detector, more, part, silent)
        return max(span[1] - span[0], 0) // self._length

    def _portion(
        self, detector: Detector, more: Mapping[str, Any], part: Range, silent: int
    ) -> tuple[Detector, Mapping[str, Any]]:
        """Take in some windows, and write in one transaction all that came of them."""
        read = self.reader.read(part, self._length, with_late=True)
        batch = batch_of(self.reader, read, detector.ground)
        book = Book.of(more)
        detector, acted_on = self._acted(detector, book)
        muting = mutes.said(self.state, self._model)
        said: list[tuple[Step | None, Entry | None]] = []
        closing: list[str] = []
        for place in range(len(read.hashes)):
            number = read.first + place
            detector, ended = let_go(detector, book, number)
            closing += ended
            is_silent = (number + 1) * self._length <= silent
            end = instant((number + 1) * self._length)
            muted = muted_places(detector.signals, muting, end)
            step = self._step(detector, batch, place, muted)
            entry = None
            if step is not None:
                detector = step.detector
                if is_silent and step.call.incident is not None:
                    watch = pager.forgotten(detector.watch, step.call.incident)
                    detector = replace(detector, watch=watch)
                elif not is_silent and (step.call.incident is not None or step.call.is_ticket):
                    detector, entry = self._called(step, book, end)
                if (ripe := ripened(self.reader, detector)) is not detector:
                    detector = ripe
                    batch = batch_of(self.reader, read, detector.ground)
            said.append((step, entry))
        with self.state.writing():
            detectors.refuse_moved(self.state, self._model, instant(part[0]))
            named = book.write(self.state, self.now)
            slow = more.get(drifting.KEY, {})
            for identity in acted_on:
                if incidents.one(self.state, identity).status is Status.RESOLVED:
                    slow = drifting.resolved(slow, identity)
                incidents.take(self.state, identity, instant(part[0]))
            for identity in closing:
                self._close(identity, instant(part[0]))
            mutes.take(self.state, muting, instant(part[0]))
            after = self._put(
                detector,
                {**more, **book.to_json(), drifting.KEY: slow},
                instant(part[1]),
                self._windows(read, said, named),
                self._checks([step for step, _ in said]),
            )
        return detector, after

    def _step(
        self, detector: Detector, batch: Batch, place: int, muted: Sequence[int]
    ) -> Step | None:
        return stepped(detector, batch, place, rules_of(self.reader.card), muted)

    def _called(self, step: Step, book: Book, end: datetime) -> tuple[Detector, Entry | None]:
        """Put what a window asks of people into the book; the detector that goes on from it."""
        call, detector = step.call, step.detector
        number = detector.number
        leads = self.teller.leads(step)
        place = placed(step, book)
        if place.covered:
            # The incident stays as it was accepted: a replay takes its leads for what was.
            return covered(step), None
        if call.is_worse and place.joins is not None:
            return detector, book.worsen(place.joins, number, end, leads)
        if place.joins is not None:
            return detector, book.join(place.joins, number, end, leads)
        since = incidents.begin(leads)
        opened = Incident(
            id="",
            model=self._model,
            tier=Tier.PAGE if call.is_page else Tier.TICKET,
            status=Status.OPEN,
            opened=end,
            updated=end,
            since=since,
            evidence=call.log_evidence / math.log(10),
            summary=summary(self._model, leads, since),
            leads=tuple(leads),
            story=self.teller.story(step, leads),
        )
        return detector, book.open(number, opened)

    def _acted(self, detector: Detector, book: Book) -> tuple[Detector, list[str]]:
        """The detector after what people did since the last window, and to which incidents."""
        numbers = {name: number for number, name in book.ids.items()}
        done = []
        for identity, act in incidents.untaken(self.state, self._model):
            incident = incidents.one(self.state, identity)
            number = numbers.get(identity)
            detector = acted(detector, act.what, incident, number)
            if number is not None:
                book.ended(number)
            if act.what is What.ACCEPT and covers_more(incident):
                book.accepted = (detector.number + 1, identity)
            done.append(identity)
        return detector, done

    def _close(self, identity: str, window: datetime) -> None:
        if incidents.one(self.state, identity).is_open:
            reason = f"nobody acted within {UNTOUCHED.days} days; what it muted is watched again"
            incidents.act(
                self.state, identity, What.RESOLVE, who=ITSELF, reason=reason, now=self.now
            )
            incidents.take(self.state, identity, window)

    def _windows(
        self,
        read: Read,
        said: Sequence[tuple[Step | None, Entry | None]],
        named: Mapping[Entry, str],
    ) -> list[detectors.Window]:
        found = []
        for place, (step, entry) in enumerate(said):
            evidence = step.call.log_evidence if step else -math.inf
            found.append(
                detectors.Window(
                    self._model,
                    instant((read.first + place + 1) * self._length),
                    evidence if math.isfinite(evidence) else None,
                    self._limit,
                    named.get(entry, "") if entry else "",
                    read.hashes[place],
                    self.now,
                )
            )
        return found

    def _checks(self, steps: Sequence[Step | None]) -> list[Check]:
        last = next((step for step in reversed(steps) if step is not None), None)
        if last is None:
            return detectors.checks(self.state, self._model)
        return checks.checks(self._model, last, self._limit)

    def _put(
        self,
        detector: Detector,
        more: Mapping[str, Any],
        upto: datetime,
        windows: Sequence[detectors.Window],
        standing: Sequence[Check],
    ) -> Mapping[str, Any]:
        after = {**more, "detector": detector.to_json()}
        names = [signal.name for signal in detector.signals]
        blob = detector.watch.to_bytes()
        kept = detectors.Detector(self._model, upto, basis(self.reader), names, blob, after)
        detectors.put(self.state, kept, windows, standing)
        return after


def stored(reader: Reader, known: detectors.Detector) -> Detector:
    """The detector of a model as it was stored."""
    plain = Detector.read(known.watch, known.more["detector"], ())
    nothing = Read(reader.length, 0, {}, [])
    versions = [name for name in plain.blocks if is_version(name)]
    batch = batch_of(reader, nothing, plain.ground, versions)
    return replace(plain, signals=joined([batch.blocks[name] for name in plain.blocks]).signals)


@dataclass(frozen=True, slots=True)
class Place:
    """Where what a window asks of people belongs; a new incident if nowhere.

    Attributes:
        covered: id of the accepted page whose change it is, "" for none: the level was accepted,
            and these signals only took longer to show it.
        joins: number of the open page that it joins, None for none.
    """

    covered: str
    joins: int | None


def placed(step: Step, book: Book) -> Place:
    """Where a call belongs."""
    call, watch = step.call, step.detector.watch
    number = step.detector.number
    is_new = (call.is_page or call.is_ticket) and not _is_late(step)
    identity = book.covers(number, call.since) if is_new else ""
    joins = call.incident if not call.is_page else None
    if call.is_ticket and number - watch.joined <= pager.JOINING:
        # What a page has left behind of the same cause.
        joins = max(watch.open, default=None)
    return Place(identity, joins)


def _is_late(step: Step) -> bool:
    """Whether outcomes lead a call: no accepted shift of inputs covers what they say."""
    return step.detector.signals[step.call.leads[0].signal].group in OF_TRUTH


def covers_more(incident: Incident) -> bool:
    """Whether accepting an incident covers what began before and shows only later."""
    late = tuple(f"{group}/" for group in OF_TRUTH)
    return incident.tier is Tier.PAGE and not incident.leads[0].signal.startswith(late)


def covered(step: Step) -> Detector:
    """The detector after a call about what was accepted already."""
    signals = step.detector.signals
    effects = {signals[lead.signal].name: lead.effect for lead in step.call.leads}
    return watching.accepted(step.detector, effects)


def acted(detector: Detector, what: What, incident: Incident, number: int | None) -> Detector:
    """The detector after somebody ended an incident, which the pager knows by its number."""
    if number is not None:
        end = pager.forgotten if what is What.ACCEPT else pager.closed
        detector = replace(detector, watch=end(detector.watch, number))
    if what is What.ACCEPT and incident.tier in (Tier.PAGE, Tier.TICKET):
        effects = {lead.signal: lead.effect for lead in incident.leads}
        detector = watching.accepted(detector, effects)
    return detector


def muted_places(signals: Sequence[Signal], said: Sequence[Mute], end: datetime) -> list[int]:
    """Places of the signals that are muted in a window that ends then."""
    until = {mute.signal: mute.until for mute in said}
    active = [name for name, time in until.items() if end <= time]
    return [i for i, s in enumerate(signals) if any(is_muted(s, name) for name in active)]


def let_go(detector: Detector, book: Book, number: int) -> tuple[Detector, list[str]]:
    """The detector without pages that nothing came to for long, and the ids of these."""
    patience = int(UNTOUCHED.total_seconds()) // detector.watch.state.length
    ended = []
    for key, last in list(book.last.items()):
        if number - last > patience:
            detector = replace(detector, watch=pager.forgotten(detector.watch, key))
            ended += [book.ids[key]] if key in book.ids else []
            entry = (Tier.PAGE, key)
            if entry in book.new:
                book.new[entry] = replace(book.new[entry], status=Status.RESOLVED)
            book.ended(key)
    return detector, ended
