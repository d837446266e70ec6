"""What the pages of the fleet and of a model show, gathered from the last look at the state."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.cards.card import Card
from monitor.metrics import BY_NAME, CATALOGUE
from monitor.metrics.base import Metric, Per
from monitor.outputs.prometheus import Model
from monitor.render.chart import Chart, Mark, Point, quantity
from monitor.render.sections import sections
from monitor.state.history import Line, Moment
from monitor.state.incidents import Call, Tier
from monitor.state.shown import Shown

SPAN: Final = timedelta(days=60)
"""What charts cover."""

MOST_LISTED: Final = 12
"""Rows of a table of features on a model's page; the page of the metric has all."""

LEAST_USUAL: Final = 3
"""Windows of the reference from which the usual range is drawn."""

_COLUMNS: Final = ("drifted_features", "low_confidence", "override", "label_maturity")
_HEADLINE: Final = (
    *("predictions", "drifted_features", "confidence_mean", "low_confidence"),
    *("estimated_accuracy", "accuracy", "calibration_error", "label_maturity"),
    *("override", "review_leak", "use_used"),
)
"""What is seen first of a model."""

GLANCE: Final = "At a glance"
_RANK: Final = {Tier.PAGE: 0, Tier.THRESHOLD: 1, Tier.TICKET: 2, Tier.SLOW: 3}


@dataclass(frozen=True, slots=True)
class Row:
    """A model in the list of all.

    Attributes:
        model: its name.
        team: that owns it.
        tier: how much hangs on it.
        state: in a word or two.
        level: critical, warning, unknown or ok.
        incidents: open ones, by how they call people.
        incident: the one of them that calls loudest, the newest of such; "" for none.
        summary: what moved in it.
        end: of the last closed window, None before the first.
        numbers: of the headline, by metric; None where unknown, the worst over the versions.
        unknown: numbers without a value.
        completeness: the least, None while unknown.
        predictions: of the window.
        leaks: predictions that took effect without their required review, ever.
    """

    model: str
    team: str
    tier: str
    state: str
    level: str
    incidents: Mapping[str, int]
    incident: str
    summary: str
    end: datetime | None
    numbers: Mapping[str, float | None]
    unknown: int
    completeness: float | None
    predictions: int
    leaks: int


def fleet(models: Iterable[Model], calls: Sequence[Call], now: datetime) -> list[Row]:
    """The models, the worst first: by open incidents, then by what is missing, then by drift.

    Args:
        models: as last looked at.
        calls: incidents that nobody has ended, the newest first.
        now: aware.
    """
    by_model: dict[str, list[Call]] = defaultdict(list)
    for one in calls:
        by_model[one.model].append(one)
    rows = [_row(model, by_model.get(model.card.model, []), now) for model in models]
    return sorted(rows, key=_badness)


def _badness(row: Row) -> tuple[object, ...]:
    calls = tuple(-row.incidents.get(tier.value, 0) for tier in _RANK)
    level = ("critical", "warning", "unknown", "ok").index(row.level)
    return (*calls, level, -(row.numbers.get("drifted_features") or 0.0), -row.unknown, row.model)


def _row(model: Model, calls: Sequence[Call], now: datetime) -> Row:
    card = model.card
    incidents = Counter(one.tier.value for one in calls)
    loudest = min(calls, key=lambda one: _RANK[one.tier], default=None)
    whole = [one for one in model.shown if not one.column]
    numbers = {
        name: max(
            (o.value for o in whole if o.metric == name and o.value is not None), default=None
        )
        for name in _COLUMNS
    }
    complete = [one.completeness for one in model.shown if one.completeness is not None]
    predictions = sum(int(o.value or 0) for o in whole if o.metric == "predictions")
    state, level = _state(model, incidents, now)
    return Row(
        model=card.model,
        team=card.owner.team,
        tier=card.tier,
        state=state,
        level=level,
        incidents=incidents,
        incident=loudest.id if loudest else "",
        summary=loudest.summary.removeprefix(f"{card.model}: ") if loudest else "",
        end=model.end,
        numbers=numbers,
        unknown=sum(one.value is None for one in model.shown),
        completeness=min(complete, default=None),
        predictions=predictions,
        leaks=sum(stands.leaks for stands in model.reviews.values()),
    )


def _state(model: Model, incidents: Mapping[str, int], now: datetime) -> tuple[str, str]:
    total = sum(incidents.values())
    if total:
        word = "open incident" if total == 1 else "open incidents"
        calls = {Tier.PAGE.value, Tier.THRESHOLD.value} & incidents.keys()
        return f"{total} {word}", "critical" if calls else "warning"
    if model.end is None:
        return "no window closed yet", "unknown"
    if now - model.end > 3 * model.card.windows.publish:
        return "nothing closed lately", "warning"
    if not model.shown:
        return "no predictions", "warning"
    return "nothing open", "ok"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One number of a version over time.

    Attributes:
        metric: what it is.
        now: the latest verdict, None where the last window has none.
        chart: how it came there.
        last: the newest window with a value.
        anchor: names its place on the page.
    """

    metric: Metric
    now: Shown | None
    chart: Chart
    last: Moment

    @property
    def anchor(self) -> str:
        return self.metric.name


@dataclass(frozen=True, slots=True)
class Table:
    """Values of many things at once, as a table.

    Attributes:
        of: what the rows are.
        metrics: the columns.
        rows: name, and its verdict for each column; those with the greatest values first.
        left: rows left out.
    """

    of: str
    metrics: tuple[Metric, ...]
    rows: tuple[tuple[str, tuple[Shown | None, ...]], ...]
    left: int


@dataclass(frozen=True, slots=True)
class Section:
    """Part of a model's page."""

    title: str
    behaviours: tuple[Behaviour, ...]
    tables: tuple[Table, ...]

    @property
    def count(self) -> int:
        """Numbers of which it tells."""
        return len(self.behaviours) + sum(len(table.metrics) for table in self.tables)

    @property
    def anchor(self) -> str:
        return self.title.lower().replace(",", "").replace(" ", "-")


def versions_of(model: Model) -> list[str]:
    """Versions with results, those of the card first."""
    found = {one.version for one in model.shown}
    named = [version for version in model.card.versions if version in found]
    return [*named, *sorted(found - set(named))]


def model_sections(
    model: Model,
    version: str,
    lines: Mapping[Line, Sequence[Moment]],
    marks: Sequence[Mark] = (),
) -> list[Section]:
    """The sections of a version's page; what has neither value nor history is left out."""
    mine = [one for one in model.shown if one.version == version]
    by_metric: dict[str, list[Shown]] = defaultdict(list)
    for one in mine:
        by_metric[one.metric].append(one)
    found = []
    parts = {GLANCE: [BY_NAME[name] for name in _HEADLINE]}
    for title, metrics in {**parts, **sections(CATALOGUE)}.items():
        behaviours = [
            Behaviour(
                metric,
                _first(by_metric[metric.name]),
                chart_of(model.card, metric, moments, marks=marks),
                last,
            )
            for metric in metrics
            if metric.per in (Per.MODEL, Per.PREDICTION)
            and (moments := lines.get(_line(metric, version, by_metric[metric.name]), ()))
            and (last := next((m for m in reversed(moments) if m.value is not None), None))
        ]
        tables = _tables(metrics, by_metric)
        if behaviours or tables:
            found.append(Section(title, tuple(behaviours), tuple(tables)))
    return found


def _line(metric: Metric, version: str, shown: Sequence[Shown]) -> Line:
    column = shown[0].column if shown else ""
    return Line(metric.name, version, "", column)


def _first(shown: Sequence[Shown]) -> Shown | None:
    return shown[0] if shown else None


def _tables(metrics: Sequence[Metric], by_metric: Mapping[str, Sequence[Shown]]) -> list[Table]:
    by_per: dict[Per, list[Metric]] = defaultdict(list)
    for metric in metrics:
        known = any(one.value is not None for one in by_metric.get(metric.name, ()))
        if metric.per not in (Per.MODEL, Per.PREDICTION) and known:
            by_per[metric.per].append(metric)
    return [table(per, some, by_metric) for per, some in by_per.items()]


def table(
    per: Per,
    metrics: Sequence[Metric],
    by_metric: Mapping[str, Sequence[Shown]],
    most: int | None = MOST_LISTED,
) -> Table:
    """What is known of each feature, attribute, ... as rows; ordered by the first column.

    Args:
        per: what the rows are.
        metrics: the columns.
        by_metric: verdicts.
        most: rows, None for all.
    """
    cells: dict[str, dict[str, Shown]] = defaultdict(dict)
    for metric in metrics:
        for one in by_metric.get(metric.name, ()):
            cells[one.column][metric.name] = one

    def size(name: str) -> tuple[float, str]:
        values = [abs(one.value) for one in cells[name].values() if one.value is not None]
        first = cells[name].get(metrics[0].name)
        lead = abs(first.value) if first is not None and first.value is not None else -1.0
        return (-lead if lead >= 0 else -0.0 if values else 1.0, name)

    names = sorted(cells, key=size)
    kept = names if most is None else names[:most]
    rows = tuple((n, tuple(cells[n].get(metric.name) for metric in metrics)) for n in kept)
    return Table(per.value, tuple(metrics), rows, len(names) - len(kept))


def chart_of(
    card: Card,
    metric: Metric,
    moments: Sequence[Moment],
    *,
    called: str = "",
    marks: Sequence[Mark] = (),
    width: int = 320,
    height: int = 96,
    is_headed: bool = False,
) -> Chart:
    """How a number moved, with the reference's own value and the range that was usual in it."""
    points = [Point(m.end, m.value, m.lower, m.upper, m.completeness) for m in moments]
    known = [m.reference for m in moments if m.reference is not None]
    last = next((m.value for m in reversed(moments) if m.value is not None), None)
    title = f"{called or metric.title}: {quantity(last, metric.unit)}"
    if moments:
        title += f", {moments[0].end:%d %b} to {moments[-1].end:%d %b %Y}"
    # Of what compares with the reference, that is nothing changed; of others it is an ideal.
    reference = known[-1] if known else metric.null if metric.compares else None
    return Chart(
        title,
        points,
        reference,
        _usual(card, moments),
        metric.unit,
        width=width,
        height=height,
        is_headed=is_headed,
        marks=marks,
    )


def _usual(card: Card, moments: Iterable[Moment]) -> tuple[float, float] | None:
    window = card.reference.window if card.reference else None
    if window is None:
        return None
    some = [m.value for m in moments if m.value is not None and window.start < m.end <= window.end]
    return (min(some), max(some)) if len(some) >= LEAST_USUAL else None


def shown_text(metric: Metric, one: Shown | None) -> str:
    """A verdict's value as people read it."""
    if one is None:
        return "–"
    return quantity(one.value, metric.unit)
