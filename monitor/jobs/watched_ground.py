"""What was usual of a model in a span of windows, by which its signals are planned."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from monitor.detection.ground import Ground, ground_of
from monitor.jobs.watched import Reader, parts
from monitor.jobs.watched_late import OF_REVIEWS, OF_USES
from monitor.metrics.reviewers import withheld
from monitor.profiles.counts import Counts
from monitor.profiles.layout import Ints, Profile
from monitor.profiles.named import CONSUMER, TEAM, names_of
from monitor.profiles.segments import ALL
from monitor.profiles.windows import DAY, Range, ceiling, floor, levels

MOST_TEAMS: Final = 20
"""Teams whose reviews are watched by themselves, those with most."""

MOST_CONSUMERS: Final = 20
"""Consumers whose use is watched by itself, those that say most."""


def ground_in(reader: Reader, span: Range, rows: Mapping[str, Ints]) -> Ground:
    """What was usual in a span of whole windows, of which each version had these rows."""
    start, end = ceiling(span[0], DAY), floor(span[1], DAY)
    length = reader.length
    if length > DAY or DAY % length or DAY not in levels(reader.plan.seconds) or start >= end:
        start, end = span
    else:
        length = DAY
    portions = [reader.read(part, length).sums for part in parts((start, end), length)]
    names = {about for sums in portions for about in sums}
    whole = {
        about: np.sum([s[about].sum(axis=0) for s in portions if about in s], axis=0)[None]
        for about in sorted(names)
    }
    found = ground_of(reader.columns, whole, rows)
    spoken = _summed(reader, span)
    teams, consumers = _teams(spoken), _consumers(spoken)
    return replace(found, teams=teams, consumers=consumers, lag=reader.late.truth_lag or 0)


def _summed(reader: Reader, span: Range) -> dict[str, Profile]:
    """What was said of a span of windows, all together and by team and consumer."""
    sums: dict[str, Profile] = {}
    for part in parts(span, reader.length):
        for revision in reader.late.spoken(part):
            segment, profile = revision.partial.key.segment, revision.partial.profile
            sums[segment] = sums[segment] + profile if segment in sums else profile
    return sums


def _teams(sums: Mapping[str, Profile]) -> tuple[str, ...] | None:
    """Segments of the teams with most reviews; None where nobody reviewed.

    Teams of too few people to be shown are not watched by themselves.
    """
    teams = names_of(TEAM, sums)
    hidden = withheld({name: sums[at] for name, at in teams.items()})
    kept = {at: sums[at] for name, at in teams.items() if name not in hidden}
    return _most(sums, kept, OF_REVIEWS[0], MOST_TEAMS)


def _consumers(sums: Mapping[str, Profile]) -> tuple[str, ...] | None:
    """Segments of the consumers that said most; None where none said anything."""
    kept = {at: sums[at] for at in names_of(CONSUMER, sums).values()}
    return _most(sums, kept, OF_USES[0], MOST_CONSUMERS)


def _most(
    every: Mapping[str, Profile], some: Mapping[str, Profile], of: str, most: int
) -> tuple[str, ...] | None:
    """Those of some segments with most rows, in the order of their names; None if all have none."""
    if ALL not in every or not every[ALL].get(Counts).of[of]:
        return None
    rows = {at: profile.get(Counts).of[of] for at, profile in some.items()}
    kept = sorted((at for at in rows if rows[at]), key=lambda at: (-rows[at], at))
    return tuple(sorted(kept[:most]))
