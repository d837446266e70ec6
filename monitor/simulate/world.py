"""A seeded world in which a lending model, its reviewers and its borrowers act."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from monitor.simulate.card import card_text
from monitor.simulate.day import Day, Plan, day_of, prediction_ids
from monitor.simulate.encode_feedback import (
    decision_messages,
    outcome_messages,
    usage_messages,
)
from monitor.simulate.encode_predictions import prediction_messages
from monitor.simulate.encode_service import (
    deployment_messages,
    failure_messages,
    poison_messages,
)
from monitor.simulate.facts import Facts, feedback_facts, prediction_facts, total
from monitor.simulate.incidents import income_in_thousands
from monitor.simulate.leaks import Leak, leaks_of
from monitor.simulate.messages import Messages, joined
from monitor.simulate.poison import POISON
from monitor.simulate.rhythm import DAY, microseconds, moment


class Event(NamedTuple):
    """A message: when it arrives (aware, UTC), its key and its value."""

    time: datetime
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class World(Plan):
    """What happens from `start` until `end`, half open, as messages, card and truth."""

    def events(self) -> Iterator[Event]:
        """All messages in the order of their arrival; holds about a fortnight of them."""
        pending = Messages(np.empty(0, np.int64), [], [])
        start = microseconds(self.start)
        for day in range(self.days):
            messages = joined([pending, *_messages(day_of(self, day), self.tag, day)])
            order = np.argsort(messages.arrival, kind="stable")
            messages = messages.taken(order)
            due = int(np.searchsorted(messages.arrival, start + (day + 1) * DAY))
            times = map(moment, messages.arrival[:due].tolist())
            yield from map(Event, times, messages.keys, messages.values)
            pending = messages.taken(np.arange(due, len(order)))

    def truth(self) -> Facts:
        """What `events` sends, counted from what is drawn."""
        end = microseconds(self.end)
        return total(part for day in range(self.days) for part in _facts(day_of(self, day), end))

    def card(self, reference_days: int | None = None) -> str:
        """YAML of the model card; its reference is the first days, by default two thirds."""
        days = self.days * 2 // 3 if reference_days is None else reference_days
        return card_text(self.start, self.start + timedelta(days=days))

    def leaks(self) -> dict[str, Leak]:
        """By prediction id, those that took effect before their required review or without it.

        Only events that arrive before the end are known.
        """
        end = microseconds(self.end)
        found: dict[str, Leak] = {}
        for day in range(self.days):
            found |= leaks_of(day_of(self, day), end)
        return found


def demo_world(
    now: datetime, *, seed: int = 7, days: int = 42, per_day: float = 1_000, calm: bool = False
) -> World:
    """The world of the demo, which ends with the last full hour before `now`.

    Unless it is calm, something goes wrong in its last eighth, from day 37 of 42; four weeks are
    what a detector learns from.
    """
    end = now.replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=days)
    begins = start + timedelta(days=days * 37 // 42)
    incidents = () if calm else (income_in_thousands(begins, end),)
    return World(seed, start, days, per_day, incidents)


def _messages(day: Day, tag: str, number: int) -> list[Messages]:
    cases = day.cases
    ids = day.ids
    failure_ids = prediction_ids(f"f-{tag}", number, len(day.failures.time))
    # The order that `Day.again` counts in.
    events = joined(
        [
            prediction_messages(cases, ids),
            decision_messages(day.reviews, cases, ids),
            outcome_messages(day.outcomes, cases, ids),
            usage_messages(day.uses, cases, ids),
            failure_messages(day.failures, failure_ids),
        ]
    )
    repeated = events.taken(day.again)
    return [
        deployment_messages(day.deployments),
        events,
        Messages(day.again_arrival, repeated.keys, repeated.values),
        poison_messages(day.poison_arrival, day.poison),
    ]


def _facts(day: Day, end: int) -> list[Facts]:
    return [
        prediction_facts(day.cases, end),
        feedback_facts(day.cases, day.reviews, day.outcomes, day.uses, end),
        Facts(
            failures=int((day.failures.arrival < end).sum()),
            deployments=len(day.deployments.time),
            duplicates=int((day.again_arrival < end).sum()),
            poison=Counter(POISON[kind][0] for kind in day.poison.tolist()),
        ),
    ]
