"""The story of an incident: what moved by how much since when, what was deployed, examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from monitor.cards.card import Card
from monitor.detection import pager
from monitor.detection.named import OF_TRUTH, SIGMA, Group, Signal
from monitor.detection.truths import PREFIX
from monitor.detection.watching import Step
from monitor.events.schema import Kind
from monitor.jobs.watched import Read, Reader
from monitor.jobs.watched_signals import truths_of
from monitor.log.events import EventLog
from monitor.profiles import columns
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Ints, Profile
from monitor.profiles.segments import ALL
from monitor.profiles.windows import instant
from monitor.state import deployments
from monitor.state.database import State
from monitor.state.incidents import EXAMPLES, Lead

MOST_EXAMPLES: Final = 5
MOST_DEPLOYMENTS: Final = 10
MOST_LEADS: Final = 12
"""Signals that an incident names; those beyond carry next to nothing of the evidence."""

NEAR: Final = timedelta(days=2)
"""How long before the change point a deployment is told of."""

LOOKED_AT: Final = 2_000
"""Predictions among which examples are sought: those of the smallest id hashes."""

_SAID: Final = ("location", "spread")
"""Components that the mean and the deviation of the number itself stand for."""


@dataclass(frozen=True, slots=True)
class Teller:
    """What telling needs.

    Attributes:
        state: where deployments are.
        reader: of the model's profiles.
        log: where predictions are.
        version: of the table of events that this run pinned.
    """

    state: State
    reader: Reader
    log: EventLog
    version: int

    @property
    def _card(self) -> Card:
        return self.reader.card

    def leads(self, step: Step) -> list[Lead]:
        """The signals behind a call, the greatest first, with their numbers before and after."""
        found = []
        length = self.reader.length
        some = step.call.leads[:MOST_LEADS]
        first = min(lead.since for lead in some)
        read = self.reader.read((first * length, (step.detector.number + 1) * length), length)
        for lead in some:
            signal = step.detector.signals[lead.signal]
            before, after = self._values(step, lead, signal, read)
            found.append(
                Lead(
                    signal=signal.name,
                    metric=signal.metric,
                    column=signal.column,
                    segment=signal.segment,
                    version=signal.version,
                    kind=signal.kind,
                    part=lead.part,
                    direction="up" if lead.is_rise else "down",
                    since=instant((lead.since - self._lag(signal)) * length),
                    effect=lead.effect,
                    low=lead.effect - lead.half_width,
                    high=lead.effect + lead.half_width,
                    before=before,
                    after=after,
                    unit=signal.unit,
                )
            )
        return found

    def _lag(self, signal: Signal) -> int:
        """Windows by which a signal is read later than it was."""
        if signal.group in OF_TRUTH:
            return self.reader.late.truth_lag or 0
        return (self.reader.late.lag or 0) if signal.group in (Group.PEOPLE, Group.USE) else 0

    def _values(
        self, step: Step, lead: pager.Lead, signal: Signal, read: Read
    ) -> tuple[float | None, float | None]:
        """Usual and present value; of components the mean or spread of the number itself."""
        if signal.group in OF_TRUTH:
            after = self._since(step, lead, signal)
            return after - lead.effect, after
        if signal.unit != SIGMA:
            usual = float(step.evidence.expected[lead.signal])
            return usual, usual + lead.effect
        matrix = read.sums.get((signal.version, ALL))
        if signal.kind not in _SAID or signal.segment != ALL or matrix is None:
            return None, None
        name = signal.column
        column = columns.feature(name) if signal.group is Group.FEATURES else name
        present = matrix[lead.since - read.first :].sum(axis=0)
        pair = [
            _moment(self._profile(ints), column, signal.kind)
            for ints in (step.detector.ground.counts, present)
        ]
        return (pair[0], pair[1]) if None not in pair else (None, None)

    def _since(self, step: Step, lead: pager.Lead, signal: Signal) -> float:
        """Mean of a signal of outcomes since its change.

        The baseline has followed the change for some windows, so that it is no longer the usual
        value; this one less the effect is.
        """
        sums = self.reader.late.truth(lead.since, step.detector.number)
        made = truths_of(self.reader, step.detector.ground, sums)[PREFIX + signal.version]
        place = made.signals.index(signal)
        rows = made.streams.rows[place]
        return float(rows @ made.streams.value[place] / max(float(rows.sum()), 1.0))

    def _profile(self, ints: Ints) -> Profile:
        layout = self.reader.columns.whole
        nothing = Profile.empty(layout)
        return Profile(layout, ints, nothing.lows, nothing.highs)

    def story(self, step: Step, leads: Sequence[Lead]) -> dict[str, Any]:
        """What is to be known beside the leads, as values that JSON can hold."""
        end = instant((step.detector.number + 1) * self.reader.length)
        since = min(lead.since for lead in leads)
        leading = step.detector.signals[step.call.leads[0].signal]
        return {
            "deployments": self.deployments(since - NEAR, end),
            "versions": sorted(step.detector.alive(step.detector.number)),
            EXAMPLES: self.examples(step, leads[0], self._lag(leading)),
            "runbook": leading.group.value,
        }

    def deployments(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """The last deployments in a span, in order."""
        found = deployments.between(self.state, self._card.model, start, end)
        return [
            {
                "at": one.at.isoformat(),
                "version": one.version,
                "stage": one.stage,
                "traffic_share": one.traffic_share,
            }
            for one in found[-MOST_DEPLOYMENTS:]
        ]

    def examples(self, step: Step, lead: Lead, lag: int) -> list[str]:
        """Ids of a few predictions of the window, those where the leading number lies furthest.

        Of a bounded sample; where the lead is no number, any few, always the same.

        Args:
            step: of the window.
            lead: the leading signal.
            lag: windows by which it was read late.
        """
        length = self.reader.length
        start = instant((step.detector.number - lag) * length)
        names = ["event_id", "id_hi", "version", "contract", "confidence", "numeric"]
        held = []
        for batch in self.log.scan(
            kind=Kind.PREDICTION,
            model=self._card.model,
            start=start,
            end=start + timedelta(seconds=length),
            columns=names,
            version=self.version,
        ):
            held.append(batch)
            held = [_smallest(pa.Table.from_batches(held))]
        if not held:
            return []
        rows = pa.Table.from_batches(held).to_pylist()
        mine = [row for row in rows if not lead.version or row["version"] == lead.version]
        sign = -1.0 if lead.direction == "up" else 1.0
        place = [f.name for f in self._card.contract.numeric]
        index = place.index(lead.column) if lead.column in place else None

        def far(row: Mapping[str, Any]) -> tuple[float, int]:
            value = row["confidence"] if lead.column == columns.CONFIDENCE else None
            if index is not None and row["contract"] == self._card.contract.id:
                value = row["numeric"][index]
            return (sign * value if value is not None else np.inf), row["id_hi"]

        return [row["event_id"] for row in sorted(mine, key=far)[:MOST_EXAMPLES]]


def _smallest(rows: pa.Table) -> pa.RecordBatch:
    order = np.argsort(rows["id_hi"].to_numpy(), kind="stable")[:LOOKED_AT]
    chosen = rows.take(pa.array(order)).combine_chunks()
    return chosen.to_batches()[0] if len(chosen) else pa.RecordBatch.from_pylist([], rows.schema)


def _moment(profile: Profile, column: str, kind: str) -> float | None:
    """Mean of a number, or its standard deviation; None where sums of it are not kept."""
    if not profile.has(Distribution, column):
        return None
    found = profile.get(Distribution, column)
    if not found.rows or not found.scale:
        return None
    return found.mean if kind == "location" else float(np.sqrt(found.variance))
