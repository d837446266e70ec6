"""Profiles that make up a window, summed by version, by segment and by the names of people."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.log.profiles import Revision
from monitor.metrics.base import Before
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile, total
from monitor.profiles.named import CONSUMER, ROLE, TEAM, folded, names_of


@dataclass(frozen=True, slots=True)
class Usage:
    """What consumers did in a window and before, all versions together.

    Attributes:
        profiles: of the window, per consumer.
        before: what they did in the windows before.
        rests_on: what changes when any of it does, a line each.
    """

    profiles: Mapping[str, Profile]
    before: Before
    rests_on: Sequence[str]


def by_version(
    held: Mapping[Family, Sequence[Revision]],
) -> dict[tuple[str, str], dict[Family, list[Revision]]]:
    """Profiles per version over all its stages, and per stage where a version has several."""
    stages: dict[str, set[str]] = defaultdict(set)
    for revisions in held.values():
        for revision in revisions:
            found = stages[revision.partial.key.version]
            # A failure knows no stage.
            if revision.partial.key.family is not Family.FAILURES:
                found.add(revision.partial.key.stage)
    wanted = [
        (version, stage)
        for version, some in sorted(stages.items())
        for stage in ("", *(sorted(some - {""}) if len(some) > 1 else ()))
    ]
    return {
        (version, stage): {
            family: [
                r
                for r in revisions
                if r.partial.key.version == version and stage in ("", r.partial.key.stage)
            ]
            for family, revisions in held.items()
        }
        for version, stage in wanted
    }


def by_segment(revisions: Sequence[Revision]) -> dict[str, Profile]:
    """The sum of each segment, of teams and the like no more than a window may have."""
    rows: dict[str, int] = defaultdict(int)
    for revision in revisions:
        rows[revision.partial.key.segment] += revision.partial.rows
    places = folded(rows)
    joined: dict[str, list[Profile]] = defaultdict(list)
    for revision in revisions:
        joined[places[revision.partial.key.segment]].append(revision.partial.profile)
    return {segment: total(some[0].layout, some) for segment, some in joined.items()}


def people(sums: Mapping[str, Profile]) -> dict[str, dict[str, Profile]]:
    """Profile per team and per role."""
    return {
        dimension: {name: sums[at] for name, at in names_of(dimension, sums).items()}
        for dimension in (TEAM, ROLE)
    }


def usage(seconds: int, mine: Sequence[Revision], earlier: Sequence[Sequence[Revision]]) -> Usage:
    """What consumers did in a window and in those before.

    Args:
        seconds: length of each [s].
        mine: profiles of use that make up the window, of all versions.
        earlier: those of each window before it.
    """

    def of_consumers(some: Iterable[Revision]) -> list[Revision]:
        return [r for r in some if r.partial.key.segment.startswith(CONSUMER)]

    def named(some: Sequence[Revision]) -> dict[str, Profile]:
        sums = by_segment(some)
        return {name: sums[at] for name, at in names_of(CONSUMER, sums).items()}

    now = of_consumers(mine)
    past = [revision for some in earlier for revision in of_consumers(some)]
    windows = sum(any(revision.partial.rows for revision in some) for some in earlier)
    before = Before(named(past), windows, seconds)
    # Without consumers nothing rests on anything, and windows need no revision for it.
    grounds = [f"{r.partial.key}{r.hash}" for r in (*now, *past)]
    return Usage(named(now), before, [*grounds, f"{windows} before"] if grounds else [])
