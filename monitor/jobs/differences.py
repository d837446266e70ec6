"""What of a model differs from its reference in the last days, the clearest first.

A glance for people, and no alarm: each number is held against its own noise, one by one.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.cards.card import Card
from monitor.errors import StateError
from monitor.jobs.plan import inputs_plan
from monitor.jobs.publish import Publisher, Window
from monitor.jobs.references import in_force
from monitor.jobs.service import Opened
from monitor.log.definitions import Definitions
from monitor.log.profiles import ProfileTable
from monitor.metrics import CATALOGUE
from monitor.metrics.base import Ends, Unit
from monitor.profiles.segments import ALL
from monitor.profiles.windows import Range, ceiling, floor, seconds_of
from monitor.state.results import ResultRow

CLEAR = 3.0
"""Multiples of its noise from which a difference is called clear; a hundred are looked at, so
that one or the other gets here by chance."""

LEAST_WINDOWS = 4
"""Windows of the reference from which the noise of a distance is taken."""

RECENT_WINDOWS = 3
"""Published windows that are looked at together: one has too few decisions per branch."""

GAPS = ("demographic_parity_difference", "equalized_odds_difference")
"""Gaps between groups that are looked at; the others say the same in other words."""

COUNTS = (
    *("window_predictions", "window_failures", "volume"),
    *("reviewers", "effective_reviewers", "busiest_reviewer"),
)
"""Series of numbers that go with the length of a window."""

LEAST_NOISE = 0.5
"""Noise of a distance, in multiples of its mean, that is assumed where few windows show less: a
chi square of eight degrees of freedom has this, and a feature has ten bins."""

LEFT_OUT = frozenset(
    metric.name
    for metric in CATALOGUE
    if metric.labels.get("method", "psi") not in ("psi", "ece")
    or metric.name.endswith("_bound")
    or metric.name == "label_coverage"
    or (metric.series == "fairness_gap" and metric.name not in GAPS)
    or metric.unit is Unit.SECONDS
    or metric.series in ("review_leaked", "review_outstanding", "review_required")
    or metric.series in COUNTS
    or metric.name in ("drifted_features", "outlying_groups", "entropy_mean", "margin_mean")
    or metric.name == "uniform_runs_excess"
)
"""Other measures of the same shift, bounds, counts, times, and what only shows that labels take
their time."""

_WITH_INTERVAL = frozenset(
    metric.name for metric in CATALOGUE if metric.ends in (Ends.SAMPLING, Ends.BOTH)
)
_Z = 1.96
_Series = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that is not what it was.

    Attributes:
        metric: its name.
        column: feature or attribute, "" for none.
        segment: "" for all rows.
        version: of the model.
        value: in the last windows together.
        lower: lower end of its 95 % interval, None where there is none.
        upper: upper end of it.
        reference: the same number of the reference's span; for a distance what it would be if
            nothing had changed, at this many rows.
        rows: that the value rests on [rows].
        times: distance from `reference` in multiples of the noise, at least 0.
    """

    metric: str
    column: str
    segment: str
    version: str
    value: float
    lower: float | None
    upper: float | None
    reference: float
    rows: int
    times: float


def differences(
    parts: Opened, card: Card, span: Range, end: datetime, *, now: datetime
) -> list[Difference]:
    """Every number of the last published windows with its distance from the reference.

    The greatest comes first. A segment is there only where it differs more than all rows do, and
    of several versions the one where the number differs most.

    Args:
        parts: of the service; evaluated up to `end`.
        card: of the model.
        span: of the reference, in Unix seconds.
        end: of the time looked at.
        now: aware; the clock.

    Raises:
        StateError: the model has no reference yet.
    """
    reference = in_force(parts.state, Definitions.open(parts.store), card)
    if reference is None:
        raise StateError(f"{card.model} has no reference yet; run: mbm reference set {card.model}")
    profiles = ProfileTable.open(parts.store)
    publisher = Publisher(card, inputs_plan(card, reference), profiles, now)
    length = int(card.windows.publish.total_seconds())
    last, first, before = floor(seconds_of(end), length), *_inward(span, length)
    recent = Window("recent", last - RECENT_WINDOWS * length, last)
    whole = Window("reference", first, before)
    each = [Window("usual", at, at + length) for at in range(first, before, length)]
    windows = [recent, whole, *each]
    rows = list(publisher.results(windows, dict.fromkeys(windows, 0)))
    by_kind = {kind: _by_series(rows, kind) for kind in ("reference", "usual")}
    found = [
        difference
        for row in rows
        if row.window_kind == "recent" and _is_shown(row)
        for difference in _difference(row, *(by[_series(row)] for by in by_kind.values()))
    ]
    all_rows = {(d.metric, d.column, d.version): d for d in found if d.segment == ALL}
    telling = [d for d in found if _tells_more(d, all_rows.get((d.metric, d.column, d.version)))]
    clearest: dict[_Series, Difference] = {}
    for one in sorted(telling, key=lambda d: (-d.times, d.metric, d.column, d.segment, d.version)):
        clearest.setdefault((one.metric, one.column, one.segment), one)
    return list(clearest.values())


def _inward(span: Range, length: int) -> Range:
    """The whole windows in a span."""
    return ceiling(span[0], length), floor(span[1], length)


def _tells_more(segment: Difference, all_rows: Difference | None) -> bool:
    if segment.segment == ALL or all_rows is None:
        return True
    return abs(segment.value - segment.reference) > 1.5 * abs(all_rows.value - all_rows.reference)


def _difference(
    row: ResultRow, whole: Sequence[ResultRow], usual: Sequence[ResultRow]
) -> list[Difference]:
    """The difference of this row, if the reference has the same number and it is not constant."""
    # The reference is that of the model; where it has several versions, each has its own.
    before = whole if len(whole) == 1 else [one for one in whole if one.version == row.version]
    if row.metric in _WITH_INTERVAL and before:
        reference = before[0].value or 0.0
        spread = math.hypot(_error(row), _error(before[0]))
    elif row.metric not in _WITH_INTERVAL and len(usual) >= LEAST_WINDOWS:
        values = [(one.value or 0.0) * _noise(row) / _noise(one) for one in usual]
        reference = statistics.fmean(values)
        spread = max(statistics.stdev(values), LEAST_NOISE * abs(reference))
    else:
        return []
    if spread == 0:
        return []
    value = row.value or 0.0
    return [
        Difference(
            metric=row.metric,
            column=row.column_name,
            segment=row.segment,
            version=row.version,
            value=value,
            lower=row.lower,
            upper=row.upper,
            reference=reference,
            rows=row.rows,
            times=_times(value, reference, spread, is_distance=row.metric not in _WITH_INTERVAL),
        )
    ]


def _times(value: float, reference: float, spread: float, *, is_distance: bool) -> float:
    """How far a value lies from its reference, in multiples of the noise.

    Distances are about chi square and lean to the right; their cube roots do not.

    >>> round(_times(3.0, 1.0, 0.3, is_distance=False), 1)
    6.7
    >>> round(_times(3.0, 1.0, 0.3, is_distance=True), 1)
    4.5

    Source: Wilson and Hilferty (1931), PNAS 17, 684.
    """
    if not is_distance or reference <= 0 or value < 0:
        return abs(value - reference) / spread
    lean = (spread / reference) ** 2 / 9
    return abs(math.cbrt(value / reference) - (1 - lean)) / math.sqrt(lean)


def _error(row: ResultRow) -> float:
    """Standard error, as the interval tells it."""
    if row.lower is None or row.upper is None:
        return 0.0
    return (row.upper - row.lower) / (2 * _Z)


def _noise(row: ResultRow) -> float:
    """What a distance between samples of the same thing is proportional to."""
    return 1 / max(row.rows, 1) + 1 / max(row.reference_rows, 1)


def _by_series(rows: Iterable[ResultRow], kind: str) -> Mapping[_Series, list[ResultRow]]:
    found: dict[_Series, list[ResultRow]] = defaultdict(list)
    for row in rows:
        if row.window_kind == kind and _is_shown(row):
            found[_series(row)].append(row)
    return found


def _is_shown(row: ResultRow) -> bool:
    return row.value is not None and row.stage == "" and row.metric not in LEFT_OUT


def _series(row: ResultRow) -> _Series:
    """Whatever the version: the reference is that of the model."""
    return row.metric, row.column_name, row.segment
