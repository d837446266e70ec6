"""A week of a model taken apart by Evidently: made in a process of its own, kept beside the log."""

import importlib.util
import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from monitor.cards.card import Card
from monitor.jobs.reference_rows import MOST, reference_rows
from monitor.jobs.sample import inputs_of
from monitor.jobs.sampled_drift import tables_of
from monitor.jobs.service import Opened
from monitor.jobs.weekly import WEEK, week_of
from monitor.log.drilldowns import Drilldowns
from monitor.metrics.base import Undefined
from monitor.outputs import evidently
from monitor.outputs.evidently import Limits, Tables
from monitor.profiles.windows import seconds_of
from monitor.render.plain import line
from monitor.state import put_off
from monitor.state.database import State

LIMITS: Final = Limits(memory=1 << 30, seconds=180.0)
"""Of the process that makes a page: an owner's report waits for it."""

ROUND: Final = timedelta(minutes=10)
"""How long a round of reports may wait for drill-downs; what is left comes in later rounds."""

LATER: Final = "it was not made in time; look for it on the page of the model's drill-downs later"

_log = logging.getLogger(__name__)


class Rounds:
    """Drill-downs as reports ask for them, for a bounded time in each round.

    Args:
        state: where is written what is left, for whoever leads by then.
        made: makes one.
        clock: monotonic [s].
    """

    def __init__(
        self,
        state: State,
        made: Callable[[Card, str], str | None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._state, self._made, self._clock = state, made, clock
        self._end = 0.0

    def begin(self) -> None:
        """Start a round."""
        self._end = self._clock() + ROUND.total_seconds()

    def __call__(self, card: Card, week: str) -> str | None:
        """As `made`; `LATER` if the time of this round is over."""
        if self._clock() >= self._end:
            put_off.put_off(self._state, card.model, week, datetime.now(UTC))
            return LATER
        return self._made(card, week)

    def go_on(self, cards: Mapping[str, Card]) -> int:
        """Number of weeks tried of those that earlier rounds left, while there is time."""
        tried = 0
        while self._clock() < self._end and (left := put_off.first(self._state)) is not None:
            model, week = left
            if model in cards:
                self._made(cards[model], week)
                tried += 1
            put_off.done(self._state, model, week)
        return tried


def made(parts: Opened, card: Card, week: str, limits: Limits = LIMITS) -> str | None:
    """Why there is no drill-down of a week, "" if there is one now.

    None where Evidently is not installed and the card does not want it attached: then nobody
    misses it.

    Args:
        parts: of the service.
        card: of the model.
        week: in ISO 8601.
        limits: of the process that makes it.
    """
    if importlib.util.find_spec("evidently") is None:
        return evidently.MISSING if card.report and card.report.attach else None
    kept = Drilldowns(parts.store)
    try:
        if week in kept.weeks(card.model):
            return ""
        tables = _tables(parts, card, week)
        if isinstance(tables, Undefined):
            return tables.why
        with tempfile.TemporaryDirectory(prefix="mbm-drilldown-") as folder:
            html = Path(folder) / "page.html"
            if why := evidently.page(tables, html, limits):
                return why
            kept.put(card.model, week, html.read_bytes())
    except Exception as error:  # noqa: BLE001 - a report must not fail for its appendix
        _log.exception("no drill-down of %s", line(card.model))
        return f"{type(error).__name__}; see the log"
    return ""


def _tables(parts: Opened, card: Card, week: str) -> Tables | Undefined:
    """Rows of the reference and of the week, of the columns that hold something on both sides."""
    start = datetime.combine(week_of(week)[0], time(), UTC)
    span = (seconds_of(start), seconds_of(start + WEEK))
    before = reference_rows(parts, card)
    if isinstance(before, Undefined):
        return before
    after = inputs_of(parts, card, span, most=MOST)
    if not after.num_rows:
        return Undefined("no predictions")
    found = tables_of(card, before, after)
    names = [
        name
        for name in found.reference.column_names
        if all(
            name in side.column_names and side[name].null_count < side.num_rows
            for side in (found.reference, found.current)
        )
    ]
    if not names:
        return Undefined("no feature has values both in the reference and in the week")
    return replace(
        found,
        reference=found.reference.select(names),
        current=found.current.select(names),
        numbers=tuple(name for name in found.numbers if name in names),
    )
