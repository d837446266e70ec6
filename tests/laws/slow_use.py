"""What consumers did with predictions, counted one event at a time by the written definitions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from monitor.profiles.counts import Counts
from monitor.profiles.durations import Durations
from monitor.profiles.layout import Profile
from monitor.profiles.used import DELAY, STATES, Worth

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A prediction and the last word of each consumer on it."""

    made: Row
    uses: Sequence[Row]


def case(made: Row, events: Iterable[Row]) -> Case:
    """Of a prediction and all usage events on it, repetitions included."""
    last: dict[str, Row] = {}
    for row in sorted(events, key=lambda r: (r["event_time"], -r["payload_hash"])):
        last[row["consumer"] or ""] = row
    return Case(made, [*last.values()])


def check(profile: Profile, cases: Sequence[Case], *, consumer: str | None) -> None:
    """The profile of these predictions, or of what one consumer said of them, is this."""
    uses = [
        (one, use)
        for one in cases
        for use in one.uses
        if consumer is None or (use["consumer"] or "")[:100] == consumer
    ]
    of = dict(profile.get(Counts).of)
    whole = consumer is None
    assert of.pop("predictions") == whole * len(cases)
    assert of.pop("mentioned") == whole * sum(bool(one.uses) for one in cases)
    assert of.pop("used_by_any") == whole * sum(
        any(use["used"] == "used" for use in one.uses) for one in cases
    )
    used = [(one, use) for one, use in uses if use["used"] == "used"]
    delays = [(use["event_time"] - one.made["event_time"]).total_seconds() for one, use in used]
    assert of == {
        "uses": len(uses),
        **{state: sum(use["used"] == state for _, use in uses) for state in STATES},
        "acted": sum(use["action"] is not None for _, use in uses),
        "acted_on": sum(use["action"] is not None for _, use in used),
        "early": sum(delay < 0 for delay in delays),
    }
    found = profile.get(Durations, DELAY)
    ends = [-np.inf, *(found.edges / 1e6), np.inf]
    assert (found.counts == np.histogram([d for d in delays if d >= 0], ends)[0]).all()
    worth = profile.get(Worth)
    for some, sums in ((uses, worth.every), (used, worth.used)):
        values = [use["value"] for _, use in some if use["value"] is not None]
        near = [min(max(value, -(2.0**40)), 2.0**40) for value in values]
        assert sums.rows == len(values)
        assert sums.total == pytest.approx(sum(near), abs=1e-3)
    values = [use["value"] for _, use in uses if use["value"] is not None]
    assert worth.negative == sum(value < 0 for value in values)
    assert worth.clipped == sum(abs(value) > 2.0**40 for value in values)
