"""What a week of a model was like, from its results, incidents and card."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.metrics import BY_NAME
from monitor.metrics.base import Ends, Per
from monitor.outputs.marks import marks
from monitor.render.chart import COMPLETE, Chart, Mark, Point, number
from monitor.render.report import Change, Event, Report
from monitor.state import incidents, slices
from monitor.state.database import State
from monitor.state.history import Line, Moment, history
from monitor.state.incidents import Incident

WEEK: Final = timedelta(days=7)
SHOWN: Final = 6 * WEEK
"""What charts cover."""

MOST_CHANGES: Final = 6
MOST_CHARTS: Final = 3
MOST_OF_NUMBER: Final = 2
"""Lines for each number of a part, those that changed most; its page has all."""

MOST_LISTED: Final = 20
CLEAR: Final = 1.0
"""Change over its noise from which it is told of: the intervals hardly touch."""

_TELLS_NOISE: Final = (Ends.SAMPLING, Ends.BOTH)

SOON: Final = timedelta(days=14)
"""Assumptions that are due within it are named."""

_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Fairness": (
        "demographic_parity_difference",
        "final_demographic_parity_difference",
        "equalized_odds_difference",
    ),
    "Overrides and reviews": (
        *("override", "override_correct", "automation_bias", "review_coverage", "review_leak"),
    ),
    "Performance": ("accuracy", "estimated_accuracy", "roc_auc", "calibration_error"),
    "Labels and completeness": ("label_coverage", "label_maturity", "feature_missing"),
}


def week_of(text: str) -> tuple[date, date]:
    """First and last day of a week in ISO 8601.

    >>> week_of("2026-W12")
    (datetime.date(2026, 3, 16), datetime.date(2026, 3, 22))

    Raises:
        ValueError: the text is no such week.
    """
    match = re.fullmatch(r"(\d{4})-W(\d{2})", text)
    if match is None:
        raise ValueError(f'"{text}" is no week; write 2026-W12')
    try:
        first = date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError as error:
        raise ValueError(f'"{text}" is no week: {error}') from error
    return first, first + timedelta(days=6)


def week_name(day: date) -> str:
    """The week that a day is in, in ISO 8601."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def weekly(state: State, card: Card, week: str, site: str, undrilled: str | None = None) -> Report:
    """The report of a week.

    Args:
        state: where results, incidents and slices are.
        card: of the model.
        week: in ISO 8601.
        site: address of the pages.
        undrilled: why there is no drill-down of it, "" if there is one, None to say nothing.

    Raises:
        ValueError: the text is no week.
        MonitorError: there are no results of it.
    """
    first, last = week_of(week)
    start = datetime.combine(first, time(), UTC)
    end = start + WEEK
    found = history(state, card.model, end - SHOWN)
    kept = {one: [m for m in moments if m.end <= end] for one, moments in found.items()}
    if not any(m.end > start for moments in kept.values() for m in moments):
        newest = max((m.end for moments in found.values() for m in moments), default=None)
        there = newest and week_name((newest - timedelta(microseconds=1)).date())
        raise MonitorError(
            f"{card.model} has no published results of {week}; "
            + (f"its newest are of {there}" if there else "see how far it has come: mbm status")
        )
    moved = sorted(_changes(kept, start), key=lambda one: -(one[1].times or 0.0))
    clear = _distinct(one for one in moved if (one[1].times or 0.0) >= CLEAR)
    mine = [
        one
        for one in incidents.listing(state, card.model)
        if (start <= one.opened < end) or (one.is_open and one.opened < end)
    ]
    marked = marks(state, card.model, end - SHOWN)
    shown = [
        replace(one, chart=_chart(one, kept[line], marked)) if i < MOST_CHARTS else one
        for i, (line, one) in enumerate(clear[:MOST_CHANGES])
    ]
    changes = [one for _, one in moved]
    complete = _completeness(kept, start)
    return Report(
        model=card.model,
        week=week,
        start=first,
        end=last,
        owner=card.owner.team,
        site=site,
        words=tuple(_words(mine, [one for _, one in clear], complete, start, end)),
        changes=tuple(shown),
        incidents=tuple(_event(one, start) for one in mine[:MOST_LISTED]),
        parts=tuple(_parts(changes)),
        slices=tuple(_slices(state, card.model, start, end)),
        assumptions=tuple(_assumptions(card, last))[:MOST_LISTED],
        completeness=complete,
        undrilled=undrilled,
    )


def _completeness(kept: Mapping[Line, list[Moment]], start: datetime) -> float | None:
    """The least of the windows since then, None while unknown."""
    return min(
        (
            m.completeness
            for moments in kept.values()
            for m in moments
            if m.end > start and m.completeness is not None
        ),
        default=None,
    )


def _changes(kept: Mapping[Line, list[Moment]], start: datetime) -> Iterable[tuple[Line, Change]]:
    """Each number at the end of the week beside that of the week before."""
    for line, moments in kept.items():
        metric = BY_NAME.get(line.metric)
        now = next((m for m in reversed(moments) if m.end > start), None)
        if metric is None or now is None or metric.per is Per.GROUP:
            continue
        before = next((m for m in reversed(moments) if m.end <= start), None)
        of = "" if metric.per is Per.PREDICTION else line.column
        change = Change(
            title=metric.title,
            of=of,
            version=line.version,
            before=before.value if before else None,
            now=now.value,
            lower=now.lower,
            upper=now.upper,
            unit=metric.unit,
            times=_times(before, now) if metric.ends in _TELLS_NOISE else None,
            why=now.reason,
        )
        yield line, change


def _distinct(moved: Iterable[tuple[Line, Change]]) -> list[tuple[Line, Change]]:
    """Of each feature and version the clearest number only: many say the same of it."""
    seen: set[tuple[str, str]] = set()
    found = []
    for line, one in moved:
        metric = BY_NAME[line.metric]
        key = (one.of if metric.per is Per.FEATURE else line.metric + one.of, one.version)
        if key not in seen:
            seen.add(key)
            found.append((line, one))
    return found


def _times(before: Moment | None, now: Moment) -> float | None:
    """Distance of two values over half the length that both intervals have together."""
    if before is None or before.value is None or now.value is None:
        return None
    halves = [
        (one.upper - one.lower) / 2
        for one in (before, now)
        if one.lower is not None and one.upper is not None
    ]
    noise = math.hypot(*halves)
    if len(halves) < 2 or noise <= 0:
        return None
    return abs(now.value - before.value) / noise


def _chart(one: Change, moments: list[Moment], marked: Sequence[Mark]) -> Chart:
    """How a number moved in the last weeks."""
    points = [Point(m.end, m.value, m.lower, m.upper, m.completeness) for m in moments]
    reference = next((m.reference for m in reversed(moments) if m.reference is not None), None)
    title = f"{one.name}: {one.told}"
    # Mail servers have no fonts, and phones are narrow: what the axes say stands below in words.
    return Chart(
        title,
        points,
        reference,
        unit=one.unit,
        width=560,
        height=90,
        has_axis=False,
        marks=marked,
    )


def _words(
    mine: list[Incident],
    clear: list[Change],
    complete: float | None,
    start: datetime,
    end: datetime,
) -> Iterable[str]:
    """The week in sentences."""
    opened = [one for one in mine if start <= one.opened < end]
    left = [one for one in mine if one.is_open]
    if opened:
        yield f"{_opened(opened, left)}: {_summary(opened[0])}."
    elif left:
        word = "incident" if len(left) == 1 else "incidents"
        yield f"No incident opened; {len(left)} older {word} not ended."
    elif clear:
        yield f"No incident; {len(clear)} numbers moved more than their noise."
    else:
        yield "A quiet week: no incident, and nothing moved more than its noise."
    if clear:
        one = clear[0]
        yield f"What moved most: {one.name}, now {one.told}."
    if complete is not None:
        yield (
            "Every window was complete."
            if complete >= COMPLETE
            else f"The least complete window had {number(complete, percent=True)} of its messages."
        )


def _opened(opened: list[Incident], left: list[Incident]) -> str:
    if len(opened) == 1 and left in ([], opened):
        return f"1 incident opened, {'not ended' if left else 'ended'}"
    word = "incident" if len(opened) == 1 else "incidents"
    return f"{len(opened)} {word} opened, {f'{len(left)} not ended' if left else 'all ended'}"


def _summary(one: Incident) -> str:
    """What moved; whose it is stands above."""
    return one.summary.removeprefix(f"{one.model}: ")


def _parts(changes: list[Change]) -> Iterable[tuple[str, tuple[Change, ...]]]:
    by_title: dict[str, list[Change]] = {}
    for one in changes:
        by_title.setdefault(one.title, []).append(one)
    for title, names in _PARTS.items():
        some: list[Change] = []
        for name in names:
            found = by_title.get(BY_NAME[name].title, []) if name in BY_NAME else []
            found.sort(key=_smallness)
            some += found[:MOST_OF_NUMBER]
        if some:
            yield title, tuple(some)


def _smallness(one: Change) -> tuple[bool, float, float, str, str]:
    """What moved most first, then the greatest; unknown ones last."""
    return one.now is None, -(one.times or 0.0), -abs(one.now or 0.0), one.version, one.of


def _event(one: Incident, start: datetime) -> Event:
    hours = (one.opened - one.since) / timedelta(hours=1)
    return Event(
        identity=one.id,
        summary=_summary(one),
        status=str(one.status),
        opened=one.opened,
        lead=max(hours, 0.0),
        tier=one.tier,
        is_open=one.is_open,
        is_new=one.opened >= start,
    )


def _slices(state: State, model: str, start: datetime, end: datetime) -> Iterable[str]:
    for one in slices.newest(state, model):
        if start < one.end <= end:
            rate, rest = number(one.rate, percent=True), number(one.rest, percent=True)
            yield f"{one.words}: {one.claim} {rate} against {rest}, {one.rows} rows"


def _assumptions(card: Card, day: date) -> Iterable[str]:
    for one in card.assumptions:
        if one.review_by is not None and one.review_by <= day + SOON:
            word = "overdue since" if one.review_by < day else "due by"
            yield f"{one.text} ({word} {one.review_by}, {one.owner or 'nobody'} looks after it)"
