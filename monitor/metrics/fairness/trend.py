"""Whether the gap between two groups widens from one published window to the next."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from monitor.metrics.base import Ends, Metric, Per, Point, Subject, Undefined, Unit, Value, Windows
from monitor.metrics.fairness.groups import RATES
from monitor.metrics.fairness.rates import Rate, table
from monitor.metrics.intervals import student

FEWEST: Final = 6
"""Windows from which a line can be told from chance."""

MOST: Final = 12
"""Windows that are looked at, the last ones."""


def slope(places: Sequence[int], values: Sequence[float]) -> Value:
    """Change per window of a straight line through the values, with Student's interval.

    Args:
        places: numbers of the windows, different, at least three.
        values: as many; finite.

    >>> found = slope(range(6), [0.1, 0.2, 0.4, 0.3, 0.5, 0.6])
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (0.094, 0.048, 0.14)

    Source: ordinary least squares; Draper and Smith (1998), Applied Regression Analysis, 1.4.
    """
    n = len(places)
    x, y = sum(places) / n, math.fsum(values) / n
    across = math.fsum((at - x) ** 2 for at in places)
    rise = math.fsum((at - x) * (v - y) for at, v in zip(places, values, strict=True)) / across
    left = math.fsum((v - y - rise * (at - x)) ** 2 for at, v in zip(places, values, strict=True))
    if left <= 1e-18 * n:
        return Value(rise, n)
    half = student(n - 2) * math.sqrt(left / (n - 2) / across)
    return Value(rise, n, rise - half, rise + half)


def _measure(rate: Rate) -> Callable[[Subject], Value | Undefined]:
    """Measures how the gap in the published rate moves."""
    name = f"group_{rate.full_name}"

    def measure(subject: Subject) -> Value | Undefined:
        now = table(rate, subject)
        if isinstance(now, Undefined):
            return now
        by_group: dict[str, dict[int, Point]] = defaultdict(dict)
        for point in subject.past:
            if point.metric == name and point.column in subject.groups:
                by_group[point.column][point.window] = point
        steady = {group: some for group, some in by_group.items() if len(some) >= FEWEST}
        if len(steady) < 2:
            return Undefined(f"fewer than two groups have a rate in {FEWEST} published windows")
        ranked = sorted(steady, key=lambda group: (_mean(steady[group].values()), group))
        least, most = steady[ranked[0]], steady[ranked[-1]]
        both = sorted(least.keys() & most.keys())
        if len(both) < FEWEST:
            few = f"the two groups farthest apart share {len(both)} published windows"
            return Undefined(f"{few}, {FEWEST} are needed")
        found = slope(both, [most[at].value - least[at].value for at in both])
        rows = [each[at].rows for each in (least, most) for at in both]
        return Value(found.value, sum(rows), found.lower, found.upper, group_rows=min(rows))

    return measure


def _mean(points: Iterable[Point]) -> float:
    """Rate over all the points' rows."""
    some = list(points)
    return math.fsum(p.value * p.rows for p in some) / sum(p.rows for p in some)


def _of(rate: Rate) -> Metric:
    return Metric(
        name=f"{rate.full_name}_trend",
        title=f"Trend of the gap in the {rate.full_title}",
        unit=Unit.RATIO,
        series="fairness_trend",
        labels={"metric": rate.name, "of": rate.of},
        family=rate.family,
        per=Per.ATTRIBUTE,
        column=rate.column,
        summaries=(rate.summary,),
        windows=Windows.LATEST,
        measure=_measure(rate),
        beside=lambda subject: [
            (point.column, point.window, point.value, point.rows)
            for point in subject.past
            if point.metric == f"group_{rate.full_name}"
        ],
        ends=Ends.SAMPLING,
        null=0.0,
        least=1,
        says=f"By how much the gap in the {rate.full_title} between two groups grows from one "
        f"published window to the next: the slope of a straight line through the last {MOST} "
        f"published windows, at least {FEWEST}. The two are those farthest apart over all these "
        "windows, so that the line is about the same two throughout; below 0 their gap closes. "
        "The interval knows how much the gap wanders from window to window.",
        prefer="For slow change, which no single window shows. For how large the gap is, see the "
        "gap itself.",
        blind="A gap that opened between other groups, or long ago; a season. Rates that rest on "
        "labels are of fewer rows in the last windows, for which labels still come.",
        source="ordinary least squares; Draper and Smith (1998), Applied Regression Analysis, 1.4",
    )


METRICS: Final = tuple(_of(rate) for rate in RATES)
LOOKED_AT: Final = tuple(f"group_{rate.full_name}" for rate in RATES)
"""Metrics whose published values the trends are made of."""
