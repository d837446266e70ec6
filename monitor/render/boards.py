"""Which dashboards there are, and what stands where on them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from monitor.metrics.base import Metric, Per
from monitor.render.panels import MOST_LINES, Panel, Query, of_series, once, panels, selector
from monitor.render.sections import SECTIONS
from monitor.render.series import Exported

RATE: Final = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading; all but the first rows of a dashboard are folded."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Moments that are marked on all panels of a dashboard.

    Attributes:
        name: what happened.
        colour: of the marks.
        query: whose values above 0 are such moments, or whose values are the moments.
        is_time: whether values are moments [ms since 1970].
    """

    name: str
    colour: str
    query: Query
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard.

    Attributes:
        name: of its file, and the end of its uid.
        title: what people call it.
        says: whom it is for and what it answers.
        rows: the first is open.
        of_one: whether it is about one model at a time.
        marks: what is marked on all panels.
    """

    name: str
    title: str
    says: str
    rows: tuple[Row, ...]
    of_one: bool = False
    marks: tuple[Mark, ...] = ()


def _fairness(of: str) -> Callable[[Metric], bool]:
    return lambda metric: metric.per is Per.ATTRIBUTE and metric.labels.get("of", "") == of


def boards(catalogue: Iterable[Metric], exported: Sequence[Exported]) -> tuple[Board, ...]:
    """The dashboards; every metric that has a series stands on one of them.

    Args:
        catalogue: the metrics, in the order in which people see them.
        exported: every series that any process exports.
    """
    shown = [metric for metric in catalogue if metric.series]
    by_name = {one.name: one for one in exported}

    def row(title: str, belongs: Callable[[Metric], bool]) -> Row:
        return Row(title, tuple(panels([one for one in shown if belongs(one)], by_name.keys())))

    def section(title: str) -> Row:
        return row(title, SECTIONS[title])

    of = sorted({metric.labels.get("of", "") for metric in shown if metric.per is Per.ATTRIBUTE})
    return (
        Board(
            "fleet",
            "Fleet",
            "All models, the worst first: where to look today.",
            (Row("Models", _fleet(by_name)),),
        ),
        Board(
            "model",
            "Model",
            "One model for its owner: what it takes in, says, gets right, and what is made of it.",
            (
                Row("At a glance", _glance(shown, by_name)),
                section("Drift"),
                section("Answers and confidence"),
                section("Edge cases"),
                section("Performance, calibration, maturity of labels"),
                section("Use"),
                section("Failures"),
            ),
            of_one=True,
            marks=_marks(by_name),
        ),
        Board(
            "fairness",
            "Fairness and people",
            "How groups fare, before and after people decide, and how people review.",
            (
                Row("Reviews that are open", _reviews(by_name)),
                section("People"),
                *(row(_FAIRNESS.get(name, f"Fairness: {name}"), _fairness(name)) for name in of),
            ),
            of_one=True,
            marks=_marks(by_name),
        ),
        Board(
            "quality",
            "Data quality",
            "Whether what models get is what their contracts say, and whether all of it came.",
            (Row("Completeness", _completeness(by_name)), section("Data quality")),
            of_one=True,
            marks=_marks(by_name),
        ),
        Board(
            "service",
            "Service health",
            "Whether the monitor itself reads, evaluates and keeps up.",
            (
                Row("Reading", _reading(by_name)),
                Row("Evaluating", _evaluating(by_name)),
                Row("Telling people", _telling(by_name)),
            ),
        ),
    )


_FAIRNESS: Final[Mapping[str, str]] = {
    "prediction": "Fairness of what the model says",
    "final_decision": "Fairness of what was decided",
    "": "Fairness of reviews",
}


def _fleet(by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    """A table of models: first those with open incidents, then those with most evidence."""
    columns: tuple[tuple[str, str, str, str, Mapping[str, str]], ...] = (
        ("Open pages", "mbm_incidents_open", "sum", "short", {"severity": "page"}),
        ("Open tickets", "mbm_incidents_open", "sum", "short", {"severity": "ticket"}),
        ("Evidence", "mbm_check_evidence_ratio", "max", "percentunit", {"check": "shift"}),
        ("Drifted features", "mbm_drifted_features_ratio", "max", "percentunit", {}),
        ("Unsure", "mbm_low_confidence_ratio", "max", "percentunit", {}),
        ("Overridden", "mbm_override_ratio", "max", "percentunit", {}),
        ("Calibration error", "mbm_calibration_error_ratio", "max", "percentunit", {}),
        ("Labels", "mbm_label_coverage_ratio", "min", "percentunit", {}),
        ("Completeness", "mbm_completeness_ratio", "min", "percentunit", {}),
        ("Predictions", "mbm_window_predictions", "max", "short", {}),
        ("Leaks", "mbm_review_leaks_total", "max", "short", {}),
    )

    def asked(title: str, name: str, how: str, fixed: Mapping[str, str]) -> Query:
        chosen = [label for label in by_name[name].labels if label != "version"]
        expr = selector(name, chosen, fixed)
        # Replicas show the same: a sum is taken over what is left when they are put together.
        inner = once(expr) if how == "sum" else expr
        return Query(f"{how} by (model) ({inner})", title, (name,))

    says = dict.fromkeys(f"**{title}.** {by_name[name].text}" for title, name, _, _, _ in columns)
    closed, watermark = (
        by_name["mbm_watermark_timestamp_seconds"],
        "mbm_watermark_timestamp_seconds",
    )
    owners = by_name["mbm_model_info"]
    return (
        Panel(
            "Models, the worst first",
            "\n\n".join(says),
            "short",
            tuple(asked(title, name, how, fixed) for title, name, how, _, fixed in columns),
            kind="table",
            by=("model",),
            units={title: unit for title, _, _, unit, _ in columns},
            first=("Open pages", "Open tickets", "Evidence"),
            width=24,
        ),
        of_series(
            closed,
            "Time since what was closed",
            "s",
            f"time() - max by (model, kind) ({selector(watermark, closed.labels)})",
            "{{model}} · {{kind}}",
        ),
        Panel(
            "Owners",
            owners.text,
            "short",
            (
                Query(
                    f"max by (model, version, owner, team, tier) "
                    f"({selector(owners.name, owners.labels)})",
                    "Known",
                    (owners.name,),
                ),
            ),
            kind="table",
            by=("model", "version", "owner", "team", "tier"),
            width=16,
        ),
    )


def _glance(shown: Sequence[Metric], by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    """What an owner looks at first."""
    headline = (
        "window_predictions",
        "drifted_features",
        "confidence_mean",
        "low_confidence",
        "label_maturity",
        "override",
    )
    wanted = [metric for name in headline for metric in shown if metric.series == name]
    found = panels(wanted, by_name.keys())
    unknown = by_name["mbm_check_state"]
    asked = f"{selector(unknown.name, unknown.labels)} == -1"
    return (
        *_evidence(by_name),
        *found,
        of_series(
            unknown,
            "Numbers that are unknown",
            "short",
            f"count by (version) (max by (version, check) ({asked})) or on () vector(0)",
            "{{version}}",
        ),
        _oldest(by_name),
    )


def _evidence(by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    """How near a page is, and what is open."""
    ratio, opened = by_name["mbm_check_evidence_ratio"], by_name["mbm_incidents_open"]
    line = by_name["mbm_check_threshold"]
    # Evidence is of a model as a whole: whatever version was chosen, it is shown.
    of = ("model",)
    return (
        replace(
            of_series(
                ratio,
                "Evidence, over that of a page",
                "percentunit",
                f"topk({MOST_LINES}, max by (check) ({selector(ratio.name, of)}))",
                "{{check}}",
            ),
            limit=1.0,
        ),
        of_series(
            line,
            "Evidence at which there is a page",
            "short",
            f"max by (check) ({selector(line.name, of)})",
            "{{check}}",
        ),
        of_series(
            opened,
            "Incidents that are open",
            "short",
            once(selector(opened.name, opened.labels)),
            "{{severity}}",
        ),
    )


def _marks(by_name: Mapping[str, Exported]) -> tuple[Mark, ...]:
    """When incidents were opened and versions deployed."""
    ever = by_name["mbm_incidents_total"]
    grown = f"increase({selector(ever.name, ever.labels)}[{RATE}])"
    legend = "{{severity}}: an incident of {{model}}"
    opened = Query(f"max by (model, severity) ({grown}) > 0", legend, (ever.name,))
    at = by_name["mbm_model_deployed_timestamp_seconds"]
    moment = f"1000 * max by (model, version) ({selector(at.name, at.labels)})"
    out = Query(moment, "version {{version}} of {{model}} was deployed", (at.name,))
    return (
        Mark("Incidents", "red", opened),
        Mark("Deployments", "purple", out, is_time=True),
    )


def _oldest(by_name: Mapping[str, Exported]) -> Panel:
    ended = by_name["mbm_result_timestamp_seconds"]
    return of_series(
        ended,
        "Age of the newest numbers",
        "s",
        f"time() - max by (version) ({selector(ended.name, ended.labels)})",
        "{{version}}",
    )


def _reviews(by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    some = (
        ("mbm_review_backlog", "Required reviews that wait", "short"),
        ("mbm_review_oldest_open_seconds", "Age of the oldest that waits", "s"),
        ("mbm_review_leaks_total", "Predictions that did not wait", "short"),
    )
    return tuple(
        of_series(
            by_name[name],
            title,
            unit,
            once(selector(name, by_name[name].labels)),
            "{{model}} · {{version}}",
        )
        for name, title, unit in some
    )


def _completeness(by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    complete, refused = by_name["mbm_completeness_ratio"], by_name["mbm_events_quarantined_total"]
    moved = by_name["mbm_moved_predictions"]
    return (
        of_series(
            complete,
            "Share of messages that were understood",
            "percentunit",
            f"min by (model, version) ({selector(complete.name, complete.labels)})",
            "{{model}} · {{version}}",
        ),
        of_series(
            refused,
            "Messages into quarantine",
            "cps",
            f"sum by (source, reason) (rate({refused.name}[{RATE}]))",
            "{{source}} · {{reason}}",
        ),
        of_series(
            moved,
            "Predictions that count in no window",
            "short",
            once(selector(moved.name, moved.labels)),
            "{{model}}",
        ),
    )


def _reading(by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    def rate(name: str, title: str, *by: str) -> Panel:
        one = by_name[name]
        expr = f"sum by ({', '.join(by)}) (rate({selector(name, one.labels)}[{RATE}]))"
        return of_series(one, title, "cps", expr, " · ".join(f"{{{{{label}}}}}" for label in by))

    def ninety(name: str, title: str) -> Panel:
        one = by_name[name]
        buckets = f"sum by (source, le) (rate({name}_bucket[{RATE}]))"
        expr = f"histogram_quantile(0.9, {buckets})"
        return of_series(one, f"{title}, nine in ten", "s", expr, "{{source}}")

    lag, seconds = by_name["mbm_consumer_lag_records"], by_name["mbm_consumer_lag_seconds"]
    confidence = by_name["mbm_prediction_confidence_ratio"]
    spread = f"rate({selector(f'{confidence.name}_bucket', confidence.labels)}[{RATE}])"
    return (
        rate("mbm_events_consumed_total", "Messages read", "source", "kind"),
        of_series(
            lag, "Messages that wait", "short", f"sum by (source) ({lag.name})", "{{source}}"
        ),
        of_series(
            seconds, "Age of what is read", "s", f"max by (source) ({seconds.name})", "{{source}}"
        ),
        ninety("mbm_event_delay_seconds", "Time from an event to its commit"),
        ninety("mbm_event_processing_duration_seconds", "Time of a batch"),
        rate("mbm_unknown_version_events_total", "Events of unknown versions", "model", "version"),
        rate("mbm_predictions_total", "Predictions", "model", "version", "stage"),
        rate("mbm_reviews_total", "Decisions", "model", "role", "action"),
        rate("mbm_usage_total", "Uses", "model", "consumer", "used"),
        rate("mbm_inference_failures_total", "Failed requests", "model", "version", "code"),
        of_series(
            confidence,
            "Median confidence as it comes in",
            "percentunit",
            f"histogram_quantile(0.5, sum by (model, version, le) ({spread}))",
            "{{model}} · {{version}}",
        ),
    )


def _evaluating(by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    runs, ended = by_name["mbm_job_runs_total"], by_name["mbm_job_last_success_timestamp_seconds"]
    took, every = by_name["mbm_job_duration_seconds"], by_name["mbm_job_interval_seconds"]
    left, build = by_name["mbm_series_suppressed_total"], by_name["mbm_build_info"]
    lead = by_name["mbm_scheduler_leader"]
    return (
        of_series(
            runs,
            "Runs of jobs",
            "cps",
            f"sum by (job_name, outcome) (rate({runs.name}[{RATE}]))",
            "{{job_name}} · {{outcome}}",
        ),
        of_series(
            ended,
            "Intervals since the last success",
            "short",
            f"(time() - max by (job_name) ({ended.name})) / max by (job_name) ({every.name})",
            "{{job_name}}",
        ),
        of_series(
            took,
            "Time of a run, nine in ten",
            "s",
            f"histogram_quantile(0.9, sum by (job_name, le) (rate({took.name}_bucket[{RATE}])))",
            "{{job_name}}",
        ),
        of_series(
            lead, "Processes that lead the schedule", "short", f"sum({lead.name})", "leaders"
        ),
        of_series(left, "Series left out", "short", once(left.name), "{{reason}}"),
        of_series(build, "Versions of the monitor", "short", once(build.name), "{{version}}"),
    )


def _telling(by_name: Mapping[str, Exported]) -> tuple[Panel, ...]:
    tries, waiting = by_name["mbm_notifications_total"], by_name["mbm_notices_waiting"]
    reports, late = by_name["mbm_reports_sent_total"], by_name["mbm_reports_waiting"]
    return (
        of_series(
            tries,
            "Tries to tell people",
            "cps",
            f"sum by (channel, outcome) (rate({tries.name}[{RATE}]))",
            "{{channel}} · {{outcome}}",
        ),
        of_series(waiting, "Notices that wait", "short", once(waiting.name), "{{channel}}"),
        of_series(
            reports,
            "Tries to mail weekly reports",
            "cps",
            f"sum by (outcome) (rate({reports.name}[{RATE}]))",
            "{{outcome}}",
        ),
        of_series(late, "Weekly reports that wait", "short", once(late.name), "{{channel}}"),
    )
