"""The baseline of a model's detector: from which windows it is learned, and what it lacks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from monitor.cards.card import Card
from monitor.detection.arming import WEEKS, needed
from monitor.detection.arming import WINDOWS as LEAST_WINDOWS
from monitor.detection.truths import PREFIX, usual_of
from monitor.detection.watching import (
    Detector,
    Rules,
    learned_from,
    one_after_another,
    with_truth,
)
from monitor.jobs.watched import Reader, parts
from monitor.jobs.watched_ground import ground_in
from monitor.jobs.watched_signals import batch_of, truths_of
from monitor.profiles.layout import Ints
from monitor.profiles.windows import DAY, Range, ceiling, floor, seconds_of

MOST_LEARNED: Final = 9_000
"""Windows of a longer reference that are learned from, the last ones: a year of hours."""


@dataclass(frozen=True, slots=True)
class Learning:
    """What a baseline still lacks, in a few words."""

    words: str


def rules_of(card: Card) -> Rules:
    """What a card says of pages."""
    alarms = card.alarms
    return Rules(
        alarms.weights.model_dump(),
        alarms.tolerance.sigma,
        alarms.tolerance.relative,
        alarms.pages_per_month,
    )


def basis(reader: Reader) -> str:
    """16 hexadecimal digits that change with whatever makes the signals of a model."""
    plan, reference = reader.plan, reader.card.reference
    span = reference.window if reference else None
    grounds = (
        *(plan.layout.id, plan.group.id, plan.reference.id if plan.reference else ""),
        *(
            reader.length,
            reader.late.lag,
            reader.late.truth_lag,
            *reader.late.layouts,
            plan.contract.positive,
            plan.low_confidence is None,
        ),
        (seconds_of(span.start), seconds_of(span.end)) if span else (),
        sorted((a.name, a.protected, a.segment) for a in plan.contract.attributes),
    )
    return hashlib.sha256(repr(grounds).encode()).hexdigest()[:16]


def span_of(reader: Reader, first: int, closed: int) -> Range | Learning:
    """Span of the windows that a baseline is learned from, or what it still lacks.

    The reference's window, or else the time since the model's first event; if that is too short
    for a baseline, as much after it as is needed.

    Args:
        reader: of the model.
        first: time of its first event [Unix s].
        closed: end of its closed time, of whole windows [Unix s].
    """
    length, reference = reader.length, reader.card.reference
    window = reference.window if reference else None
    start = ceiling(seconds_of(window.start), length) if window else floor(first, length)
    least = ceiling(seconds_of(window.end), length) if window else start
    rows = reader.rows((start, closed))
    ends = [end for some in rows.values() if (end := _enough(some, length)) is not None]
    # What people do is read later, and its baseline must be long enough too.
    lag = reader.late.lag or 0
    end = max(least, start + (min(ends) + lag) * length) if ends else least
    if not ends or closed < end:
        return Learning(_lacking(list(rows.values()), length))
    return max(start, end - MOST_LEARNED * length), end


def learned(reader: Reader, first: int, closed: int) -> Detector | Learning:
    """The detector at the end of its reference, or what it still lacks; as `span_of`."""
    span = span_of(reader, first, closed)
    if isinstance(span, Learning):
        return span
    rows = {version: some for version, some in reader.rows(span).items() if some.any()}
    ground = ground_in(reader, span, rows)
    batches = [
        batch_of(reader, reader.read(part, reader.length, with_late=True), ground, list(rows))
        for part in parts(span, reader.length)
    ]
    found = learned_from(one_after_another(batches), ground, rules_of(reader.card))
    return ripened(reader, found)


def ripened(reader: Reader, detector: Detector, asof: datetime | None = None) -> Detector:
    """The detector that watches outcomes too, once it has met enough of them for a baseline.

    Args:
        reader: of the model.
        detector: after a window.
        asof: profiles count as they stood then, in place of the reader's time.
    """
    version = detector.ripe
    if version is None:
        return detector
    first = max(detector.graded[version][0], detector.number + 1 - MOST_LEARNED)
    sums = reader.late.truth(first, detector.number, asof)
    mine = {segment: some for (of, segment), some in sums.items() if of == version}
    usual = usual_of(reader.plan.contract, reader.late.scale, mine, detector.ground.segments)
    ground = replace(detector.ground, usual=usual)
    return with_truth(detector, version, truths_of(reader, ground, sums)[PREFIX + version], ground)


def _enough(rows: Ints, length: int) -> int | None:
    """Windows after which a baseline of these can page, None if they are too few."""
    seen = np.flatnonzero(rows)
    if len(seen) < LEAST_WINDOWS:
        return None
    span = int(seen[0]) + -(-needed(length) // length)
    end = max(int(seen[LEAST_WINDOWS - 1]) + 1, span)
    return end if end <= len(rows) else None


def _lacking(some: Sequence[Ints], length: int) -> str:
    """How far the version with most windows has come."""
    seen = max((np.flatnonzero(rows) for rows in some), key=len, default=np.empty(0, np.int64))
    if len(seen) < LEAST_WINDOWS:
        return f"learning {len(seen)}/{LEAST_WINDOWS} windows"
    weeks = (len(some[0]) - int(seen[0])) * length // (7 * DAY)
    if needed(length) and weeks < WEEKS:
        return f"learning {weeks}/{WEEKS} weeks"
    return "learning until the reference ends"
