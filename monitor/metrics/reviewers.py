"""How reviews spread over the people who decide: how many, how evenly, how differently."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np

from monitor.metrics.base import Ends, Metric, Per, Subject, Undefined, Unit, Value
from monitor.profiles.family import Family
from monitor.profiles.layout import Ints, Profile
from monitor.profiles.reviewers import FEW, Reviewers

FEWEST: Final = 3
"""With fewer people in a group its numbers are those of a person, who could be told."""


def withheld(groups: Mapping[str, Profile]) -> frozenset[str]:
    """Names of groups whose numbers would be those of one or two people, or give them away.

    What all rows and the other groups tell leaves what the withheld groups did together. So when
    these are fewer than `FEWEST` people together, the group with fewest decisions joins them.
    Groups of whom nobody is known are those of nobody in particular.

    Args:
        groups: profile of each group that one division makes.
    """
    known = {name: profile.get(Reviewers, FEW) for name, profile in groups.items()}
    by_rows = sorted(known, key=lambda name: (known[name].rows, name))
    hidden = [name for name in by_rows if 0 < known[name].occupied < FEWEST]
    others = [name for name in by_rows if known[name].occupied >= FEWEST]
    while hidden and others:
        together = np.sum([known[name].reviewed for name in hidden], axis=0)
        if int((together > 0).sum()) >= FEWEST:
            break
        hidden.append(others.pop(0))
    return frozenset(hidden)


def people(occupied: int, cells: int) -> tuple[float, float, float] | None:
    """How many people fall into cells that are not empty, and the ends of 95 %.

    None where all cells are occupied. The lower end is the number of cells, exactly.

    >>> people(1, 1024)
    (1.0, 1.0, 1.0)
    >>> people(90, 1024)
    (94.0, 90.0, 99.0)

    Source: Whang, Vander-Zanden and Taylor (1990), ACM TODS 15, 208 (linear counting).
    """
    if occupied >= cells:
        return None
    load = -math.log1p(-occupied / cells)
    error = math.sqrt(cells * (math.exp(load) - load - 1))
    count = max(round(cells * load), occupied)
    return float(count), float(occupied), float(math.ceil(count + 1.96 * error - 0.5))


def concentration(rows: Ints) -> float:
    """Sum of the squared shares of people who were counted in cells, without bias.

    Two people in one cell add twice the product of their shares, which happens with the
    probability 1 / cells.

    Args:
        rows: per cell, shape (cells,), at least one positive [rows].
    """
    shares = rows / rows.sum()
    return float((shares @ shares - 1 / len(rows)) / (1 - 1 / len(rows)))


def measure_number(subject: Subject) -> Value | Undefined:
    found = subject.current.get(Reviewers)
    if not found.rows:
        return _NOBODY
    counted = people(found.occupied, len(found.reviewed))
    if counted is None:
        return Undefined(f"more than {len(found.reviewed)} people; too many to be counted")
    number, lower, upper = counted
    return Value(number, found.rows, lower, upper)


def measure_busiest(subject: Subject) -> Value | Undefined:
    found = subject.current.get(Reviewers)
    if not found.rows:
        return _NOBODY
    return Value(int(found.reviewed.max()) / found.rows, found.rows)


def measure_effective(subject: Subject) -> Value | Undefined:
    found = subject.current.get(Reviewers)
    if not found.rows:
        return _NOBODY
    index = concentration(found.reviewed)
    if index <= 0 or found.occupied == len(found.reviewed):
        return Undefined("too many people, or too few reviews of each, to tell")
    return Value(max(1 / index, 1.0), found.rows)


def measure_spread(subject: Subject) -> Value | Undefined:
    found = subject.current.get(Reviewers)
    some = found.shown > 0
    rows, hits = found.shown[some], found.overridden[some]
    if not len(rows):
        return Undefined("no shown case whose reviewer is known")
    if len(rows) < FEWEST:
        return Undefined(f"fewer than {FEWEST} reviewers; a spread would be about persons")
    total, overridden = int(rows.sum()), int(hits.sum())
    if overridden in (0, total):
        return Undefined("all shown cases were overridden, or none")
    correlation = spread(rows, hits)
    if correlation is None:
        return Undefined("no reviewer has two shown cases")
    value, lower, upper = correlation
    return Value(value, total, lower, upper)


def spread(rows: Ints, hits: Ints) -> tuple[float, float, float] | None:
    """Correlation of two answers of one person, from Pearson's statistic, and the ends of 95 %.

    With n_i rows of person i and N in all, X² = sum of (k_i - n_i p)² / (n_i p (1 - p)) has the
    expectation E = sum of w_i (1 + (n_i - 1) rho), w_i = 1 - n_i / N. The estimate makes X² equal
    it. The ends are where X² is a quantile of a chi-square with that expectation, and with as
    many degrees of freedom as a sum of chi-squares of unequal weight is worth.

    None where nobody has two rows.

    Args:
        rows: per person, at least two of them, all positive, shape (R,) [rows].
        hits: of these, shape (R,); neither all nor none.

    Source: Moore (1987), Applied Statistics 36, 8; Satterthwaite (1946), Biometrics Bulletin 2,
    110.
    """
    from scipy.special import chdtri

    n, total = rows.astype(np.float64), float(rows.sum())
    p = float(hits.sum()) / total
    statistic = float(((hits - n * p) ** 2 / (n * p * (1 - p))).sum())
    weight = 1 - n / total
    slope = float((weight * (n - 1)).sum())
    if slope <= 0:
        return None

    def excess(rho: float, *, tail: float) -> float:
        """How far the statistic exceeds the quantile that it has at this rho."""
        factor = 1 + (n - 1) * rho
        mean = float(weight @ factor)
        freedom = mean * mean / float(weight @ factor**2)
        return statistic - mean / freedom * float(chdtri(freedom, tail))

    value = min(max((statistic - float(weight.sum())) / slope, 0.0), 1.0)
    lower, upper = (_root(partial(excess, tail=tail)) for tail in (0.025, 0.975))
    return value, min(lower, value), max(upper, value)


def _root(falling: Callable[[float], float]) -> float:
    """Where in [0, 1] a falling function is 0, or the end nearest to it."""
    low, high = 0.0, 1.0
    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return low


_NOBODY: Final = Undefined("no decision says who made it")
_HASHED: Final = (
    "People are told apart by a hash in 1,024 cells: two may share one (of 20 people, with "
    "probability 0.17), and count as one there."
)

NUMBER = Metric(
    name="reviewers",
    title="Reviewers",
    unit=Unit.NUMBER,
    series="reviewers",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Reviewers,),
    measure=measure_number,
    ends=Ends.BINNING,
    null=None,
    least=1,
    says="How many different people decided cases of the window. There are at least as many as "
    "the lower end says; the upper end holds with 97.5 %.",
    prefer="effective_reviewers, for a crowd of which two people decide nearly all.",
    blind=f"Decisions that do not say whose they are. {_HASHED}",
    source="Whang, Vander-Zanden and Taylor (1990), ACM TODS 15, 208 (linear counting)",
)

BUSIEST = Metric(
    name="busiest_reviewer",
    title="Share of the busiest reviewer",
    unit=Unit.RATIO,
    series="busiest_reviewer",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Reviewers,),
    measure=measure_busiest,
    null=None,
    least=30,
    says="Share of the window's decisions that one person made, whoever decided most. It does "
    "not say who, on purpose.",
    prefer="effective_reviewers for the whole distribution.",
    blind=f"{_HASHED} Then the share is theirs together.",
    source="the written definition",
)

EFFECTIVE = Metric(
    name="effective_reviewers",
    title="Effective number of reviewers",
    unit=Unit.NUMBER,
    series="effective_reviewers",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Reviewers,),
    measure=measure_effective,
    null=None,
    least=30,
    says="How many people would be as concentrated if all decided equally much: one over the sum "
    "of their squared shares (Herfindahl's index). 2.5 of 20 reviewers: few carry the work.",
    prefer="busiest_reviewer where one person is the question.",
    blind="Pairs in one of the 1,024 cells of the hash are taken off on average, not one by one: "
    "with 20 people the index errs by under 0.004 nineteen times in twenty.",
    source="Herfindahl (1950); Hirschman (1964), American Economic Review 54, 761",
)

SPREAD = Metric(
    name="reviewer_spread",
    title="Spread of override rates between reviewers",
    unit=Unit.RATIO,
    series="reviewer_spread",
    family=Family.PEOPLE,
    per=Per.MODEL,
    summaries=(Reviewers,),
    measure=measure_spread,
    ends=Ends.SAMPLING,
    null=0.0,
    least=100,
    says="Correlation between whether two shown cases of one reviewer are overridden (the rho of "
    "a beta-binomial distribution): 0 where all would override the same cases, 1 where some "
    "always and others never do. A standard deviation of sqrt(rho p (1 - p)) between their "
    "rates p.",
    prefer="reviewer_alpha, where several people decide the same case, for it compares like with "
    "like.",
    blind="Why rates differ: reviewers who get other cases override other shares of them. "
    "Who: no person is named or ranked. Below three people there is no value.",
    source="Moore (1987), Applied Statistics 36, 8, for the estimate; Satterthwaite (1946), "
    "Biometrics Bulletin 2, 110, for the interval",
)

METRICS: Final = (NUMBER, BUSIEST, EFFECTIVE, SPREAD)
