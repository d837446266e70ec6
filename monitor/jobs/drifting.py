"""The slow tier of a model: blocks of weeks against its frozen reference, and their tickets."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import numpy as np

from monitor.detection import slow_words
from monitor.detection.named import OF_TRUTH, Signal
from monitor.detection.slow import Drift, Tickets, Told, checked, drift, threshold
from monitor.detection.slow_blocks import QUARTER, Blocks, block_length, blocked
from monitor.detection.slow_family import Harmless, harmless
from monitor.detection.weights import weights
from monitor.jobs.baseline import rules_of
from monitor.jobs.slow_history import Days, days
from monitor.jobs.story import Teller
from monitor.jobs.watched import Reader
from monitor.profiles.layout import Floats
from monitor.profiles.windows import DAY, Range, ceiling, floor, instant, seconds_of
from monitor.state import incidents
from monitor.state.database import State
from monitor.state.detectors import Check, CheckState
from monitor.state.incidents import Incident, Lead, Status, Tier

CHECK: Final = "drift"
"""Name of the check of slow drift."""

KEY: Final = "slow"
"""Key under which the slow tier keeps what it knows beside the detector."""

MOST_TOLD: Final = 65
"""Blocks of a history that is taken in at once, the last ones, that may have tickets; each
costs the cube of how many blocks there are."""

_NEAR: Final = timedelta(days=28)
"""How long before a drift's begin a deployment is told of."""


@dataclass(frozen=True, slots=True)
class Slow:
    """What looking for drift in a model needs.

    Attributes:
        reader: of the model's profiles.
        teller: of stories.
        first: time of the model's first event [Unix s].
        closed: end of its closed time [Unix s].
    """

    reader: Reader
    teller: Teller
    first: int
    closed: int

    @property
    def _unit(self) -> int:
        """Length of the windows that blocks are made of [s]."""
        return max(self.reader.length, DAY)

    @property
    def _span(self) -> Range:
        """The frozen reference, as whole windows; a short one grows until drift can be told."""
        reference = self.reader.card.reference
        window = reference.window if reference else None
        start = ceiling(seconds_of(window.start) if window else self.first, self._unit)
        least = seconds_of(window.end) if window else start
        return start, floor(max(least, start + QUARTER + self._unit - 1), self._unit)

    def run(
        self, state: State, known: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], list[Incident]]:
        """What the slow tier keeps after the blocks that closed, and tickets that are new.

        Args:
            state: where incidents are kept; signals that came to an open ticket are written.
            known: what it kept before; empty at the beginning.
        """
        start, end = self._span
        length = block_length(end - start)
        if length is None or length % self._unit or self.closed < end:
            weeks = max(min(self.closed, end) - start, 0) // (7 * DAY)
            return {"words": slow_words.standing(min(weeks, 12), math.inf)}, []
        count = (self.closed - end) // length
        if known.get("basis") == [start, end] and count <= known.get("done", 0):
            return known, []
        before = known if known.get("basis") == [start, end] else {}
        return self._checked(state, before, count, length)

    def _checked(
        self, state: State, before: Mapping[str, Any], count: int, length: int
    ) -> tuple[Mapping[str, Any], list[Incident]]:
        start, end = self._span
        found = days(self.reader, (start, end + count * length), self._unit, end)
        kinds = found.made.streams.kinds
        every = blocked(found.history, kinds, end // self._unit, length)
        quiet = harmless(every)
        each = weights(found.made.signals, rules_of(self.reader.card).weights, [""])
        limit = threshold(length, self.reader.card.alarms.tickets_per_quarter)
        owner = np.array(before.get("tickets", [0] * len(kinds)), np.int64)
        tickets = Tickets(owner, before.get("last", 0))
        ids: dict[str, str] = dict(before.get("ids", {}))
        new: dict[int, Incident] = {}
        shared: dict[int, int] = {}
        for done in range(max(before.get("done", 0), count - MOST_TOLD) + 1, count + 1):
            n = every.reference + done
            until = every.until(n)
            moved = drift(until, quiet)
            tickets, told = checked(tickets, moved, until, weights=each, limit=limit)
            if told is None:
                continue
            lead = self._lead(told, moved, found, end + done * length, length)
            at = instant(end + done * length)
            if same := self._same(state, ids, lead, length):
                incidents.join(state, same, at, [lead])
                ids[str(told.ticket)] = same
            elif alike := _alike(new, lead, length):
                joined = (*new[alike].leads, lead)
                new[alike] = replace(new[alike], updated=at, leads=joined)
                shared[told.ticket] = alike
            elif told.is_new:
                evidence = float(moved.log_e[told.signals[0]]) / math.log(10)
                new[told.ticket] = self._incident(lead, evidence, end + done * length)
            elif (identity := ids.get(str(told.ticket))) is not None:
                incidents.join(state, identity, at, [lead])
        after = {
            "basis": [start, end],
            "done": count,
            "tickets": tickets.ticket.tolist(),
            "last": tickets.last,
            "ids": ids,
            "numbers": list(new),
            "shared": [list(pair) for pair in shared.items()],
            "words": self._words(every, quiet, each, limit),
        }
        return after, list(new.values())

    def _same(self, state: State, ids: Mapping[str, str], lead: Lead, length: int) -> str:
        """Id of an open ticket of what began at the same time, "" for none."""
        for identity in dict.fromkeys(reversed(list(ids.values()))):
            known = incidents.one(state, identity)
            if known.is_open and _is_near(known, lead, length):
                return identity
        return ""

    def _words(self, blocks: Blocks, quiet: Harmless, each: Floats, limit: float) -> str:
        """What is said of the median signal that can be followed."""
        seen = slow_words.visible(blocks, quiet, each, limit)[blocks.usable & (each > 0)]
        median = float(np.median(seen)) if len(seen) else math.inf
        start, end = self._span
        return slow_words.standing((end - start) // (7 * DAY), median)

    def _lead(self, told: Told, moved: Drift, found: Days, end: int, length: int) -> Lead:
        """The top contributor; those behind it are not named, for any of them may follow it."""
        place = told.signals[0]
        signal: Signal = found.made.signals[place]
        lag = found.lag * self._unit if signal.group in OF_TRUTH else 0
        difference = float(moved.difference[place])
        return Lead(
            signal=signal.name,
            metric=signal.metric,
            column=signal.column,
            segment="",
            version="",
            kind=signal.kind,
            part=1.0,
            direction="up" if difference > 0 else "down",
            since=instant(end - int(moved.since[place]) * length - lag),
            effect=difference,
            low=difference,
            high=difference,
            before=None,
            after=None,
            unit="sigma",
        )

    def _incident(self, lead: Lead, evidence: float, end: int) -> Incident:
        at = instant(end)
        blocks = (at - lead.since) // timedelta(seconds=1)
        said = slow_words.sentence(lead.signal, lead.effect, 1, blocks, end)
        return Incident(
            id="",
            model=self.reader.card.model,
            tier=Tier.SLOW,
            status=Status.OPEN,
            opened=at,
            updated=at,
            since=lead.since,
            evidence=evidence,
            summary=f"{self.reader.card.model}: {said}",
            leads=(lead,),
            story={
                "deployments": self.teller.deployments(lead.since - _NEAR, at),
                "versions": [],
                incidents.EXAMPLES: [],
                "runbook": CHECK,
                "words": said,
            },
        )


def _is_near(incident: Incident, lead: Lead, length: int) -> bool:
    """Whether a ticket tells of the same column already, or of what began at the same time."""
    if lead.column and any(one.column == lead.column for one in incident.leads):
        return True
    return abs(incident.since - lead.since) <= timedelta(seconds=length)


def _alike(new: Mapping[int, Incident], lead: Lead, length: int) -> int:
    """Number of a new ticket of what began at the same time, 0 for none."""
    found = [number for number, one in new.items() if _is_near(one, lead, length)]
    return found[-1] if found else 0


def written(state: State, kept: Mapping[str, Any], new: Sequence[Incident]) -> Mapping[str, Any]:
    """What is kept once new tickets are written, with their ids."""
    if not new:
        return kept
    ids = dict(kept.get("ids", {}))
    for number, incident in zip(kept["numbers"], new, strict=True):
        ids[str(number)] = incidents.add(state, incident).id
    for number, alike in kept["shared"]:
        ids[str(number)] = ids[str(alike)]
    return {**kept, "ids": ids, "numbers": [], "shared": []}


def resolved(kept: Mapping[str, Any], identity: str) -> Mapping[str, Any]:
    """What is kept after somebody resolved a ticket: its signals are looked at again.

    What was accepted stays silent until the model has another reference.
    """
    numbers = {int(number) for number, name in kept.get("ids", {}).items() if name == identity}
    if not numbers:
        return kept
    tickets = [0 if ticket in numbers else ticket for ticket in kept.get("tickets", [])]
    return {**kept, "tickets": tickets}


def check(model: str, kept: Mapping[str, Any], *, is_open: bool) -> Check:
    """How the slow tier stands."""
    state = CheckState.LEARNING if "basis" not in kept else CheckState.OK
    return Check(
        model, "", CHECK, CheckState.WARNING if is_open else state, None, 0.0, 0, kept["words"]
    )
