"""Gauges that show what is known of every model."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from monitor.cards.card import Card
from monitor.metrics import CATALOGUE
from monitor.metrics.base import Metric, Per
from monitor.outputs.bounds import MOST_VERSIONS
from monitor.render.series import Exported
from monitor.state.detectors import WHOLE, Check
from monitor.state.incidents import Tier
from monitor.state.reviews import Standing
from monitor.state.shown import Shown
from monitor.version import VERSION

ENDS_SHOWN: Final = frozenset(
    {
        *("performance", "fairness_gap", "fairness_number_gap", "fairness_trend", "override"),
        *("multivariate_drift_score", "slice_excess"),
    }
)
"""Series whose lower and upper ends are shown too: those that people set limits for."""

_GAP: Final = "fairness_gap"
_GAPS: Final = (_GAP, "fairness_number_gap")
_GROUP_ROWS: Final = "mbm_fairness_group_rows"
"""Shown beside every gap, with its labels."""

FEATURES: Final = "features"
VERSIONS: Final = "versions"
REASONS: Final = (FEATURES, VERSIONS)
"""Why series are left out."""

UNKNOWN: Final = -1
"""Value of `mbm_check_state` where something is unknown."""

SHIFT: Final = "shift"
"""Check of a model's page, and begin of those of its families."""

_WINDOW: Final = ("model", "version", "check")
_CHECKS: Final = (
    Exported(
        "mbm_check_state",
        "gauge",
        _WINDOW,
        "Of a metric -1 where a value is unknown and so left out, no series where all are known. "
        "Of the detector (shift, and shift_features and the like for its families): 0 nothing "
        "moved, 1 a tenth of a page's evidence, 2 an incident is open, 3 learning; of shift_drift, "
        "the slow tier: 1 a ticket is open.",
    ),
    Exported(
        "mbm_check_worse",
        "gauge",
        _WINDOW,
        "Whether what moved of a family did so to the model's harm: 1 if it did, 0 if it did not; "
        "of families whose metrics tell good from bad: shift_truth, shift_calibration, "
        "shift_reliance, shift_estimated, shift_missing, shift_violations.",
    ),
    Exported(
        "mbm_check_evidence_ratio",
        "gauge",
        _WINDOW,
        "Evidence that something moved, over the evidence at which there is a page; of a family "
        "its part of it.",
    ),
    Exported(
        "mbm_check_threshold",
        "gauge",
        _WINDOW,
        "Evidence at which there is a page: windows per page that the card accepts.",
    ),
    Exported(
        "mbm_check_rows",
        "gauge",
        _WINDOW,
        "Rows that the check's value rests on, the fewest over its features or attributes.",
    ),
    Exported(
        "mbm_result_timestamp_seconds",
        "gauge",
        _WINDOW,
        "End of the window that the check's value is about, as Unix time.",
    ),
    Exported(
        "mbm_completeness_ratio",
        "gauge",
        _WINDOW,
        "Share of the messages of the check's window that could be understood.",
    ),
)
_REVIEWS: Final = (
    Exported(
        "mbm_review_backlog",
        "gauge",
        ("model", "version"),
        "Required reviews that are not made, of predictions of any age that have not taken effect.",
    ),
    Exported(
        "mbm_review_oldest_open_seconds",
        "gauge",
        ("model", "version"),
        "Age of the oldest prediction of these up to the closed time; 0 where none waits.",
    ),
    Exported(
        "mbm_review_leaks_total",
        "counter",
        ("model", "version"),
        "Predictions that took effect before their required review or without it, each counted "
        "once, when evaluation first saw it; a later review takes none back.",
    ),
)
_INCIDENTS: Final = (
    Exported(
        "mbm_incidents_open",
        "gauge",
        ("model", "severity"),
        "Incidents that nobody has accepted or resolved yet, by tier: page, ticket, slow or "
        "threshold.",
    ),
    Exported(
        "mbm_incidents_total",
        "counter",
        ("model", "severity"),
        "How often incidents called people, by the same: when they were opened, and each time that "
        "one grew worse.",
    ),
)
_SERVICE: Final = (
    Exported(
        "mbm_watermark_timestamp_seconds",
        "gauge",
        ("model", "kind"),
        "Up to when a model's windows are closed, as Unix time.",
    ),
    Exported(
        "mbm_watermark_usual_age_seconds",
        "gauge",
        ("model", "kind"),
        "Age that this time has at most while nothing is stuck, but for a run of evaluation: the "
        "card's lateness and one profile window.",
    ),
    Exported(
        "mbm_moved_predictions",
        "gauge",
        ("model",),
        "Predictions in the log that count in no window, for their id stands in an earlier one: "
        "a sender gave its retries new times. Looked for by mbm maintain.",
    ),
    Exported(
        "mbm_model_info",
        "gauge",
        ("model", "version", "owner", "team", "tier", "pager"),
        "What the card says of a version that it names; always 1.",
    ),
    Exported(
        "mbm_model_deployed_timestamp_seconds",
        "gauge",
        ("model", "version"),
        "When a version that the card names was last deployed, in whatever stage, as Unix time; "
        "no series before its first deployment event.",
    ),
    Exported("mbm_build_info", "gauge", ("version",), "Version of this program; always 1."),
    Exported(
        "mbm_series_suppressed_total",
        "counter",
        ("reason",),
        "Series left out to bound their number, counted once per model and window: features "
        "beyond serve.feature_series, versions beyond 20.",
    ),
)


class Sample(NamedTuple):
    """A value of an exported series; `labels` in the order of its declaration."""

    name: str
    labels: tuple[str, ...]
    value: float


Family: TypeAlias = GaugeMetricFamily | CounterMetricFamily


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model.

    Attributes:
        card: of the model.
        watermarks: up to when its windows are closed, by kind.
        end: end of its last closed window, None before the first.
        shown: verdicts on that window, ordered by version, metric and column.
        reviews: how the required reviews of each version stand.
        deployed: when each version was last deployed.
        moved: predictions that do not count, for their id stands in an earlier window; None
            before the first look.
        checks: how the detector's families stand.
        incidents: open ones and ones ever, by tier.
    """

    card: Card
    watermarks: Mapping[str, datetime] = field(default_factory=dict)
    end: datetime | None = None
    shown: Sequence[Shown] = ()
    reviews: Mapping[str, Standing] = field(default_factory=dict)
    deployed: Mapping[str, datetime] = field(default_factory=dict)
    moved: int | None = None
    checks: Sequence[Check] = ()
    incidents: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def exported() -> tuple[Exported, ...]:
    """Every series of these gauges, in the order in which they are shown."""
    by_name: dict[str, list[Metric]] = defaultdict(list)
    for metric in CATALOGUE:
        if metric.series:
            by_name[metric.exposed()].append(metric)
    return (
        *(one for some in by_name.values() for one in _of_series(some)),
        *_CHECKS,
        *_REVIEWS,
        *_INCIDENTS,
        *_SERVICE,
    )


def samples(model: Model, feature_series: int) -> tuple[list[Sample], Counter[str]]:
    """What is shown of a model, and how many series are left out, by reason.

    Args:
        model: the model.
        feature_series: series of one name that differ by feature, at most.
    """
    found = [*_of_card(model), *_of_reviews(model), *_of_incidents(model)]
    versions = _versions(model)
    shown = [one for one in model.shown if one.version in versions]
    if model.end is not None:
        for (version, check), some in groupby(shown, lambda one: (one.version, one.metric)):
            found += _of_check((model.card.model, version, check), model.end, list(some))
    values = [one for one in shown if one.value is not None and one.metric in _METRICS]
    kept = _loudest(values, feature_series)
    for one in kept:
        found += _of_value(model.card.model, one)
    known = sum(one.value is not None and one.metric in _METRICS for one in model.shown)
    left = Counter({FEATURES: len(values) - len(kept), VERSIONS: known - len(values)})
    return found, left


def families(found: Iterable[Sample], left: Mapping[str, int]) -> list[Family]:
    """Families for prometheus_client, in the order of `exported`; those without values too.

    Args:
        found: samples of all models.
        left: series left out so far, by reason.
    """
    every = {one.name: _family(one) for one in exported()}
    counted = [Sample("mbm_series_suppressed_total", (why,), left.get(why, 0)) for why in REASONS]
    for sample in (*found, Sample("mbm_build_info", (VERSION,), 1), *counted):
        every[sample.name].add_metric(sample.labels, sample.value)
    return list(every.values())


def _of_series(metrics: Sequence[Metric]) -> Iterator[Exported]:
    """The series that these metrics share, and those of its ends."""
    first = metrics[0]
    varying = (first.per.label,) if first.per.label else ()
    labels = ("model", "version", *varying, *first.labels)
    titles = "; ".join(metric.title for metric in metrics)
    yield Exported(first.exposed(), "gauge", labels, f"{titles}.")
    if first.series in ENDS_SHOWN:
        for end in ("lower", "upper"):
            text = f"{end.capitalize()} end of the 95 % interval of {first.exposed()}."
            yield Exported(first.exposed(end), "gauge", labels, text)
    if first.series == _GAP:
        text = "Rows of the smallest group that the gap of the same labels compares."
        yield Exported(_GROUP_ROWS, "gauge", labels, text)


def _of_card(model: Model) -> Iterator[Sample]:
    card = model.card
    owner = (card.owner.mail, card.owner.team, card.tier, card.owner.pager or "")
    for version in card.versions[:MOST_VERSIONS]:
        yield Sample("mbm_model_info", (card.model, version, *owner), 1)
        if (at := model.deployed.get(version)) is not None:
            labels = (card.model, version)
            yield Sample("mbm_model_deployed_timestamp_seconds", labels, at.timestamp())
    for kind, upto in model.watermarks.items():
        yield Sample("mbm_watermark_timestamp_seconds", (card.model, kind), upto.timestamp())
        usual = (card.lateness + card.windows.profile).total_seconds()
        yield Sample("mbm_watermark_usual_age_seconds", (card.model, kind), usual)
    if model.moved is not None:
        yield Sample("mbm_moved_predictions", (card.model,), model.moved)


def _of_reviews(model: Model) -> Iterator[Sample]:
    """Also of versions without any, so that a counter's first leak is an increase from 0."""
    named = model.card.versions if model.card.policy else ()
    upto = model.watermarks.get("inputs")
    for version in list(dict.fromkeys((*named, *model.reviews)))[:MOST_VERSIONS]:
        stands = model.reviews.get(version, Standing())
        labels = (model.card.model, version)
        age = (upto - stands.oldest).total_seconds() if upto and stands.oldest else 0.0
        yield Sample("mbm_review_backlog", labels, stands.waiting)
        yield Sample("mbm_review_oldest_open_seconds", labels, age)
        yield Sample("mbm_review_leaks_total", labels, stands.leaks)


def _of_incidents(model: Model) -> Iterator[Sample]:
    """Also of tiers without any, so that a counter's first incident is an increase from 0."""
    name = model.card.model
    for tier in Tier:
        is_open, every = model.incidents.get(tier, (0, 0))
        yield Sample("mbm_incidents_open", (name, tier.value), is_open)
        yield Sample("mbm_incidents_total", (name, tier.value), every)
    kept = {"", *sorted({check.version for check in model.checks})[:MOST_VERSIONS]}
    for check in model.checks:
        if check.version not in kept:
            continue
        shown = SHIFT if check.check == WHOLE else f"{SHIFT}_{check.check}"
        labels = (name, check.version, shown)
        yield Sample("mbm_check_state", labels, check.state)
        if check.is_worse is not None:
            yield Sample("mbm_check_worse", labels, check.is_worse)
        if check.threshold > 0:
            yield Sample("mbm_check_threshold", labels, check.threshold)
        if check.evidence is not None:
            yield Sample("mbm_check_evidence_ratio", labels, check.evidence / check.threshold)
            yield Sample("mbm_check_rows", labels, check.rows)


def _versions(model: Model) -> frozenset[str]:
    """The versions that are shown."""
    rows: Counter[str] = Counter()
    for one in model.shown:
        rows[one.version] = max(rows[one.version], one.rows)
    place = {version: i for i, version in enumerate(model.card.versions)}
    order = sorted(rows, key=lambda name: (place.get(name, len(place)), -rows[name], name))
    return frozenset(order[:MOST_VERSIONS])


def _of_check(labels: tuple[str, str, str], end: datetime, some: Sequence[Shown]) -> list[Sample]:
    found = [
        Sample("mbm_check_rows", labels, min(one.rows for one in some)),
        Sample("mbm_result_timestamp_seconds", labels, (some[0].end or end).timestamp()),
    ]
    if any(one.value is None for one in some):
        found.append(Sample("mbm_check_state", labels, UNKNOWN))
    if (completeness := some[0].completeness) is not None:
        found.append(Sample("mbm_completeness_ratio", labels, completeness))
    return found


def _loudest(values: Sequence[Shown], most: int) -> list[Shown]:
    """These values, of each name's series by feature only the greatest, at most `most`.

    Methods have different scales and versions must not crowd each other out, so each metric
    and version in turn gives its next greatest value.
    """
    by_name: dict[str, list[tuple[int, Shown]]] = defaultdict(list)
    kept: list[Shown] = []
    for (_, metric), some in groupby(values, lambda one: (one.version, one.metric)):
        if _METRICS[metric].per is not Per.FEATURE:
            kept += some
            continue
        ranked = sorted(some, key=lambda one: (-abs(one.value or 0.0), one.column))
        by_name[_METRICS[metric].exposed()] += enumerate(ranked)
    for places in by_name.values():
        # Stable: at the same place the order of versions and metrics decides.
        kept += [one for _, one in sorted(places, key=lambda place: place[0])[:most]]
    return kept


def _of_value(model: str, one: Shown) -> Iterator[Sample]:
    metric = _METRICS[one.metric]
    varying = (one.column,) if metric.per.label else ()
    labels = (model, one.version, *varying, *metric.labels.values())
    values = {"": one.value}
    if metric.series in ENDS_SHOWN:
        values |= {"lower": one.lower, "upper": one.upper}
    for end, value in values.items():
        if value is not None:
            yield Sample(metric.exposed(end), labels, value)
    if metric.series in _GAPS and one.group_rows is not None:
        yield Sample(_GROUP_ROWS, labels, one.group_rows)


def _family(one: Exported) -> Family:
    kind = CounterMetricFamily if one.kind == "counter" else GaugeMetricFamily
    return kind(one.name, one.text, labels=one.labels)


_METRICS: Final = {metric.name: metric for metric in CATALOGUE if metric.series}
