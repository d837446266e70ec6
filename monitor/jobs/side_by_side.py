"""Every published number of two versions or stages of a model, in one window."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from monitor.cards.card import Card
from monitor.control.differences import Difference, Side, compared, corrected
from monitor.jobs.closed import NoWindowError
from monitor.jobs.explain import publisher_of
from monitor.jobs.publish import Window
from monitor.log.store import Store
from monitor.metrics import BY_NAME
from monitor.metrics.base import Ends
from monitor.profiles.family import Family
from monitor.profiles.segments import ALL
from monitor.profiles.windows import Range, instant
from monitor.state import deployments
from monitor.state.database import State
from monitor.state.results import ResultRow, latest

Row = dict[str, Any]

COLUMNS: Final = (
    *("part", "metric", "column", "first", "second", "gap", "lower", "upper", "p", "differs"),
    *("rows_first", "rows_second", "reason", "at"),
)
"""Columns of `compare`. `part` is deployed, number, pairs or answers."""

MARKED: Final = 10
"""Deployments of the two that are told, the last ones up to the window's end."""


@dataclass(frozen=True, slots=True)
class Which:
    """A version, or one of its stages.

    Attributes:
        version: of the model.
        stage: shadow, canary or full; "" for all.
    """

    version: str
    stage: str = ""

    @classmethod
    def of(cls, text: str) -> "Which":
        """As people write it.

        >>> Which.of("3/shadow")
        Which(version='3', stage='shadow')
        """
        version, _, stage = text.partition("/")
        return cls(version, stage)


def side_by_side(
    state: State, store: Store, card: Card, first: Which, second: Which, span: Range
) -> list[Row]:
    """Deployments of both, then every published number with its difference.

    Args:
        state: with the results.
        store: of the profiles that they rest on.
        card: of the model.
        first: what is compared with.
        second: what is compared.
        span: of the window, Unix seconds.

    Raises:
        NoWindowError: one of the two has no result in the window.
    """
    sides = [_published(state, store, card, which, span) for which in (first, second)]
    for which, side in zip((first, second), sides, strict=True):
        if not side:
            raise NoWindowError(
                f"{card.model} has no results of {which.version}"
                f"{'/' + which.stage if which.stage else ''} in the window of {instant(span[0])};"
                f" see: mbm results --model {card.model} --metric predictions"
            )
    keys = [key for key in sides[0] if key in sides[1]]
    found = corrected(compared(*key, *(_side(side[key]) for side in sides)) for key in keys)
    return [*_deployed(state, card, (first, second), span), *map(_line, found)]


def _deployed(state: State, card: Card, both: Sequence[Which], span: Range) -> list[Row]:
    """When the two were deployed up to the end of the window, the last times."""
    names = {which.version for which in both}
    every = deployments.between(state, card.model, end=instant(span[1]))
    return [
        {
            "part": "deployed",
            "column": f"{one.version}/{one.stage}" if one.stage else one.version,
            "first": one.traffic_share if one.version == both[0].version else None,
            "second": one.traffic_share if one.version == both[1].version else None,
            "at": one.at.isoformat(),
        }
        for one in [one for one in every if one.version in names][-MARKED:]
    ]


def _published(
    state: State, store: Store, card: Card, which: Which, span: Range
) -> dict[tuple[str, str], ResultRow]:
    rows = latest(
        state,
        model=card.model,
        version=which.version,
        segment=ALL,
        window_kind="publish",
        since=instant(span[0]),
        until=instant(span[1]),
    )
    there = [row for row in rows if row.start == instant(span[0])]
    stage = which.stage
    if stage and there and not any(row.stage for row in there):
        # A version with one stage only has results over all its stages, and no others.
        if stage not in _stages(state, store, card, which.version, span):
            return {}
        stage = ""
    return {(row.metric, row.column_name): row for row in there if row.stage == stage}


def _stages(state: State, store: Store, card: Card, version: str, span: Range) -> set[str]:
    """Stages of a version in a window; predictions that name none are taken for full ones."""
    window = Window("publish", *span)
    held = publisher_of(state, store, card).held(Family.INPUTS, [window])[window]
    return {one.partial.key.stage or "full" for one in held if one.partial.key.version == version}


def _side(row: ResultRow) -> Side:
    # Ends that enclose what bins hide say nothing of chance.
    metric = BY_NAME.get(row.metric)
    has_interval = metric is not None and metric.ends in (Ends.SAMPLING, Ends.BOTH)
    ends = (row.lower, row.upper) if has_interval else (None, None)
    return Side(row.value, *ends, row.rows)


def _line(one: Difference) -> Row:
    reason = None if one.gap is not None else "one of the two is not known"
    return {
        "part": "number",
        **{k: v for k, v in asdict(one).items() if k not in ("first", "second")},
        "first": one.first.value,
        "second": one.second.value,
        "rows_first": one.first.rows,
        "rows_second": one.second.rows,
        "differs": one.differs,
        "reason": reason,
    }
