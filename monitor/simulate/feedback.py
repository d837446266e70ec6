"""What people and time make of a day's predictions: reviews, outcomes, use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import xxhash

from monitor.simulate.applicants import Applicants, Bools, Floats, Ints
from monitor.simulate.incidents import (
    CONSUMERS,
    Incident,
    ignores,
    override_rates,
    skips_review,
)
from monitor.simulate.rhythm import DAY, SECOND
from monitor.simulate.scoring import THRESHOLD

LOW_CONFIDENCE: Final = 0.6
OVERRIDE_RATE: Final = 0.08
"""Overrides per decision with the recommendation shown, while nothing is wrong."""
LABELLED: Final = 0.85
"""Share of predictions whose truth ever becomes known."""
KNOWN: Final = timedelta(days=10)
"""Time by which nine tenths of the outcomes have come."""
USED: Final = ("used", "ignored", "deferred", "blocked")
SAMPLE: Final = 0.1
"""Share of the predictions of high confidence that the policy has reviewed too."""
WITHIN: Final = timedelta(hours=8)
"""Time that a review may take."""
REVIEWERS: Final = 6
"""Reviewers per team."""

_REQUIRED_REVIEWED: Final = 0.98
_REST_REVIEWED: Final = 0.01
_SHOWN: Final = 0.92
_INSIGHT: Final = 3.0
"""How many times as often a person overrules a wrong recommendation as a right one."""
_UNAIDED_AGREEMENT: Final = 0.72
"""How often a person who was shown no recommendation decides as the model would."""
_USES: Final = (0.6, 0.25)
_USED_SHARES: Final = (0.88, 0.08, 0.04, 0.0)
_BLOCKED: Final = USED.index("blocked")


@dataclass(frozen=True, slots=True)
class Cases:
    """A day's predictions, n of them, every array of shape (n,).

    Attributes:
        time: of the prediction, microseconds, ascending.
        arrival: when its event arrives, microseconds.
        version: index into `VERSIONS`.
        canary: whether its version was being tried on a small share.
        sent: the applicants as the model saw them.
        chance: true chance of repayment, in (0, 1).
        probability: that chance as the model gives it, in [0, 1].
        repays: whether the loan is, or would be, repaid: "approve" would be right.
        latency: time of the inference [ms].
        sampled: whether chance asks for a review, as the policy has it.
    """

    time: Ints
    arrival: Ints
    version: Ints
    canary: Bools
    sent: Applicants
    chance: Floats
    probability: Floats
    repays: Bools
    latency: Floats
    sampled: Bools

    @property
    def required(self) -> Bools:
        """Whether the policy asks for a review."""
        return (self.confidence < LOW_CONFIDENCE) | self.sampled

    @property
    def approved(self) -> Bools:
        """Whether the model approves."""
        return self.probability >= THRESHOLD

    @property
    def confidence(self) -> Floats:
        """Probability of the predicted class, in [0.5, 1]."""
        return np.maximum(self.probability, 1 - self.probability)


@dataclass(frozen=True, slots=True)
class Reviews:
    """Decisions, m of them, every array of shape (m,).

    Attributes:
        case: index of the prediction in its day.
        started: when the person began, microseconds.
        time: of the decision.
        arrival: of its event.
        team: index into `REGIONS`.
        reviewer: number in the team, from 0 to below `REVIEWERS`.
        shown: whether the person saw the recommendation.
        agrees: whether the decision is the model's.
    """

    case: Ints
    started: Ints
    time: Ints
    arrival: Ints
    team: Ints
    reviewer: Ints
    shown: Bools
    agrees: Bools

    @property
    def overridden(self) -> Bools:
        """Whether the person overruled a recommendation that was shown."""
        return self.shown & ~self.agrees


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Truths that become known: index of the prediction, time and arrival, shape (m,)."""

    case: Ints
    time: Ints
    arrival: Ints


@dataclass(frozen=True, slots=True)
class Uses:
    """Uses by applications downstream, every array of shape (m,).

    Attributes:
        case: index of the prediction in its day.
        consumer: index into `CONSUMERS`.
        used: index into `USED`.
        time: of the use, microseconds.
        arrival: of its event.
    """

    case: Ints
    consumer: Ints
    used: Ints
    time: Ints
    arrival: Ints


def reviews_of(cases: Cases, incidents: tuple[Incident, ...], rng: np.random.Generator) -> Reviews:
    """Decisions on nearly all cases that need a review, and on few others.

    A case is overruled with the same chance whatever its confidence, but `_INSIGHT` times as
    often when the model is wrong, so that people mend more than they harm.
    """
    n = len(cases.time)
    likely = np.where(cases.required, _REQUIRED_REVIEWED, _REST_REVIEWED)
    case = np.flatnonzero(rng.random(n) < likely)
    m = len(case)
    started = cases.time[case] + _spans(90 * 60 * SECOND, 0.9, m, rng)
    time = started + _spans(9 * 60 * SECOND, 0.6, m, rng)
    team = cases.sent.region[case]
    shown = rng.random(m) < _SHOWN
    rate = override_rates(OVERRIDE_RATE, team, time, incidents)
    error = np.where(cases.approved[case], 1 - cases.chance[case], cases.chance[case])
    wrong = cases.approved[case] != cases.repays[case]
    overrules = rate * np.where(wrong, _INSIGHT, 1) / (1 - error + _INSIGHT * error)
    disagrees = np.where(shown, overrules, 1 - _UNAIDED_AGREEMENT)
    return Reviews(
        case=case,
        started=started,
        time=time,
        arrival=time + network_delay(m, rng),
        team=team,
        reviewer=rng.integers(0, REVIEWERS, m),
        shown=shown,
        agrees=rng.random(m) >= disagrees,
    )


def outcomes_of(cases: Cases, rng: np.random.Generator) -> Outcomes:
    """When truths become known: days later, log-normal, and for some never.

    Rejected cases have one too: their repayment of credit elsewhere is followed up.
    """
    case = np.flatnonzero(rng.random(len(cases.time)) < LABELLED)
    time = cases.time[case] + _spans(4 * DAY, 0.7, len(case), rng)
    return Outcomes(case, time, time + network_delay(len(case), rng))


def sampled(ids: Sequence[str]) -> Bools:
    """Whether chance asks for a review of each, computed as the documentation tells services."""
    digits = [xxhash.xxh3_128_hexdigest(name.encode())[-13:] for name in ids]
    return np.array([int(some, 16) / 2**52 < SAMPLE for some in digits], np.bool_)


def uses_of(
    cases: Cases, reviews: Reviews, incidents: tuple[Incident, ...], rng: np.random.Generator
) -> Uses:
    """Uses of the predictions by two consumers, minutes to hours later.

    They wait for a review that is required, and are blocked where none is made; while an incident
    lasts, some do not wait.
    """
    n = len(cases.time)
    chosen = [np.flatnonzero(rng.random(n) < share) for share in _USES]
    case = np.concatenate(chosen)
    m = len(case)
    consumer = np.repeat(np.arange(len(CONSUMERS)), [len(c) for c in chosen])
    time = cases.time[case] + _spans(20 * 60 * SECOND, 1.2, m, rng)
    used = rng.choice(len(USED), m, p=_USED_SHARES)
    reviewed = np.full(n, -1, np.int64)
    reviewed[reviews.case] = reviews.time
    review = reviewed[case]
    waits = cases.required[case] & ~skips_review(consumer, time, incidents, rng)
    used = np.where(waits & (review < 0), _BLOCKED, used)
    given_up = ignores(consumer, time, incidents, rng) & (used == USED.index("used"))
    used = np.where(given_up, USED.index("ignored"), used)
    after = review + _spans(3 * 60 * SECOND, 0.8, m, rng)
    time = np.where(waits & (review >= 0), np.maximum(time, after), time)
    return Uses(case, consumer, used, time, time + network_delay(m, rng))


def network_delay(n: int, rng: np.random.Generator) -> Ints:
    """Time from an event to its arrival: mostly under a second, never over a minute."""
    return np.minimum(_spans(SECOND // 3, 0.9, n, rng), 60 * SECOND)


def _spans(median: int, sigma: float, n: int, rng: np.random.Generator) -> Ints:
    """N log-normal spans of time in whole milliseconds, at least one each."""
    milliseconds = np.maximum(median / 1_000 * rng.lognormal(0, sigma, n), 1)
    return milliseconds.astype(np.int64) * 1_000
