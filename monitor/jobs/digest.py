"""What the week of all models was like, from the reports of each."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from statistics import median
from typing import Final

from monitor.cards.card import Card
from monitor.errors import MonitorError
from monitor.jobs.weekly import WEEK, week_of, weekly
from monitor.render.chart import COMPLETE, number
from monitor.render.digest import Digest, Entry
from monitor.render.report import Event, Report
from monitor.state import progress
from monitor.state.database import State
from monitor.state.incidents import Tier

_RANK: Final = (Tier.PAGE, Tier.THRESHOLD, Tier.TICKET, Tier.SLOW)
_TIERS: Final = ("high", "medium", "low")


def digest(state: State, cards: Mapping[str, Card], week: str, site: str) -> Digest:
    """The digest of a week.

    Args:
        state: where results and incidents are.
        cards: by model.
        week: in ISO 8601.
        site: address of the pages.

    Raises:
        ValueError: the text is no week.
        MonitorError: no model has results of it.
    """
    first, last = week_of(week)
    end = datetime.combine(first, time(), UTC) + WEEK
    reports: dict[str, Report] = {}
    empty: dict[str, str] = {}
    for name, card in cards.items():
        try:
            reports[name] = weekly(state, card, week, site)
        except MonitorError:
            closed = progress.closed(state, name, "inputs")
            late = "" if closed is None else f", closed up to {closed:%Y-%m-%d %H:%M} UTC"
            empty[name] = f"No results of this week{late}."
    if not reports:
        raise MonitorError(f"no model has published results of {week}; see: mbm status")
    due = {name: _overdue(card, last) for name, card in cards.items()}
    order = sorted(cards, key=lambda name: _badness(cards[name], reports.get(name), due[name]))
    return Digest(
        week=week,
        start=first,
        end=last,
        site=site,
        words=tuple(_words(reports, empty, due)),
        entries=tuple(
            _entry(cards[name], reports[name], due[name], end)
            if name in reports
            else Entry(name, _about(cards[name]), empty[name])
            for name in order
        ),
    )


def _overdue(card: Card, day: date) -> int:
    return sum(one.review_by is not None and one.review_by < day for one in card.assumptions)


def _badness(card: Card, report: Report | None, due: int) -> tuple[object, ...]:
    """The worst first: open incidents, those of the week, what is missing, what moved."""
    if report is None:
        calls, moved, complete, new = [0] * len(_RANK), 0.0, 0.0, 0
    else:
        left = [one.tier for one in report.incidents if one.is_open]
        calls = [-left.count(tier) for tier in _RANK]
        new = sum(one.is_new for one in report.incidents)
        moved = max((one.times or 0.0 for one in report.changes), default=0.0)
        complete = 1.0 if report.completeness is None else report.completeness
    is_whole = complete >= COMPLETE
    return (*calls, -new, is_whole, -moved, -due, _TIERS.index(card.tier), card.model)


def _words(
    reports: Mapping[str, Report], empty: Mapping[str, str], due: Mapping[str, int]
) -> Iterator[str]:
    """The state of all in sentences."""
    total = len(reports) + len(empty)
    events = [one for report in reports.values() for one in report.incidents]
    left = sum(any(e.is_open for e in r.incidents) for r in reports.values())
    moved = sum(bool(r.changes) and not r.incidents for r in reports.values())
    if left:
        yield f"{left} of {_count(total, 'model')} with incidents that are not ended."
    else:
        yield f"No incident is open on any of {_count(total, 'model')}."
    new = [one for one in events if one.is_new]
    if new:
        yield _opened(new)
    else:
        yield "No incident opened this week."
    if moved:
        yield f"{_count(moved, 'model')} without incident moved by more than noise."
    if empty:
        yield f"{_count(len(empty), 'model')} without results of this week."
    if any(due.values()):
        models = sum(bool(count) for count in due.values())
        sums = sum(due.values())
        yield f"{_count(sums, 'assumption')} of {_count(models, 'model')} overdue for review."
    known = [r.completeness for r in reports.values() if r.completeness is not None]
    partial = sum(one < COMPLETE for one in known)
    if partial:
        least = number(min(known), percent=True)
        yield (
            f"{_count(partial, 'model')} had windows that were not complete; the least of all had "
            f"{least} of its messages."
        )
    elif known:
        yield "Every window was complete."


def _opened(new: list[Event]) -> str:
    """How many incidents opened, what became of them, and how late they were found."""
    ended = sum(not one.is_open for one in new)
    hours = f"{median(one.lead for one in new):.0f} hours"
    if len(new) == 1:
        state = "and ended" if ended else "not ended"
        return f"1 incident opened this week, {state}; found {hours} after it likely began."
    return (
        f"{len(new)} incidents opened this week, {ended or 'none'} of them ended; half were found "
        f"within {hours} of their likely begin."
    )


def _entry(card: Card, report: Report, due: int, end: datetime) -> Entry:
    """A model's week; quiet if nothing opened, moved, is missing or overdue."""
    more = [f"What moved most: {one.name}, now {one.told}." for one in report.changes[:1]]
    new = [event for event in report.incidents if event.is_new]
    if new:
        more.append(f"Found {max(event.lead for event in new):.0f} hours after it likely began.")
    elif report.incidents:
        days = (end - min(event.opened for event in report.incidents)).days
        more.append(f"Open for {days} days.")
    if due:
        more.append(f"{_count(due, 'assumption')} overdue for review.")
    if report.completeness is not None and report.completeness < COMPLETE:
        part = number(report.completeness, percent=True)
        more.append(f"The least complete window had {part} of its messages.")
    return Entry(card.model, _about(card), report.words[0] if more else "", tuple(more))


def _about(card: Card) -> str:
    return f"{card.owner.team} · how much hangs on it: {card.tier}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
