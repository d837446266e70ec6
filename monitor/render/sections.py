"""Metrics in the sections under which people look for them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from monitor.metrics.base import Metric, Per
from monitor.profiles.family import Family


def _is_drift(metric: Metric) -> bool:
    return metric.series.endswith("_drift_score") or metric.series in (
        "drifted_features",
        "evidently_drifted",
    )


def _is_edge(metric: Metric) -> bool:
    return metric.per is Per.CLAIM or metric.series == "novelty_mean"


def _is_quality(metric: Metric) -> bool:
    return not _is_drift(metric) and (
        metric.per in (Per.FEATURE, Per.RULE) or metric.series in ("duplicates", "conflicts")
    )


def _is_fair(metric: Metric) -> bool:
    return metric.per in (Per.ATTRIBUTE, Per.GROUP)


def _is_answer(metric: Metric) -> bool:
    return metric.family is Family.INPUTS and not (
        _is_drift(metric) or _is_edge(metric) or _is_quality(metric) or _is_fair(metric)
    )


def _of(family: Family) -> Callable[[Metric], bool]:
    return lambda metric: metric.family is family and not _is_fair(metric)


SECTIONS: Final[Mapping[str, Callable[[Metric], bool]]] = {
    "Drift": _is_drift,
    "Answers and confidence": _is_answer,
    "Edge cases": _is_edge,
    "Performance, calibration, maturity of labels": _of(Family.TRUTH),
    "Fairness": _is_fair,
    "People": _of(Family.PEOPLE),
    "Use": _of(Family.USE),
    "Failures": _of(Family.FAILURES),
    "Data quality": _is_quality,
}
"""Which metrics stand in each section; each metric in exactly one."""


def sections(metrics: Iterable[Metric]) -> dict[str, list[Metric]]:
    """The metrics by section, in the order given; sections without any are left out."""
    some = list(metrics)
    found = {title: [one for one in some if belongs(one)] for title, belongs in SECTIONS.items()}
    return {title: mine for title, mine in found.items() if mine}
