"""What is published of each group: its share of the rows, and its rates."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Unit, Windows
from monitor.metrics.fairness.group_rates import (
    against_rest,
    as_they_are,
    drawn_together,
    share_of_all,
)
from monitor.metrics.fairness.rates import (
    ALARMED,
    CHOSEN,
    FINAL_ALARMED,
    FINAL_FOUND,
    FINAL_PRECISE,
    FOUND,
    OVERRIDDEN,
    PRECISE,
    PRESENT,
    REVIEWED,
    SELECTED,
    Rate,
)

RATES: Final = (
    *(SELECTED, CHOSEN, FOUND, FINAL_FOUND, ALARMED, FINAL_ALARMED, PRECISE, FINAL_PRECISE),
    *(OVERRIDDEN, REVIEWED),
)
"""Rates that every group has a number of; a false negative rate is 1 less the true positive."""

_WITHHELD: Final = (
    "Groups under the least number of rows are withheld, and so is the next one where the small "
    "one could be had by subtraction."
)
_MANY: Final = (
    "With twenty groups one interval in twenty misses by chance: the farthest group of many is "
    "no finding by itself."
)


def _of(rate: Rate) -> Iterator[Metric]:
    title = f"{rate.full_title[0].upper()}{rate.full_title[1:]}"
    plain = Metric(
        name=f"group_{rate.full_name}",
        title=f"{title} of a group",
        unit=Unit.RATIO,
        family=rate.family,
        per=Per.GROUP,
        column=rate.column,
        summaries=(rate.summary,),
        windows=Windows.PUBLISH,
        measure=as_they_are(rate),
        ends=Ends.SAMPLING,
        null=None,
        least=1,
        says=f"The {rate.full_title} in each group of a protected attribute or intersection. "
        f"With more than two classes, of each class. {_WITHHELD}",
        prefer=f"For what lies behind a gap; group_{rate.full_name}_gap says whether a group "
        f"differs, group_{rate.full_name}_shrunk what to expect of a small one.",
        blind=_MANY,
        source="Wilson (1927) for the interval; complementary suppression as in Willenborg and de "
        "Waal (2001), chapter 7",
    )
    yield plain
    yield replace(
        plain,
        name=f"{plain.name}_gap",
        title=f"{title} of a group against the rest",
        measure=against_rest(rate),
        null=0.0,
        says=f"The {rate.full_title} in each group less that in all other groups of the attribute "
        f"together, between -1 and 1. The group is not chosen by what it shows, so the interval "
        f"holds however many groups there are. {_WITHHELD}",
        prefer="To say which group is treated unlike the others; the gaps of the attribute as a "
        "whole only say that some two are.",
        blind=f"Two groups that differ alike from the rest, one up and one down, hide each other "
        f"in part. {_MANY}",
        source="difference of independent shares; Newcombe (1998), method 10, for the interval",
    )
    yield replace(
        plain,
        name=f"{plain.name}_shrunk",
        title=f"{title} of a group, drawn to the others",
        measure=drawn_together(rate),
        says=f"The {rate.full_title} in each group, drawn towards that of the others by as much "
        f"as its own rows are few and the groups alike (empirical Bayes): the best guess of what "
        f"the next rows will show. Over 5 groups or more. {_WITHHELD}",
        prefer="To rank many small groups: their plain rates spread by chance, most of all the "
        "smallest.",
        blind="A group that truly stands alone is drawn to the others too; where groups have "
        "little in common, nothing is gained. The interval holds on average over the groups, not "
        "for each: in simulation it covered 91 to 95 % where groups differ and up to all where "
        "they are alike.",
        source="beta-binomial model: Kleinman (1973), JASA 68, 46; Deely and Lindley (1981), "
        "JASA 76, 833; prior of Daniels (1999), Canadian J. Statistics 27, 567",
    )


SHARE: Final = Metric(
    name="group_share",
    title="Share of a group in the predictions",
    unit=Unit.RATIO,
    family=PRESENT.family,
    per=Per.GROUP,
    column=PRESENT.column,
    summaries=(PRESENT.summary,),
    windows=Windows.PUBLISH,
    measure=share_of_all(PRESENT),
    ends=Ends.SAMPLING,
    null=None,
    least=1,
    says="Which part of all predictions each group of a protected attribute or intersection is. "
    f"Rows without a value that is followed are in no group. {_WITHHELD}",
    prefer="First, when a rate of all rows moved: a change of who comes is no change of how they "
    "are treated.",
    blind="Whether a group is missing that should be there.",
    source="Wilson (1927) for the interval",
)

METRICS: Final = (SHARE, *(metric for rate in RATES for metric in _of(rate)))
