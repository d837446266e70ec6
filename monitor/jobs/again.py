"""Detection once more on stored history, without writing anything: as it would be, or as it was."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from monitor.detection import pager, watching
from monitor.detection.watching import Detector, Step, stepped
from monitor.errors import StateError
from monitor.jobs import dirty, references
from monitor.jobs.baseline import Learning, learned, ripened, rules_of
from monitor.jobs.book import Book
from monitor.jobs.detect import acted, covered, covers_more, let_go, muted_places, placed
from monitor.jobs.plan import inputs_plan
from monitor.jobs.service import Opened
from monitor.jobs.watched import Reader, parts
from monitor.jobs.watched_signals import batch_of
from monitor.log.definitions import Definitions
from monitor.log.profiles import ProfileTable
from monitor.profiles.windows import DAY, floor, instant, seconds_of
from monitor.state import detectors, incidents, mutes, progress
from monitor.state.incidents import Incident, Tier, What
from monitor.told import Told, tell_nobody

ANSWERED: Final = DAY
"""In a backtest somebody takes what a page showed for normal after so long [s]."""


@dataclass(frozen=True, slots=True)
class Paged:
    """A page or ticket that would have been.

    Attributes:
        at: end of the window.
        tier: page or ticket.
        evidence: natural logarithm of the evidence.
        since: start of the window at which the leading change most likely began.
        signals: behind it, the greatest first.
    """

    at: datetime
    tier: Tier
    evidence: float
    since: datetime
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What would have called people.

    Attributes:
        start: from when on a baseline was there and was asked for.
        end: of the last window.
        calls: pages and tickets, in order.
    """

    start: datetime
    end: datetime
    calls: tuple[Paged, ...]


def reader_of(opened: Opened, model: str) -> Reader:
    """A reader of a model's profiles as they are made now.

    Raises:
        StateError: the model has no card.
    """
    if (card := opened.cards.get(model)) is None:
        raise StateError(f'there is no card of "{model}"; see: mbm models list')
    reference = references.in_force(opened.state, Definitions.open(opened.store), card)
    return Reader(ProfileTable.open(opened.store), card, inputs_plan(card, reference))


def backtest(
    opened: Opened,
    model: str,
    start: datetime,
    end: datetime,
    *,
    told: Told = tell_nobody,
) -> Backtest:
    """What would have called people in [start, end) with the card as it is.

    Profiles count as they stand; a page is taken for the new normal a day after it came. `told` is
    told how much of the time is done, after every part of it.

    Raises:
        StateError: there is no baseline yet, and what it lacks.
    """
    reader = reader_of(opened, model)
    length = reader.length
    detector = _begun(opened, reader)
    rules = rules_of(reader.card)
    begin = max(floor(seconds_of(start), length), (detector.number + 1) * length)
    last = min(floor(seconds_of(end), length), _closed(opened, reader))
    calls: list[Paged] = []
    waiting: dict[int, dict[str, float]] = {}
    book = Book()
    first = (detector.number + 1) * length
    for part in parts((first, last), length):
        read = reader.read(part, length, with_late=True)
        batch = batch_of(reader, read, detector.ground)
        for place in range((part[1] - part[0]) // length):
            number = batch.first + place
            for key in [key for key in waiting if (number - key) * length >= ANSWERED]:
                detector = replace(detector, watch=pager.forgotten(detector.watch, key))
                detector = watching.accepted(detector, waiting.pop(key))
                book.accepted = (detector.number + 1, str(key))
            step = stepped(detector, batch, place, rules)
            if step is None:
                continue
            call = step.call
            is_new = _is_new(step, book)
            detector = _settled(step, book, str(call.incident))
            if call.incident is not None and (detector.watch.incident == call.incident).any():
                effects = {detector.signals[x.signal].name: x.effect for x in call.leads}
                waiting.setdefault(call.incident, {}).update(effects)
            if is_new and (number + 1) * length > begin:
                calls.append(_paged(step, length))
            if (after := ripened(reader, detector)) is not detector:
                detector = after
                batch = batch_of(reader, read, detector.ground)
        told(model, part[1] - first, last - first)
    return Backtest(instant(begin), instant(max(last, begin)), tuple(calls))


def _is_new(step: Step, book: Book) -> bool:
    """Whether a window would have called people: a new incident, or one that grew worse."""
    if step.call.is_worse:
        return True
    if not (step.call.is_page or step.call.is_ticket):
        return False
    place = placed(step, book)
    return not place.covered and place.joins is None


def _paged(step: Step, length: int) -> Paged:
    detector, call = step.detector, step.call
    return Paged(
        instant((detector.number + 1) * length),
        Tier.TICKET if call.is_ticket else Tier.PAGE,
        call.log_evidence,
        instant(call.since * length),
        tuple(detector.signals[lead.signal].name for lead in call.leads),
    )


@dataclass(frozen=True, slots=True)
class Replayed:
    """A window computed again.

    Attributes:
        before: as it was told.
        log_evidence: as it comes out now; None for nothing at all.
        inputs_hash: of the profiles that it was read from now.
    """

    before: detectors.Window
    log_evidence: float | None
    inputs_hash: str

    @property
    def is_same(self) -> bool:
        """Whether every bit is."""
        return self.log_evidence == self.before.log_evidence


def replayed(
    opened: Opened, model: str, end: datetime, *, told: Told = tell_nobody
) -> Iterator[Replayed]:
    """The windows of a model's detector up to one that ends then, computed again.

    Each from its profiles as they stood when it was told, with what people did by then. `told` is
    told before each how much of the time is done.

    Raises:
        StateError: nothing was told of that window, or there is no baseline.
    """
    reader = reader_of(opened, model)
    windows = detectors.windows(opened.state, model, end=end)
    if not windows or windows[-1].end != end:
        raise StateError(f"nothing was told of a window of {model} that ends {end.isoformat()}")
    length = reader.length
    detector = _begun(opened, reader, windows[0].at)
    done = _acts(opened, model)
    muting = mutes.said(opened.state, model)
    rules = rules_of(reader.card)
    book = Book()
    for place, window in enumerate(windows):
        told(model, place * length, len(windows) * length)
        start = seconds_of(window.end) - length
        if start // length <= detector.number:
            continue
        for incident, act in done.get(instant(start), ()):
            number = {name: number for number, name in book.ids.items()}.get(incident.id)
            detector = acted(detector, act.what, incident, number)
            if number is not None:
                book.ended(number)
            if act.what is What.ACCEPT and covers_more(incident):
                book.accepted = (detector.number + 1, incident.id)
        detector, _ = let_go(detector, book, start // length)
        read = reader.read((start, start + length), length, window.at, with_late=True)
        batch = batch_of(reader, read, detector.ground)
        active = [m for m in muting if m.taken is not None and m.taken <= instant(start)]
        muted = muted_places(detector.signals, active, window.end)
        step = stepped(detector, batch, 0, rules, muted)
        if step is not None:
            detector = ripened(reader, _settled(step, book, window.incident), window.at)
        evidence = step.call.log_evidence if step else float("-inf")
        now = evidence if evidence > float("-inf") else None
        yield Replayed(window, now, read.hashes[0])


def _settled(step: Step, book: Book, incident: str) -> Detector:
    """The detector that goes on from a window, with the book kept as it was then."""
    call, number = step.call, step.detector.number
    if call.incident is None and not call.is_ticket:
        return step.detector
    place = placed(step, book)
    if place.covered:
        return covered(step)
    if place.joins is not None:
        book.last[place.joins] = number
    elif call.incident is not None:
        book.last[call.incident] = number
        book.ids[call.incident] = incident
    return step.detector


def _acts(
    opened: Opened, model: str
) -> Mapping[datetime, Sequence[tuple[Incident, incidents.Act]]]:
    """What people did, by the window from which on the detector went by it."""
    found: dict[datetime, list[tuple[Incident, incidents.Act]]] = {}
    for incident in reversed(incidents.listing(opened.state, model)):
        for act in incident.acts:
            if act.taken is not None and act.what in (What.ACCEPT, What.RESOLVE):
                found.setdefault(act.taken, []).append((incident, act))
    return found


def _begun(opened: Opened, reader: Reader, asof: datetime | None = None) -> Detector:
    """The detector at the end of its reference, from profiles as they stood then."""
    extent = dirty.extent(opened.state, reader.card.model)
    first = extent[0] if extent else 0
    then = reader if asof is None else replace(reader, asof=asof)
    found = learned(then, first, _closed(opened, reader))
    if isinstance(found, Learning):
        raise StateError(f"{reader.card.model} has no baseline yet: {found.words}")
    return found


def _closed(opened: Opened, reader: Reader) -> int:
    upto = progress.closed(opened.state, reader.card.model, dirty.INPUTS)
    return floor(seconds_of(upto), reader.length) if upto else 0
