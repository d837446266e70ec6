"""Text of the metric reference, from the catalogue."""

from collections.abc import Iterable, Mapping
from typing import Final

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Ends, Metric, Per, Unit, Windows, Worse

PATH: Final = "docs/reference/metrics.md"
"""Where the page lies, from the root of the repository."""

_HEAD: Final = """\
# Metrics

Rendered from `monitor/metrics` by `mbm render`; change it there.

A value that cannot be had is `unknown` with a reason, never 0 and never NaN: for want of rows,
labels, a reference or a second group. Each series also carries the labels `model` and `version`.
"""

_UNITS: Final = {
    Unit.NUMBER: "a number",
    Unit.RATIO: "a ratio, 1 is the whole",
    Unit.SECONDS: "seconds",
}

_ONE_FOR: Final = {
    Per.MODEL: "the model",
    Per.FEATURE: "each feature",
    Per.PREDICTION: "the prediction",
    Per.ATTRIBUTE: "each protected attribute and declared intersection",
    Per.GROUP: "each group of each protected attribute and declared intersection",
    Per.CLASS: "each class",
    Per.DIRECTION: "each direction from a predicted to a decided class",
    Per.DIVISION: "teams and roles",
    Per.TEAM: "each team",
    Per.CONSUMER: "each consumer",
    Per.BAND: "each band",
    Per.RULE: "each rule of the contract that is checked",
    Per.CLAIM: "each claim: low confidence, override, error, contract breach, novelty",
    Per.MEASURE: "each feature and method that the card names",
}


def files() -> Mapping[str, str]:
    """Text of each rendered file, by its path from the root of the repository."""
    return {PATH: reference(CATALOGUE)}


def reference(catalogue: Iterable[Metric]) -> str:
    """The page, in Markdown, one section per metric in the order given."""
    metrics = list(catalogue)
    index = [
        "| metric | series | from |",
        "|---|---|---|",
        *(
            f"| [{metric.title}](#{metric.name}) | {_series(metric)} | {metric.family} |"
            for metric in metrics
        ),
    ]
    return "\n".join([_HEAD, *index, "", *map(_section, metrics)])


def _series(metric: Metric) -> str:
    """The series with its fixed labels, and the name of the label that varies, as code."""
    if not metric.series:
        return "none, in the results only"
    labels = [f'{key}="{value}"' for key, value in metric.labels.items()]
    if metric.per.label:
        labels.insert(0, metric.per.label)
    return f"`{metric.exposed()}" + (f"{{{', '.join(labels)}}}`" if labels else "`")


def _section(metric: Metric) -> str:
    """The section of one metric; its heading is its name, so that pages can link to it."""
    facts = [
        ("title", metric.title),
        ("series", _series(metric)),
        ("unit", _UNITS[metric.unit]),
        ("one value for", _ONE_FOR[metric.per]),
        ("made from", _made_from(metric)),
        ("lower and upper", _ends(metric.ends)),
        *([("measured of", str(metric.windows))] if metric.windows is not Windows.EVERY else []),
        ("needs", _needs(metric)),
        ("nothing changed, nothing wrong", _null(metric)),
        *([("worse", str(metric.worse))] if metric.worse is not Worse.EITHER else []),
        ("source", metric.source),
    ]
    rows = "\n".join(f"| {name} | {text.replace('|', chr(92) + '|')} |" for name, text in facts)
    return f"## {metric.name}\n\n{_words(metric)}\n\n| | |\n|---|---|\n{rows}\n"


def _words(metric: Metric) -> str:
    """What people read about it, a paragraph each."""
    titled = (("", metric.says), ("Rather", metric.prefer), ("Blind to", metric.blind))
    return "\n\n".join(f"**{title}:** {text}" if title else text for title, text in titled)


def _made_from(metric: Metric) -> str:
    is_sampled = metric.windows is Windows.SAMPLED
    return "a sample of rows" if is_sampled else f"profiles of {metric.family}"


def _ends(ends: Ends) -> str:
    return "not given" if ends is Ends.NONE else str(ends)


def _needs(metric: Metric) -> str:
    rows = "1 row" if metric.least == 1 else f"{metric.least} rows"
    return f"{rows} and a reference" if metric.compares else rows


def _null(metric: Metric) -> str:
    return "the reference's own value" if metric.null is None else f"{metric.null:g}"
