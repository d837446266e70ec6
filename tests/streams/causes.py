"""What the raw rows say of slices and of whole windows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from monitor.control.conditions import Condition
from monitor.events.identity import identities
from tests.streams import raw
from tests.streams.cards import Stream

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rates:
    """Of a slice: rows in both halves, and the share of the confirming half inside and outside."""

    rows: int
    rate: float
    rest: float


def rates(stream: Stream, claim: str, conditions: Sequence[Condition]) -> Rates:
    """What a slice over the whole stream should say of a claim: error, override, low confidence."""
    known = list(_known(stream, claim))
    _, low = identities(pa.array([event["prediction_id"] for event, _ in known]))
    inside = [all(_meets(event, one) for one in conditions) for event, _ in known]
    counts = Counter(
        (is_in, holds)
        for is_in, (_, holds), half in zip(inside, known, (low & 1).tolist(), strict=True)
        if half
    )

    def share(is_in: bool) -> float:
        return counts[is_in, True] / (counts[is_in, True] + counts[is_in, False])

    return Rates(sum(inside), share(True), share(False))


def fullest(stream: Stream) -> tuple[datetime, list[Event]]:
    """Start of the published window with the most predictions, and these."""
    length = stream.publish_days * 86_400
    by_window: dict[int, list[Event]] = {}
    for event in raw.events(stream, "predictions"):
        at = int(datetime.fromisoformat(event["event_time"]).timestamp())
        by_window.setdefault(at // length, []).append(event)
    number = max(by_window, key=lambda one: len(by_window[one]))
    return datetime.fromtimestamp(number * length, UTC), by_window[number]


def _known(stream: Stream, claim: str) -> Iterator[tuple[Event, bool]]:
    """Predictions of which it is known whether the claim holds, and whether it does."""
    events = raw.events(stream, "predictions")
    if claim == "low confidence":
        yield from ((e, e["confidence"] < 0.6) for e in events if e["confidence"] is not None)
        return
    kind = "outcomes" if claim == "error" else "decisions"
    said = {one["prediction_id"]: one for one in raw.events(stream, kind)}
    for event in events:
        other = said.get(event["prediction_id"])
        if claim == "error" and other:
            yield event, other["label"] != event["prediction"]
        elif claim == "override" and other and other["recommendation_shown"]:
            yield event, other["decision"] != event["prediction"]


def _meets(event: Event, one: Condition) -> bool:
    names = {"confidence": event["confidence"], "version": event["version"]}
    value = {**names, **event["attributes"], **event["features"]}[one.column]
    if one.is_missing or value is None:
        return one.is_missing and value is None
    if one.value is not None:
        return str(value) == one.value
    return (one.low is None or value >= one.low) and (one.high is None or value < one.high)
