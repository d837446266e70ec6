"""What is said about a window: a number or why there is none, for every metric and column."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from monitor.metrics.base import Metric, Per, Subject, Undefined, Value
from monitor.profiles.columns import FEATURE, ROWS
from monitor.profiles.family import Family
from monitor.profiles.layout import Profile
from monitor.profiles.named import CONSUMER, ROLE, TEAM
from monitor.profiles.segments import RESERVED

Groups: TypeAlias = Mapping[str, Mapping[str, Profile]]
"""Profile per group, per what parts the rows."""


class Status(StrEnum):
    """What a verdict claims.

    `MEASURED` and not "ok": a number alone says nothing about right or wrong. That a value is
    ok is a claim of what compares it with a baseline or a threshold.
    """

    MEASURED = "measured"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One metric of one column of one window.

    Attributes:
        metric: name of the metric.
        column: feature or attribute without prefix; "" where the metric has one value.
        status: whether there is a value.
        value: finite; None unless measured, as are the next three.
        lower: lower end of what the metric's `ends` say.
        upper: upper end of it.
        reference: the same number of the reference.
        rows: rows that the value rests on, or would have [rows].
        reason: why it is unknown; "" when measured.
        group_rows: rows of the smallest group compared; None where none were [rows].
    """

    metric: str
    column: str
    status: Status
    value: float | None
    lower: float | None
    upper: float | None
    reference: float | None
    rows: int
    reason: str
    group_rows: int | None = None


def judged(metric: Metric, subject: Subject, *, column: str = "", least: int = 0) -> Verdict:
    """The verdict on what `metric` measures of `subject`; never raises for a valid layout.

    Args:
        metric: what to measure; one that has a single answer.
        subject: what to measure it of.
        column: how the verdict calls the column.
        least: rows that any value needs here, above the metric's own: the least size of a group
            when `subject` is one, for privacy.
    """
    (verdict,) = _judged(metric, subject, column, least)
    return verdict


def _judged(metric: Metric, subject: Subject, column: str, least: int) -> Iterator[Verdict]:
    """The verdicts on what it finds; what it names itself is called by these names."""
    try:
        found = metric.measure(subject)
    except Exception as error:  # noqa: BLE001 - one metric must not take the others with it
        found = Undefined(f"the metric failed, please report it: {type(error).__name__}: {error}")
    each = found if isinstance(found, Mapping) else {column: found}
    for name, one in each.items():
        yield _verdict(metric, name, one, least)


def _verdict(metric: Metric, column: str, found: Value | Undefined, least: int) -> Verdict:
    if isinstance(found, Undefined):
        return _unknown(metric, column, 0, found.why)
    needed = max(metric.least, least)
    if found.rows < needed:
        noun = "row" if found.rows == 1 else "rows"
        return _unknown(metric, column, found.rows, f"{found.rows} {noun}, {needed} are needed")
    numbers = (found.value, found.lower, found.upper, found.reference)
    if not all(number is None or math.isfinite(number) for number in numbers):
        why = "the values are too large to compute with; check the feature's unit"
        return _unknown(metric, column, found.rows, why)
    return _measured(metric, column, found)


def _unknown(metric: Metric, column: str, rows: int, why: str) -> Verdict:
    return Verdict(metric.name, column, Status.UNKNOWN, None, None, None, None, rows, why)


def _withheld(verdict: Verdict, why: str) -> Verdict:
    """The same thing without anything that was measured."""
    return Verdict(verdict.metric, verdict.column, Status.UNKNOWN, None, None, None, None, 0, why)


def _measured(metric: Metric, column: str, found: Value) -> Verdict:
    return Verdict(
        metric=metric.name,
        column=column,
        status=Status.MEASURED,
        value=found.value,
        lower=found.lower,
        upper=found.upper,
        reference=found.reference,
        rows=found.rows,
        reason="",
        group_rows=found.group_rows,
    )


def verdicts(
    catalogue: Iterable[Metric],
    family: Family,
    subject: Subject,
    attributes: Groups,
    divisions: Groups = MappingProxyType({}),
    *,
    least: int = 0,
    withheld: str = "",
) -> list[Verdict]:
    """All verdicts on a window, in the order of the catalogue, the layout and `attributes`.

    A metric is asked of every column whose summary it can read. A column that the layout lacks
    (no probabilities, so no Brier score) has no verdict: nothing is missed there.

    Args:
        catalogue: metrics; those of other families are passed over.
        family: of the profiles.
        subject: the window's profile, its reference and what the card says; `column` and
            `groups` are set here.
        attributes: profile per value, per protected attribute or intersection of them.
        divisions: profile per name, per way to part people (`monitor.profiles.named`).
        least: as in `judged`.
        withheld: why no value may be shown; "" if they may.
    """
    found = [
        verdict
        for metric in catalogue
        if metric.family is family
        for column, asked in _subjects(metric, subject, attributes, divisions)
        if metric.where(asked)
        for verdict in _judged(metric, asked, column, least)
    ]
    if withheld:
        return [_withheld(one, withheld) for one in found]
    return found


def _subjects(
    metric: Metric, subject: Subject, attributes: Groups, divisions: Groups
) -> Iterator[tuple[str, Subject]]:
    """What the verdict calls each column, and the subject to measure."""
    profile = subject.current
    if metric.per is Per.FEATURE:
        names = {summary.name() for summary in metric.summaries}
        for part in profile.layout.parts:
            if part.summary in names and part.column.startswith(FEATURE):
                yield part.column.removeprefix(FEATURE), subject.asked(part.column)
    elif not any(profile.has(summary, metric.column) for summary in metric.summaries):
        return
    elif metric.per in (Per.ATTRIBUTE, Per.GROUP):
        for name, groups in attributes.items():
            yield name, subject.asked(metric.column, groups)
    elif metric.per is Per.DIVISION:
        for name in (TEAM, ROLE):
            if name in divisions:
                yield name.removeprefix(RESERVED), subject.asked(metric.column, divisions[name])
    elif metric.per in (Per.TEAM, Per.CONSUMER):
        groups = divisions.get(TEAM if metric.per is Per.TEAM else CONSUMER, {})
        yield ROWS, subject.asked(metric.column, groups)
    else:
        yield ROWS, subject.asked(metric.column)
