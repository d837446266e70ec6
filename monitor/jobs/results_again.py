"""Results computed once more from the profiles, reference and card that they rest on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Final

from monitor.cards.card import Card
from monitor.errors import StateError
from monitor.jobs import dirty
from monitor.jobs.calibrating import calibration
from monitor.jobs.plan import inputs_plan
from monitor.jobs.publish import Publisher, Window
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.log.profiles import ProfileTable
from monitor.metrics import maturity
from monitor.metrics.fairness import trend
from monitor.profiles.family import Family
from monitor.profiles.reference import Reference
from monitor.profiles.segments import ALL
from monitor.profiles.windows import seconds_of
from monitor.state import results
from monitor.state.results import ResultRow
from monitor.version import VERSION

OF_THEIR_RUN: Final = frozenset(metric.name for metric in (*maturity.METRICS, *trend.METRICS))
"""Metrics that also rest on how far time had come in their run, or on what it had published."""

_SAID: Final = (
    *("value", "lower", "upper", "reference_value", "rows", "group_rows", "reference_rows"),
    *("completeness", "status", "reason"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which results.

    Attributes:
        model: whose.
        metric: by its name.
        start: of the window.
        kind: of the window: publish, latest or detect.
        version: only this one of the model; None for all.
        segment: only this one; None for all.
    """

    model: str
    metric: str
    start: datetime
    kind: str
    version: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """A result computed again.

    Attributes:
        before: as it was told.
        differs: what is otherwise now, in words; nothing if every bit is the same.
    """

    before: ResultRow
    differs: tuple[str, ...]


def recomputed(opened: Opened, asked: Asked) -> Iterator[Again]:
    """The newest revision of each of these results, computed again.

    From profiles as they stood when it was computed, and the reference that it names; with the
    card and the program of today, for no others are there.

    Raises:
        StateError: there is no such result or card, or it rests on what was not kept.
    """
    if asked.metric in OF_THEIR_RUN:
        raise StateError(
            f"{asked.metric} rests on how far time had come in the run that measured it, and on "
            "what that had published, which is not kept; its inputs are other results"
        )
    card = opened.cards.get(asked.model)
    if card is None:
        raise StateError(f'there is no card of "{asked.model}"; see: mbm models list')
    rows = _told(opened, asked)
    if not rows:
        raise StateError(
            f"there is no result of {asked.metric} of {asked.model} for a {asked.kind} window that "
            f"begins {asked.start.isoformat()}; see: mbm results --model {asked.model}"
        )
    ordered = sorted(rows, key=lambda row: (row.computed_at, row.reference_id, row.end))
    for (at, reference, _), some in groupby(
        ordered, key=lambda row: (row.computed_at, row.reference_id, row.end)
    ):
        yield from _compared(opened, card, at, reference, list(some))


def _told(opened: Opened, asked: Asked) -> list[ResultRow]:
    found = results.latest(
        opened.state,
        model=asked.model,
        metric=asked.metric,
        version=asked.version,
        segment=asked.segment,
        window_kind=asked.kind,
        since=asked.start,
    )
    return [row for row in found if row.start == asked.start]


def _compared(
    opened: Opened, card: Card, at: datetime, reference: str, rows: Sequence[ResultRow]
) -> Iterator[Again]:
    """Results of one window that were computed together, against what comes out now."""
    publisher = _publisher(opened, card, at, reference)
    first = rows[0]
    window = Window(first.window_kind, seconds_of(first.start), seconds_of(first.end))
    lost = {window: _quarantined(publisher, window, first.completeness)}
    now = {_key(row): row for row in publisher.results([window], lost)}
    for row in rows:
        yield Again(row, tuple(_differences(row, now.get(_key(row)), card)))


def _publisher(opened: Opened, card: Card, at: datetime, reference: str) -> Publisher:
    definitions = Definitions.open(opened.store)
    text = definitions.get("reference", reference) if reference else None
    if reference and text is None:
        raise StateError(f"the reference {reference} is not kept any more")
    plan = inputs_plan(card, Reference.from_definition(text) if text else None)
    profiles = ProfileTable.open(opened.store).at(at)
    publisher = Publisher(card, plan, profiles, at)
    known = dirty.extent(opened.state, card.model)
    assert known is not None
    layouts = publisher.layouts[Family.TRUTH]
    calibrated = calibration(plan.reference, profiles, layouts, plan.seconds, known)
    return replace(publisher, calibration=calibrated)


def _quarantined(publisher: Publisher, window: Window, completeness: float | None) -> int:
    """Messages that could not be understood then, as the completeness tells."""
    if completeness is None:
        return 0
    held = publisher.held(Family.INPUTS, [window])[window]
    rows = sum(one.partial.rows for one in held if one.partial.key.segment == ALL)
    return round(rows * (1 - completeness) / completeness) if completeness else 1


def _key(row: ResultRow) -> tuple[object, ...]:
    names = ("version", "stage", "segment", "metric", "column_name", "method", "start", "end")
    return tuple(getattr(row, name) for name in names)


def _differences(before: ResultRow, after: ResultRow | None, card: Card) -> Iterator[str]:
    """What is otherwise now, causes first."""
    if before.card_hash != card.hash:
        yield f"the card is another: {card.hash}, it was {before.card_hash}"
    if before.code_version != VERSION:
        yield f"the program is another: {VERSION}, it was {before.code_version}"
    if after is None:
        yield "nothing comes out now"
        return
    if after.inputs_hash != before.inputs_hash:
        yield f"what it rests on is other: {after.inputs_hash}, it was {before.inputs_hash}"
    for name in _SAID:
        ours, theirs = getattr(after, name), getattr(before, name)
        if ours != theirs:
            yield f"{name} is {ours!r}, it was {theirs!r}"
