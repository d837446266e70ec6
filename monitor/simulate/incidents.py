"""What goes wrong in a simulated world, when, and what should be seen of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from monitor.simulate.applicants import CHANNELS, REGIONS, Applicants, Bools, Floats, Ints
from monitor.simulate.rhythm import microseconds

CONSUMERS: Final = ("pricing", "crm")
"""Applications that use the predictions."""


@dataclass(frozen=True, slots=True)
class UnitChange:
    """The income of some cases of a channel arrives in thousands.

    Attributes:
        channel: one of `CHANNELS`.
        share: of that channel's cases, in [0, 1].
    """

    channel: str
    share: float


@dataclass(frozen=True, slots=True)
class OverrideRise:
    """A team overrules the recommendations more often than it used to.

    Attributes:
        team: one of `REGIONS`, for each region has its team.
        rate: overrides per decision with the recommendation shown, in [0, 1].
    """

    team: str
    rate: float


@dataclass(frozen=True, slots=True)
class SkippedReview:
    """A consumer uses some predictions without waiting for the review that they need.

    Attributes:
        consumer: one of `CONSUMERS`.
        share: of its uses of such predictions, in [0, 1].
    """

    consumer: str
    share: float


@dataclass(frozen=True, slots=True)
class UseFall:
    """A consumer ignores some of the predictions that it used to use.

    Attributes:
        consumer: one of `CONSUMERS`.
        share: of what it would use, in [0, 1].
    """

    consumer: str
    share: float


Effect = UnitChange | OverrideRise | SkippedReview | UseFall


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that goes wrong from `start` until `end`, half open.

    Attributes:
        kind: a short name.
        start: first moment; for people's acts their own time counts.
        end: first moment after it.
        effects: what happens.
        seen: what an observer should find, in words.
    """

    kind: str
    start: datetime
    end: datetime
    effects: tuple[Effect, ...]
    seen: tuple[str, ...]

    def lasts(self, times: Ints) -> Bools:
        """Whether each time, in microseconds, falls into it."""
        return (times >= microseconds(self.start)) & (times < microseconds(self.end))


def income_in_thousands(start: datetime, end: datetime) -> Incident:
    """The incident of the demo: a feed changes its unit, and one team notices."""
    return Incident(
        kind="unit_change",
        start=start,
        end=end,
        effects=(
            UnitChange("mobile", 0.6),
            OverrideRise("south", 0.25),
            SkippedReview("crm", 0.03),
        ),
        seen=(
            "income drifts: a fifth of all cases, three fifths of channel mobile",
            "mean confidence falls and more cases lie below the low-confidence line",
            "overrides of team south, branches south-1 and south-2, rise from 8 to 25 %",
            "consumer crm uses 3 % of the cases that need a review without waiting for it",
        ),
    )


def damaged(
    people: Applicants, times: Ints, incidents: tuple[Incident, ...], rng: np.random.Generator
) -> Applicants:
    """The applicants as the model gets them while incidents last."""
    chance = rng.random(len(times))
    for incident in incidents:
        for effect in incident.effects:
            if isinstance(effect, UnitChange):
                hit = (
                    incident.lasts(times)
                    & (people.channel == CHANNELS.index(effect.channel))
                    & (chance < effect.share)
                )
                people = replace(people, income=np.where(hit, people.income / 1_000, people.income))
    return people


def override_rates(base: float, team: Ints, times: Ints, incidents: tuple[Incident, ...]) -> Floats:
    """Chance that each decision overrules the recommendation, given team and time of decision."""
    rates = np.full(len(team), base)
    for incident in incidents:
        for effect in incident.effects:
            if isinstance(effect, OverrideRise):
                hit = incident.lasts(times) & (team == REGIONS.index(effect.team))
                rates[hit] = effect.rate
    return rates


def skips_review(
    consumer: Ints, times: Ints, incidents: tuple[Incident, ...], rng: np.random.Generator
) -> Bools:
    """Whether each use, of a consumer at a time, does not wait for a review."""
    chance = rng.random(len(times))
    skips = np.zeros(len(times), np.bool_)
    for incident in incidents:
        for effect in incident.effects:
            if isinstance(effect, SkippedReview):
                is_theirs = consumer == CONSUMERS.index(effect.consumer)
                skips |= incident.lasts(times) & is_theirs & (chance < effect.share)
    return skips


def ignores(
    consumer: Ints, times: Ints, incidents: tuple[Incident, ...], rng: np.random.Generator
) -> Bools:
    """Whether each use, of a consumer at a time, is given up; draws only where some may be."""
    given_up = np.zeros(len(times), np.bool_)
    for incident in incidents:
        for effect in incident.effects:
            if isinstance(effect, UseFall):
                is_theirs = consumer == CONSUMERS.index(effect.consumer)
                chance = rng.random(len(times))
                given_up |= incident.lasts(times) & is_theirs & (chance < effect.share)
    return given_up
