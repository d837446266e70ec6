"""Everything that one day's requests lead to, as columns."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from monitor.simulate.applicants import Bools, Floats, Ints, drawn, with_gaps
from monitor.simulate.feedback import (
    Cases,
    Outcomes,
    Reviews,
    Uses,
    network_delay,
    outcomes_of,
    reviews_of,
    sampled,
    uses_of,
)
from monitor.simulate.incidents import Incident, damaged
from monitor.simulate.poison import POISON
from monitor.simulate.rhythm import DAY, SECOND, microseconds, request_times
from monitor.simulate.scoring import probability, repayment

_FAILURES: Final = 0.002
"""Inferences without an answer, per prediction."""
_NO_CANARY: Final = 0.5
"""Share of traffic from which a version is no canary any more."""


class Step(NamedTuple):
    """From this day of the world on, version 2 gets this share of the requests."""

    day: float
    share: float


ROLLOUT: Final = (Step(8, 0.1), Step(10, 0.25), Step(12, 0.5))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a world is made from; equal plans make equal worlds.

    Attributes:
        seed: of all chance.
        start: first moment, aware.
        days: length [24 h].
        per_day: predictions of a mean day.
        incidents: what goes wrong.
        rollout: how version 2 takes over, in the order of its days.
        duplicates: share of the messages that are sent again, one to four times, within hours.
        poison: messages per day that no service can store.
    """

    seed: int
    start: datetime
    days: int
    per_day: float
    incidents: tuple[Incident, ...] = ()
    rollout: tuple[Step, ...] = ROLLOUT
    duplicates: float = 0.0
    poison: int = 0

    @property
    def end(self) -> datetime:
        """First moment after the world: nothing arrives then or later."""
        return self.start + timedelta(days=self.days)

    @property
    def tag(self) -> str:
        """What tells this world's ids from those of another seed or start."""
        text = f"{self.seed} {microseconds(self.start)}"
        return hashlib.sha256(text.encode()).hexdigest()[:6]


@dataclass(frozen=True, slots=True)
class Failures:
    """Inferences without an answer: time, arrival and version's index, shape (n,)."""

    time: Ints
    arrival: Ints
    version: Ints


@dataclass(frozen=True, slots=True)
class Deployments:
    """Steps of a rollout: time, version's index, share of traffic, whether a canary, (n,)."""

    time: Ints
    version: Ints
    share: Floats
    canary: Bools


@dataclass(frozen=True, slots=True)
class Day:
    """What one day's requests lead to, whenever it arrives.

    Attributes:
        ids: of the predictions, in their order.
        cases: predictions.
        reviews: decisions on them.
        outcomes: their truths.
        uses: their uses.
        failures: requests without an answer.
        deployments: steps of the rollout.
        poison_arrival: when each unusable message arrives, microseconds.
        poison: index into `POISON` of each.
        again: per repeated message the index of its original, counted through cases, reviews,
            outcomes, uses and failures.
        again_arrival: when each repeated message arrives, microseconds.
    """

    ids: list[str]
    cases: Cases
    reviews: Reviews
    outcomes: Outcomes
    uses: Uses
    failures: Failures
    deployments: Deployments
    poison_arrival: Ints
    poison: Ints
    again: Ints
    again_arrival: Ints


def day_of(plan: Plan, day: int) -> Day:
    """Day `day` of a world, counted from 0; drawn without the days before it."""
    start = microseconds(plan.start) + day * DAY
    ids, cases = _cases(plan, day, start, _chance(plan, day, 0))
    rng = _chance(plan, day, 1)
    reviews = reviews_of(cases, plan.incidents, rng)
    outcomes = outcomes_of(cases, rng)
    uses = uses_of(cases, reviews, plan.incidents, rng)
    rng = _chance(plan, day, 2)
    failures = _failures(plan, start, rng)
    facts = (cases, reviews, outcomes, uses, failures)
    again, again_arrival = _again(
        np.concatenate([part.arrival for part in facts]), plan.duplicates, rng
    )
    return Day(
        ids=ids,
        cases=cases,
        reviews=reviews,
        outcomes=outcomes,
        uses=uses,
        failures=failures,
        deployments=_deployments(plan, start),
        poison_arrival=start + rng.integers(0, DAY, plan.poison),
        poison=rng.integers(0, len(POISON), plan.poison),
        again=again,
        again_arrival=again_arrival,
    )


def _chance(plan: Plan, day: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([plan.seed, day, stream])


def _cases(plan: Plan, day: int, start: int, rng: np.random.Generator) -> tuple[list[str], Cases]:
    """Ids and predictions of a day."""
    time = request_times(start, plan.per_day, rng)
    n = len(time)
    ids = prediction_ids(plan.tag, day, n)
    people = drawn(n, rng)
    version, canary = _versions(plan, time, rng)
    chance = repayment(people)
    sent = damaged(with_gaps(people, rng), time, plan.incidents, rng)
    cases = Cases(
        time=time,
        arrival=time + network_delay(n, rng),
        version=version,
        canary=canary,
        sent=sent,
        chance=chance,
        probability=probability(sent, version),
        repays=rng.random(n) < chance,
        latency=np.round(rng.lognormal(3.2, 0.4, n), 1),
        sampled=sampled(ids),
    )
    return ids, cases


def prediction_ids(tag: str, day: int, count: int) -> list[str]:
    """Ids of a day's predictions, in their order."""
    return [f"{tag}-{day:03d}-{n:06d}" for n in range(count)]


def _versions(plan: Plan, time: Ints, rng: np.random.Generator) -> tuple[Ints, Bools]:
    """Index of the version that answers at each time, and whether it is a canary then."""
    shares = np.array([0.0, *(step.share for step in plan.rollout)])
    begins = [microseconds(plan.start) + step.day * DAY for step in plan.rollout]
    share = shares[np.searchsorted(np.array(begins), time, side="right")]
    version = (rng.random(len(time)) < share).astype(np.int64)
    return version, (version == 1) & (share < _NO_CANARY)


def _failures(plan: Plan, start: int, rng: np.random.Generator) -> Failures:
    time = request_times(start, plan.per_day * _FAILURES, rng)
    version, _ = _versions(plan, time, rng)
    return Failures(time, time + network_delay(len(time), rng), version)


def _deployments(plan: Plan, start: int) -> Deployments:
    """The steps of the rollout that are taken in the day that begins at `start`."""
    first = microseconds(plan.start)
    steps = [(first, 0, 1.0)]
    steps += [(first + round(step.day * DAY), 1, step.share) for step in plan.rollout]
    taken = [step for step in steps if start <= step[0] < start + DAY]
    share = np.array([step[2] for step in taken], np.float64)
    return Deployments(
        time=np.array([step[0] for step in taken], np.int64),
        version=np.array([step[1] for step in taken], np.int64),
        share=share,
        canary=share < _NO_CANARY,
    )


def _again(arrival: Ints, share: float, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Index of the original and arrival of each repeated message."""
    repeated = np.flatnonzero(rng.random(len(arrival)) < share)
    again = np.repeat(repeated, rng.integers(1, 5, len(repeated)))
    later = 20 * 60 * SECOND * rng.lognormal(0, 1.5, len(again))
    return again, arrival[again] + 1 + later.astype(np.int64)
