"""How fast outcomes come, from the profiles of the last days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from monitor.cards.card import Card
from monitor.log.profiles import ProfileTable, Revision
from monitor.metrics.delay_curve import (
    Ageing,
    DelayCurve,
    Seen,
    age_at,
    ages_of,
    delay_curve,
    end_of,
)
from monitor.profiles.columns import DELAY
from monitor.profiles.counts import Counts
from monitor.profiles.durations import SECOND, Durations
from monitor.profiles.family import Family
from monitor.profiles.layout import Floats, Ints, Layout, Profile, total
from monitor.profiles.segments import ALL
from monitor.profiles.windows import feedback_length, floor, instant, levels, seconds_of

BACK = 2
"""Label horizons that a curve looks back: spans of the further one know all their outcomes."""


@dataclass(frozen=True)
class Delays:
    """The delays of a model's outcomes, all versions and stages together.

    A curve is asked for as of a moment, and counts only what was known then: cells of the delay
    that even the youngest prediction of a span had outlived. So the numbers of a window are the
    same whether they were said in time or long afterwards, and outcomes that come later change
    none of them.

    Attributes:
        first: the first age at which a window is looked at again [s].
        step: length of the spans [s].
        horizon: how long outcomes are waited for [s].
        edges: ends of the cells of the delay [s].
        spans: start of each, its predictions, and its outcomes per cell.
    """

    first: float
    step: int
    horizon: float
    edges: Floats
    spans: tuple[tuple[int, int, Ints], ...]
    _curves: dict[int, DelayCurve] = field(default_factory=dict, compare=False)

    @property
    def end(self) -> float:
        """Age from which on no outcome is expected any more [s]."""
        return end_of(self.edges, self.horizon)

    def curve(self, at: int) -> DelayCurve:
        """The curve as of the last whole span before a moment, Unix seconds."""
        known = floor(at, self.step)
        if known not in self._curves:
            begin = known - BACK * self.horizon - self.step
            seen = [
                Seen(known - start - self.step, predictions, labelled)
                for start, predictions, labelled in self.spans
                if begin <= start <= known - self.step
            ]
            self._curves[known] = delay_curve(seen, self.edges, self.horizon)
        return self._curves[known]

    def ageing(self, end: int, upto: int, held: Iterable[Revision]) -> Ageing:
        """How old a window is.

        Args:
            end: of the window, Unix seconds.
            upto: end of the model's closed time.
            held: profiles of truth that make up the window.
        """
        age = age_at(upto - end, self.first, self.end)
        rows: dict[tuple[int, int], int] = defaultdict(int)
        for revision in held:
            key = revision.partial.key
            if key.segment == ALL and revision.partial.rows:
                rows[seconds_of(key.start), key.seconds] += revision.partial.rows
        spans = [(end - start - long, long, n) for (start, long), n in sorted(rows.items())]
        return Ageing(age, self.curve(end + int(age)), tuple(spans))

    def due(self, since: int, upto: int, length: int) -> list[int]:
        """Ends of the windows that reached one of the ages between two moments, ascending.

        Each window is due a dozen times or two until its outcomes are final, and not at every run.
        """
        found: set[int] = set()
        for age in map(int, ages_of(self.first, self.end)):
            begin = floor(since - age, length) + length
            found |= set(range(begin, upto - age + 1, length))
        return sorted(found)


def delays_of(
    card: Card, profiles: ProfileTable, layouts: Mapping[str, Layout], profile: int, upto: int
) -> Delays:
    """The delays of the outcomes of a model.

    Args:
        card: of the model.
        profiles: where its profiles of truth are.
        layouts: by id, those that they may have.
        profile: length of its finest windows [s].
        upto: end of its closed time, Unix seconds.
    """
    first = feedback_length(profile)
    step = levels(first)[-1]
    horizon = card.label_horizon.total_seconds()
    whole = next(one for one in layouts.values() if (Durations.name(), DELAY) in one.places)
    edges = Profile.empty(whole).get(Durations, DELAY).edges / SECOND
    oldest = upto - (BACK * horizon + end_of(edges, horizon)) - 2 * step
    by_start: dict[int, list[Profile]] = defaultdict(list)
    for revision in profiles.latest(
        family=Family.TRUTH,
        model=card.model,
        seconds=step,
        start=instant(floor(int(oldest), step)),
        end=instant(floor(upto, step)),
        layouts={whole.id: whole},
        segment=ALL,
    ):
        start = seconds_of(revision.partial.key.start)
        by_start[start].append(revision.partial.profile)
    spans = []
    for start, some in sorted(by_start.items()):
        summed = total(whole, some)
        labelled = np.array(summed.get(Durations, DELAY).counts)
        spans.append((start, summed.get(Counts).of["predictions"], labelled))
    return Delays(first, step, horizon, edges, tuple(spans))
