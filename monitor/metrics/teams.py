"""Teams and roles whose override rate lies outside of what chance explains."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value, Windows
from monitor.metrics.intervals import newcombe
from monitor.metrics.reviewers import withheld
from monitor.profiles.counts import Counts
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile

_ERROR: Final = 0.05
"""Probability of any outlier where all have one rate."""


def gaps(groups: Mapping[str, Profile], minimum: int) -> Mapping[str, Value | Undefined]:
    """Rate of each group less that of all others, with ends that hold for all at once.

    Groups that are too small, or of too few people to be shown, count among the others of the
    rest and are not compared.

    Args:
        groups: profile of each.
        minimum: shown cases that a group needs, and its rest too [rows].
    """
    counts = {name: profile.get(Counts).of for name, profile in groups.items()}
    rows = {name: of["shown"] for name, of in counts.items()}
    hits = {name: of["overridden"] for name, of in counts.items()}
    all_rows, all_hits = sum(rows.values()), sum(hits.values())
    hidden = withheld(groups)
    compared = [
        name
        for name in groups
        if rows[name] >= max(minimum, 1)
        and all_rows - rows[name] >= max(minimum, 1)
        and name not in hidden
    ]
    z = NormalDist().inv_cdf(1 - _ERROR / 2 / max(len(compared), 1))
    found: dict[str, Value | Undefined] = {}
    for name in groups:
        if name not in compared:
            found[name] = Undefined(
                "withheld, for fewer than three people could be told"
                if name in hidden
                else f"fewer than {minimum} shown cases in it or in all others"
            )
            continue
        rest_rows, rest_hits = all_rows - rows[name], all_hits - hits[name]
        gap = hits[name] / rows[name] - rest_hits / rest_rows
        lower, upper = newcombe(hits[name], rows[name], rest_hits, rest_rows, z)
        found[name] = Value(gap, rows[name], min(lower, gap), max(upper, gap))
    return found


def measure_outlying(subject: Subject) -> Value | Undefined:
    found = [
        one for one in gaps(subject.groups, subject.minimum).values() if isinstance(one, Value)
    ]
    if not found:
        return Undefined(
            f"no two groups of three people and {subject.minimum} shown cases to compare"
        )
    outside = sum((one.lower or 0.0) > 0 or (one.upper or 0.0) < 0 for one in found)
    return Value(float(outside), sum(one.rows for one in found))


def measure_gap(subject: Subject) -> Mapping[str, Value | Undefined]:
    return gaps(subject.groups, subject.minimum)


_MIX: Final = "What cases each gets: a team with harder ones overrides more."

OUTLYING = Metric(
    name="outlying_groups",
    title="Teams or roles that override unlike the others",
    unit=Unit.NUMBER,
    series="outlying_groups",
    family=Family.PEOPLE,
    per=Per.DIVISION,
    summaries=(Counts,),
    measure=measure_outlying,
    null=0.0,
    least=60,
    says="How many teams (or roles of reviewers) override a share of the shown cases that chance "
    "does not explain: their interval of team_override_gap, widened so that with probability "
    "0.95 none is outside where all are alike, leaves out 0. A funnel plot's points outside its "
    "limits. Only groups of three people and the card's least number of rows.",
    prefer="reviewer_spread for people, of whom none is singled out.",
    blind=_MIX,
    source="Spiegelhalter (2005), Statistics in Medicine 24, 1185, for funnel plots; Bonferroni's "
    "correction; Newcombe (1998), method 10",
)

GAP = Metric(
    name="team_override_gap",
    title="Override rate of a team less that of all others",
    unit=Unit.RATIO,
    family=Family.PEOPLE,
    per=Per.TEAM,
    windows=Windows.PUBLISH,
    summaries=(Counts,),
    measure=measure_gap,
    ends=Ends.SAMPLING,
    null=0.0,
    least=30,
    says="Override rate of a team less that of all others together. The interval is widened by "
    "the number of teams compared, so that with probability 0.95 all of them hold.",
    prefer="override of the segment @team for the rate itself.",
    blind=_MIX,
    source="Newcombe (1998), method 10, with Bonferroni's correction",
)
