"""A panel of a dashboard: what it asks Prometheus, in which unit, in whose words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from monitor.metrics.base import Metric, Per
from monitor.render.series import Exported

REPLICAS: Final = "instance, pod"
"""Labels that tell replicas apart, which all show the same results."""

MOST_LINES: Final = 10
"""Lines of a panel that has one for each feature: those with the greatest values."""

CHOSEN: Final[Mapping[str, str]] = {
    "model": "$model",
    "version": "$version",
    "stage": "$stage",
}
"""Labels that a reader narrows down, and the variables that hold what was chosen."""

TOGETHER: Final = frozenset({"q", "used", "part", "rule"})
"""Fixed labels whose values are shown as lines of one panel."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus.

    Attributes:
        expr: in PromQL, with Grafana's variables.
        legend: name of each line, with `{{label}}`; in a table the heading of the column.
        series: names of the series that it reads.
    """

    expr: str
    legend: str
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: what is shown.
        says: how to read it, in Markdown.
        unit: Grafana's name of the unit.
        queries: what is asked; of three, the second and third are lower and upper ends.
        kind: lines over time, or a table with a row per series.
        has_ends: whether the queries are a value and its ends.
        by: labels that part the rows of a table.
        units: in a table the unit of each column by its heading, where it is not `unit`.
        first: headings of the columns that a table is sorted by, the greatest first.
        limit: where a line is drawn that values should stay below, None for none.
        width: of 24.
    """

    title: str
    says: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["lines", "table"] = "lines"
    has_ends: bool = False
    by: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    limit: float | None = None
    width: int = 8


def selector(name: str, labels: Collection[str], fixed: Mapping[str, str] | None = None) -> str:
    """The series of this name that the reader chose.

    >>> selector("mbm_use_ratio", ("model", "version", "used"), {"used": "yes"})
    'mbm_use_ratio{model=~"$model",version=~"$version",used="yes"}'
    """
    matchers = [f'{label}=~"{CHOSEN[label]}"' for label in CHOSEN if label in labels]
    matchers += [f"{label}={quoted(value)}" for label, value in (fixed or {}).items()]
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def quoted(text: str) -> str:
    r"""A text as a string of PromQL.

    >>> print(quoted('a"b\\'))
    "a\"b\\"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def once(expr: str) -> str:
    """The same values, each once however many replicas show it."""
    return f"max without ({REPLICAS}) ({expr})"


def panels(metrics: Sequence[Metric], names: Collection[str]) -> list[Panel]:
    """Panels for metrics, in their order; those that differ by quantile or the like share one.

    Args:
        metrics: each with a series.
        names: of all series that are exported.
    """
    grouped: dict[tuple[str, ...], list[Metric]] = {}
    for metric in metrics:
        apart = tuple(f"{k}={v}" for k, v in metric.labels.items() if k not in TOGETHER)
        grouped.setdefault((metric.exposed(), *apart), []).append(metric)
    return [_panel(some, names) for some in grouped.values()]


def _panel(metrics: Sequence[Metric], names: Collection[str]) -> Panel:
    first = metrics[0]
    fixed = {k: v for k, v in first.labels.items() if k not in TOGETHER}
    together = [label for label in first.labels if label in TOGETHER]
    varying = [first.per.label] if first.per.label else []
    labels = ("model", "version", *varying, *first.labels)
    legend = " · ".join(f"{{{{{label}}}}}" for label in ("version", *varying, *together))

    def query(name: str, called: str) -> Query:
        expr = once(selector(name, labels, fixed))
        if first.per is Per.FEATURE:
            expr = f"topk({MOST_LINES}, {expr})"
        return Query(expr, called, (name,))

    has_ends = first.exposed("lower") in names
    ends = ("lower", "upper") if has_ends else ()
    return Panel(
        title=first.title if len(metrics) == 1 else _shared(metrics),
        says=_says(metrics),
        unit=str(first.unit.value[1]),
        queries=(
            query(first.exposed(), legend),
            *(query(first.exposed(end), f"{legend} · {end}") for end in ends),
        ),
        has_ends=has_ends,
    )


def _shared(metrics: Sequence[Metric]) -> str:
    """The words with which all titles begin, else those of the series."""
    words = [metric.title.replace(",", "").split() for metric in metrics]
    same = []
    for row in zip(*words, strict=False):
        if len(set(row)) > 1:
            break
        same.append(row[0])
    return " ".join(same) if len(same) > 1 else metrics[0].series.replace("_", " ").capitalize()


def _says(metrics: Sequence[Metric]) -> str:
    if len(metrics) == 1:
        return _words(metrics[0])
    return "\n\n".join(f"**{metric.title}.** {_words(metric)}" for metric in metrics)


def _words(metric: Metric) -> str:
    parts = (("", metric.says), ("Rather: ", metric.prefer), ("Blind to: ", metric.blind))
    return "\n\n".join(f"{title}{text}" for title, text in parts)


def of_series(
    exported: Exported,
    title: str,
    unit: str,
    expr: str,
    legend: str,
) -> Panel:
    """A panel of a series that comes from no metric; its HELP says how to read it."""
    return Panel(title, exported.text, unit, (Query(expr, legend, (exported.name,)),))
