"""Fixed lines of a card: an incident when a published number crosses one, whatever the evidence."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from monitor.cards.alarms import Threshold
from monitor.cards.card import Card
from monitor.metrics import BY_NAME
from monitor.metrics.base import Windows
from monitor.state import incidents, named, results
from monitor.state.database import State
from monitor.state.incidents import Incident, Lead, Status, Tier
from monitor.state.results import ResultRow

RUNBOOK: Final = "threshold"


def watch_lines(state: State, card: Card, upto: datetime, *, sampled: bool = False) -> int:
    """Number of incidents that were opened for windows published since the last look.

    A number that stays beyond its line opens one incident; the next one comes when it was back
    inside and crosses again. A window counts as it was first published.

    Args:
        state: that holds the results.
        card: of the model.
        upto: end of the time whose results are there.
        sampled: whether lines on results from samples are meant, which come later, or all others.
    """
    lines = [one for one in card.alarms.thresholds if _is_sampled(one) is sampled]
    if not lines:
        return 0
    name = f"lines:{card.model}:sampled" if sampled else f"lines:{card.model}"
    opened = 0
    with state.writing():
        before = named.value_of(state, name)
        known: dict[str, Any] = before if isinstance(before, dict) else {}
        since = datetime.fromisoformat(known["upto"]) if "upto" in known else None
        beyond: dict[str, bool] = dict(known.get("beyond", {}))
        for line in lines:
            for row in _rows(state, card, line, since, upto):
                key = f"{line.model_dump_json()} {row.version} {row.column_name}"
                is_beyond = _is_beyond(line, row)
                if is_beyond and not beyond.get(key):
                    incidents.add(state, _incident(card, line, row))
                    opened += 1
                beyond[key] = is_beyond
        named.put(state, name, {"upto": upto.isoformat(), "beyond": beyond})
    return opened


def _is_sampled(line: Threshold) -> bool:
    metric = BY_NAME.get(line.metric)
    return metric is not None and metric.windows is Windows.SAMPLED


def _rows(
    state: State, card: Card, line: Threshold, since: datetime | None, upto: datetime
) -> Iterator[ResultRow]:
    """New numbers that the line is about, over all stages, in the order of their windows."""
    found = results.latest(
        state,
        model=card.model,
        metric=line.metric,
        segment=line.segment or "",
        window_kind="publish",
        since=since,
        until=upto,
    )
    for row in sorted(found, key=lambda row: (row.start, row.version, row.column_name)):
        if row.value is None or row.stage or row.end > upto:
            continue
        if line.column is None or line.column == row.column_name:
            yield row


def _is_beyond(line: Threshold, row: ResultRow) -> bool:
    assert row.value is not None
    if line.above is not None:
        return row.value > line.above
    assert line.below is not None
    return row.value < line.below


def _incident(card: Card, line: Threshold, row: ResultRow) -> Incident:
    assert row.value is not None
    bound = line.above if line.above is not None else line.below
    assert bound is not None
    side = "above" if line.above is not None else "below"
    effect = row.value - bound
    lead = Lead(
        signal=f"{line.metric}/{row.column_name}@{row.version}",
        metric=line.metric,
        column=row.column_name,
        segment=row.segment,
        version=row.version,
        kind=RUNBOOK,
        part=1.0,
        direction="up" if effect > 0 else "down",
        since=row.start,
        effect=effect,
        low=(row.lower if row.lower is not None else row.value) - bound,
        high=(row.upper if row.upper is not None else row.value) - bound,
        before=bound,
        after=row.value,
        unit="",
    )
    called = " ".join(filter(None, (line.metric, row.column_name, row.segment)))
    return Incident(
        id="",
        model=card.model,
        tier=Tier.THRESHOLD,
        status=Status.OPEN,
        opened=row.end,
        updated=row.end,
        since=row.start,
        evidence=0.0,
        summary=f"{card.model}: {called} is {row.value:.4g}, {side} {bound:g}",
        leads=(lead,),
        story={"runbook": RUNBOOK, "severity": line.tier, incidents.EXAMPLES: []},
    )
