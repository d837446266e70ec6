"""Gauges of results: exact text, nothing stale, bounded, unbreakable by names."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from monitor import __version__
from monitor.cards.card import Card
from monitor.metrics import CATALOGUE
from monitor.outputs.bounds import MOST_VERSIONS
from monitor.outputs.exported import by_process, files
from monitor.outputs.exposition import Exposition
from monitor.outputs.prometheus import Model, samples
from monitor.state import deployments, detectors, incidents, progress, results
from monitor.state.database import State
from monitor.state.deployments import Deployment
from monitor.state.detectors import Check, CheckState
from monitor.state.incidents import Incident, Status, Tier
from monitor.state.shown import Shown
from tests.results import NOON
from tests.results import ROW as PUBLISHED

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)
ROW = replace(PUBLISHED, window_kind="latest", completeness=0.75, status="measured")
ACCURACY = replace(
    ROW, metric="accuracy", column_name="", method="", value=0.5, lower=0.25, upper=0.75, rows=40
)
UNKNOWN = replace(
    ACCURACY, metric="override", value=None, lower=None, upper=None, rows=7, status="unknown"
)
SHOWN = Shown("3", "feature_psi", "age", 0.125, None, None, 1_000, 1.0)


def card(model: str = "credit", **keys: object) -> Card:
    prediction = {"classes": ["no", "yes"], "positive": "yes"}
    least = {
        "model": model,
        "owner": {"team": "x", "mail": "team@example.org"},
        "tier": "low",
        "versions": ["3", "4"],
        "contract": {"features": {"age": {"type": "number"}}, "prediction": prediction},
    }
    return Card.model_validate(yaml.safe_load(yaml.safe_dump({**least, **keys})))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State.open(f"sqlite:///{tmp_path}/state.db")
    progress.close(state, "credit", "inputs", NOON + HOUR / 2)
    yield state
    state.close()


def text(state: State, *cards: Card, most: int = 200) -> str:
    exposition = Exposition(state, most)
    exposition.refresh({one.model: one for one in cards or (card(),)})
    return exposition.body(CollectorRegistry(), gzip=False).decode()


def values(exposed: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
    ]
    assert len(dict(found)) == len(found), "a series stands twice"
    return dict(found)


def named(exposed: str, name: str) -> list[str]:
    return [line for line in exposed.splitlines() if line.startswith(name + "{")]


EXPECTED = """\
mbm_feature_drift_score{feature="age",method="psi",model="credit",version="3"} 0.125
mbm_performance_ratio{metric="accuracy",model="credit",source="labels",version="3"} 0.5
mbm_performance_lower_ratio{metric="accuracy",model="credit",source="labels",version="3"} 0.25
mbm_performance_upper_ratio{metric="accuracy",model="credit",source="labels",version="3"} 0.75
mbm_check_state{check="override",model="credit",version="3"} -1.0
mbm_check_rows{check="accuracy",model="credit",version="3"} 40.0
mbm_check_rows{check="feature_psi",model="credit",version="3"} 1000.0
mbm_check_rows{check="override",model="credit",version="3"} 7.0
mbm_result_timestamp_seconds{check="accuracy",model="credit",version="3"} 1.7723664e+09
mbm_result_timestamp_seconds{check="feature_psi",model="credit",version="3"} 1.7723664e+09
mbm_result_timestamp_seconds{check="override",model="credit",version="3"} 1.7723664e+09
mbm_completeness_ratio{check="accuracy",model="credit",version="3"} 0.75
mbm_completeness_ratio{check="feature_psi",model="credit",version="3"} 0.75
mbm_completeness_ratio{check="override",model="credit",version="3"} 0.75
mbm_incidents_open{model="credit",severity="page"} 0.0
mbm_incidents_open{model="credit",severity="ticket"} 0.0
mbm_incidents_open{model="credit",severity="slow"} 0.0
mbm_incidents_open{model="credit",severity="threshold"} 0.0
mbm_incidents_total{model="credit",severity="page"} 0.0
mbm_incidents_total{model="credit",severity="ticket"} 0.0
mbm_incidents_total{model="credit",severity="slow"} 0.0
mbm_incidents_total{model="credit",severity="threshold"} 0.0
mbm_watermark_timestamp_seconds{kind="inputs",model="credit"} 1.7723682e+09
mbm_watermark_usual_age_seconds{kind="inputs",model="credit"} 900.0
mbm_model_info{model="credit",owner="team@example.org",pager="",team="x",tier="low",version="3"} 1.0
mbm_model_info{model="credit",owner="team@example.org",pager="",team="x",tier="low",version="4"} 1.0
mbm_build_info{version="0.1.0"} 1.0
mbm_series_suppressed_total{reason="features"} 0.0
mbm_series_suppressed_total{reason="versions"} 0.0"""


def test_the_exposition_of_a_model_to_the_letter(state: State) -> None:
    results.add(state, [ROW, ACCURACY, UNKNOWN])
    lines = [line for line in text(state).splitlines() if not line.startswith("#")]
    assert "\n".join(lines) == EXPECTED.replace("0.1.0", __version__)


def test_a_deployment_shows_without_any_new_result(state: State) -> None:
    exposition = Exposition(state, 200)
    for hours in (1, 5):
        some = [Deployment("credit", NOON + hours * HOUR, name) for name in ("4", "nobody's")]
        deployments.add(state, "credit", some)
        exposition.refresh({"credit": card()})
        exposed = exposition.body(CollectorRegistry(), gzip=False).decode()
        (line,) = named(exposed, "mbm_model_deployed_timestamp_seconds")
        labels, value = line.rsplit(" ", 1)
        assert labels.endswith('{model="credit",version="4"}')
        assert float(value) == (NOON + hours * HOUR).timestamp()


@pytest.mark.parametrize(
    "other",
    [
        {"window_kind": "publish"},
        {"stage": "canary"},
        {"segment": "region=north"},
        {"start": NOON - 25 * HOUR, "end": NOON - HOUR},
        {"model": "fraud"},
    ],
)
def test_only_the_last_window_over_all_rows_of_known_models_is_shown(
    state: State, other: dict[str, object]
) -> None:
    results.add(state, [replace(ROW, **other)])  # type: ignore[arg-type]
    exposed = text(state)
    assert named(exposed, "mbm_feature_drift_score") == []
    assert named(exposed, "mbm_check_rows") == []


def test_a_version_without_rows_in_the_last_window_is_gone(state: State) -> None:
    exposition = Exposition(state, 200)
    results.add(state, [ROW, replace(ROW, version="4")])
    exposition.refresh({"credit": card()})
    later = replace(ROW, start=ROW.start + HOUR, end=ROW.end + HOUR, value=0.25)
    results.add(state, [later])
    progress.close(state, "credit", "inputs", NOON + HOUR)
    exposition.refresh({"credit": card()})
    exposed = exposition.body(CollectorRegistry(), gzip=False).decode()
    (line,) = named(exposed, "mbm_feature_drift_score")
    assert 'version="3"' in line
    assert line.endswith(" 0.25")
    assert 'version="4"' not in "".join(named(exposed, "mbm_result_timestamp_seconds"))


def test_a_silent_model_shows_no_result_and_still_its_watermark(state: State) -> None:
    results.add(state, [ROW])
    progress.close(state, "credit", "inputs", NOON + 2 * HOUR)
    exposed = text(state)
    assert named(exposed, "mbm_feature_drift_score") == []
    assert named(exposed, "mbm_result_timestamp_seconds") == []
    assert len(named(exposed, "mbm_watermark_timestamp_seconds")) == 1


def test_a_restated_value_takes_the_place_of_the_old_one(state: State) -> None:
    exposition = Exposition(state, 200)
    for number, value in enumerate((0.1, 0.2, 0.3)):
        results.add(state, [replace(ROW, inputs_hash=str(number), value=value)])
        exposition.refresh({"credit": card()})
        exposed = exposition.body(CollectorRegistry(), gzip=False).decode()
        (line,) = named(exposed, "mbm_feature_drift_score")
        assert line.endswith(f" {value}")


def test_one_unknown_feature_makes_its_check_unknown_and_leaves_the_others_be(state: State) -> None:
    income = replace(ROW, column_name="income", value=None, rows=3, status="unknown")
    results.add(state, [ROW, income])
    exposed = text(state)
    assert len(named(exposed, "mbm_feature_drift_score")) == 1
    assert named(exposed, "mbm_check_state") == [
        'mbm_check_state{check="feature_psi",model="credit",version="3"} -1.0'
    ]
    assert named(exposed, "mbm_check_rows")[0].endswith(" 3.0")


HOSTILE = [
    "plain",
    'quote"',
    "back\\slash",
    "\\n",
    "new\nline",
    'a"} 1\nmbm_feature_drift_score{feature="b',
    "return\r\n# HELP mbm_x",
    "nul\0 bell\a escape\x1b[31m",
    "Größe 年齢 \u2028 \ufeff \U0001f600",
    "{}",
    ",",
    "",
]


def test_no_name_breaks_the_exposition(state: State) -> None:
    results.add(
        state,
        [replace(ROW, column_name=name, value=float(n)) for n, name in enumerate(HOSTILE)],
    )
    hostile = {"team": 'a"\nb', "mail": "team@example.org"}
    found = values(text(state, card(owner=hostile)))
    shown = {
        dict(labels)["feature"]: value
        for (name, labels), value in found.items()
        if name == "mbm_feature_drift_score"
    }
    assert shown == {name: float(n) for n, name in enumerate(HOSTILE)}
    info = next(dict(labels) for name, labels in found if name == "mbm_model_info")
    assert info["team"] == 'a"\nb'


def test_the_cap_keeps_the_greatest_of_every_method_and_version() -> None:
    shown = [
        replace(SHOWN, version=version, metric=metric, column=f"f{n}", value=n * scale)
        for version in ("3", "4")
        for metric, scale in (("feature_psi", 0.01), ("feature_wasserstein", 100.0))
        for n in range(10)
    ]
    found, left = samples(Model(card(), {}, NOON, shown), 8)
    drift = [sample for sample in found if sample.name == "mbm_feature_drift_score"]
    assert len(drift) == 8
    assert {sample.labels[2] for sample in drift} == {"f8", "f9"}
    assert left == {"features": 32, "versions": 0}
    # What is not shown was measured all the same.
    assert sum(sample.name == "mbm_check_rows" for sample in found) == 4


def test_each_series_has_a_cap_of_its_own_and_metrics_of_the_model_have_none() -> None:
    shown = [
        replace(SHOWN, metric="accuracy", column=""),
        *(replace(SHOWN, metric="feature_missing", column=f"f{n}") for n in range(3)),
        *(replace(SHOWN, column=f"f{n}") for n in range(3)),
    ]
    found, left = samples(Model(card(), {}, NOON, shown), 2)
    names = [sample.name for sample in found]
    assert names.count("mbm_feature_drift_score") == 2
    assert names.count("mbm_feature_missing_ratio") == 2
    assert names.count("mbm_performance_ratio") == 1
    assert left["features"] == 2


def test_versions_beyond_the_most_are_left_out_those_of_the_card_last() -> None:
    shown = [replace(SHOWN, version=f"x{n:02}", rows=1_000 + n) for n in range(MOST_VERSIONS)]
    shown.append(replace(SHOWN, version="4", rows=1))
    found, left = samples(Model(card(), {}, NOON, shown), 200)
    versions = {s.labels[1] for s in found if s.name == "mbm_feature_drift_score"}
    assert versions == {"4", *(f"x{n:02}" for n in range(1, MOST_VERSIONS))}
    assert left["versions"] == 1


def test_what_is_left_out_is_counted_once_per_window(state: State) -> None:
    def left() -> float:
        exposition.refresh({"credit": card()})
        exposed = exposition.body(CollectorRegistry(), gzip=False).decode()
        line = next(x for x in named(exposed, "mbm_series_suppressed_total") if "features" in x)
        return float(line.split()[-1])

    exposition = Exposition(state, 2)
    rows = [replace(ROW, column_name=f"f{n}") for n in range(5)]
    results.add(state, rows)
    assert left() == 3
    results.add(state, [replace(row, inputs_hash="restated") for row in rows])
    assert left() == 3
    later = [replace(row, start=row.start + HOUR, end=row.end + HOUR) for row in rows]
    results.add(state, later)
    progress.close(state, "credit", "inputs", NOON + HOUR)
    assert left() == 6


def test_compressed_and_plain_are_the_same(state: State) -> None:
    results.add(state, [ROW, ACCURACY])
    exposition = Exposition(state, 200)
    exposition.refresh({"credit": card()})
    registry = CollectorRegistry()
    for _ in range(2):
        packed = exposition.body(registry, gzip=True)
        assert gzip.decompress(packed) == exposition.body(registry, gzip=False)


def test_a_scrape_reads_nothing(state: State) -> None:
    results.add(state, [ROW])
    exposition = Exposition(state, 200)
    exposition.refresh({"credit": card()})
    with state.writing() as connection:
        connection.exec_driver_sql("DROP TABLE results")
    assert b"mbm_feature_drift_score{" in exposition.body(CollectorRegistry(), gzip=False)


def test_the_committed_page_names_what_is_exported() -> None:
    for path, page in files().items():
        assert (ROOT / path).read_text() == page, "stale; run: mbm render"


def test_every_catalogued_series_is_exported_with_its_labels() -> None:
    exported = {one.name: one for one in by_process()["serve"]}
    for metric in filter(lambda m: m.series, CATALOGUE):
        one = exported[metric.exposed()]
        assert {"model", "version", *metric.labels} <= set(one.labels)
        assert metric.title in one.text


# The table of what Prometheus sees, as far as it exists: name and labels.
DOCUMENTED = {
    "mbm_feature_drift_score": "model version feature method",
    "mbm_feature_missing_ratio": "model version feature",
    "mbm_feature_missing_over_budget_ratio": "model version feature",
    "mbm_feature_most_common_ratio": "model version feature",
    "mbm_feature_violations_ratio": "model version feature rule",
    "mbm_contract_violations_ratio": "model version rule",
    "mbm_drifted_features_ratio": "model version",
    "mbm_duplicates_ratio": "model version",
    "mbm_conflicts_ratio": "model version",
    "mbm_prediction_share_ratio": "model version class",
    "mbm_prediction_mean": "model version",
    "mbm_prediction_drift_score": "model version method",
    "mbm_confidence_mean_ratio": "model version",
    "mbm_low_confidence_ratio": "model version",
    "mbm_novel_records_ratio": "model version",
    "mbm_calibration_error_ratio": "model version method",
    "mbm_performance_ratio": "model version metric source",
    "mbm_performance_lower_ratio": "model version metric source",
    "mbm_performance_upper_ratio": "model version metric source",
    "mbm_performance_loss": "model version metric source",
    "mbm_class_performance_ratio": "model version class metric source",
    "mbm_labels_outside_contract_ratio": "model version",
    "mbm_confidence_drift_score": "model version method",
    "mbm_confidence_quantile_ratio": "model version q",
    "mbm_score_drift_score": "model version method",
    "mbm_entropy_mean_ratio": "model version",
    "mbm_margin_mean_ratio": "model version",
    "mbm_near_threshold_ratio": "model version",
    "mbm_inference_latency_seconds": "model version q",
    "mbm_newest_event_age_seconds": "model version",
    "mbm_performance_error": "model version metric source",
    "mbm_effective_labels": "model version",
    "mbm_lift_at_top_tenth": "model version",
    "mbm_brier_part_ratio": "model version part",
    "mbm_brier_resolution": "model version",
    "mbm_calibration_slope": "model version",
    "mbm_calibration_intercept": "model version",
    "mbm_overconfidence_ratio": "model version",
    "mbm_underconfidence_ratio": "model version",
    "mbm_confidence_gap": "model version",
    "mbm_window_predictions": "model version",
    "mbm_window_failures": "model version",
    "mbm_failure_ratio": "model version",
    "mbm_volume_ratio": "model version",
    "mbm_label_coverage_ratio": "model version",
    "mbm_label_maturity_ratio": "model version",
    "mbm_label_expected_ratio": "model version",
    "mbm_label_delay_seconds": "model version q",
    "mbm_fairness_gap_ratio": "model version attribute metric of",
    "mbm_fairness_gap_lower_ratio": "model version attribute metric of",
    "mbm_fairness_gap_upper_ratio": "model version attribute metric of",
    "mbm_fairness_number_gap": "model version attribute metric of",
    "mbm_fairness_number_gap_lower": "model version attribute metric of",
    "mbm_fairness_number_gap_upper": "model version attribute metric of",
    "mbm_fairness_group_rows": "model version attribute metric of",
    "mbm_fairness_trend_ratio": "model version attribute metric of",
    "mbm_fairness_trend_lower_ratio": "model version attribute metric of",
    "mbm_fairness_trend_upper_ratio": "model version attribute metric of",
    "mbm_override_ratio": "model version",
    "mbm_override_lower_ratio": "model version",
    "mbm_override_upper_ratio": "model version",
    "mbm_override_correct_ratio": "model version",
    "mbm_hidden_disagreement_ratio": "model version",
    "mbm_override_direction_ratio": "model version direction",
    "mbm_review_net_gain_ratio": "model version",
    "mbm_review_net_cases": "model version",
    "mbm_review_accuracy_ratio": "model version of",
    "mbm_advice_gain_ratio": "model version",
    "mbm_advice_influence_ratio": "model version",
    "mbm_automation_bias_ratio": "model version",
    "mbm_right_rejected_ratio": "model version",
    "mbm_reviewed_confidence_ratio": "model version of",
    "mbm_followed_confidence_gap_ratio": "model version",
    "mbm_uniform_runs_ratio": "model version",
    "mbm_uniform_runs_excess_ratio": "model version",
    "mbm_answer_order": "model version",
    "mbm_fast_reviews_ratio": "model version",
    "mbm_reviewers": "model version",
    "mbm_busiest_reviewer_ratio": "model version",
    "mbm_effective_reviewers": "model version",
    "mbm_reviewer_spread_ratio": "model version",
    "mbm_outlying_groups": "model version division",
    "mbm_reviewer_alpha": "model version",
    "mbm_reviewer_kappa": "model version",
    "mbm_review_required_ratio": "model version",
    "mbm_review_coverage_ratio": "model version",
    "mbm_review_in_time_ratio": "model version",
    "mbm_review_late_ratio": "model version",
    "mbm_review_overdue_ratio": "model version",
    "mbm_review_leak_ratio": "model version",
    "mbm_review_leaked": "model version",
    "mbm_review_outstanding": "model version",
    "mbm_review_without_need_ratio": "model version",
    "mbm_escalation_ratio": "model version",
    "mbm_review_latency_seconds": "model version q",
    "mbm_review_work_seconds": "model version q",
    "mbm_review_backlog": "model version",
    "mbm_review_oldest_open_seconds": "model version",
    "mbm_review_leaks_total": "model version",
    "mbm_use_ratio": "model version used",
    "mbm_unused_predictions_ratio": "model version",
    "mbm_use_delay_seconds": "model version q",
    "mbm_dependence_ratio": "model version",
    "mbm_used_value": "model version",
    "mbm_used_value_share_ratio": "model version",
    "mbm_consumer_silent": "model version consumer",
    "mbm_estimate_error_ratio": "model version metric",
    "mbm_multivariate_drift_score": "model version method",
    "mbm_multivariate_drift_score_lower": "model version method",
    "mbm_multivariate_drift_score_upper": "model version method",
    "mbm_evidently_drift_score": "model version measure",
    "mbm_evidently_drifted_ratio": "model version",
    "mbm_slices_found": "model version claim",
    "mbm_slice_excess_ratio": "model version claim",
    "mbm_slice_excess_lower_ratio": "model version claim",
    "mbm_slice_excess_upper_ratio": "model version claim",
    "mbm_novelty_mean": "model version",
    "mbm_check_state": "model version check",
    "mbm_check_worse": "model version check",
    "mbm_check_evidence_ratio": "model version check",
    "mbm_check_threshold": "model version check",
    "mbm_incidents_open": "model severity",
    "mbm_incidents_total": "model severity",
    "mbm_check_rows": "model version check",
    "mbm_result_timestamp_seconds": "model version check",
    "mbm_completeness_ratio": "model version check",
    "mbm_watermark_timestamp_seconds": "model kind",
    "mbm_watermark_usual_age_seconds": "model kind",
    "mbm_moved_predictions": "model",
    "mbm_model_info": "model version owner team tier pager",
    "mbm_model_deployed_timestamp_seconds": "model version",
    "mbm_build_info": "version",
    "mbm_series_suppressed_total": "reason",
    "mbm_events_consumed_total": "source kind",
    "mbm_events_quarantined_total": "source reason",
    "mbm_unknown_version_events_total": "model version",
    "mbm_event_processing_duration_seconds": "source",
    "mbm_event_delay_seconds": "source",
    "mbm_consumer_lag_records": "source partition",
    "mbm_consumer_lag_seconds": "source",
    "mbm_predictions_total": "model version stage",
    "mbm_reviews_total": "model role action",
    "mbm_usage_total": "model consumer used",
    "mbm_inference_failures_total": "model version code",
    "mbm_prediction_confidence_ratio": "model version stage",
    "mbm_job_runs_total": "job_name outcome",
    "mbm_job_duration_seconds": "job_name",
    "mbm_job_last_success_timestamp_seconds": "job_name",
    "mbm_job_interval_seconds": "job_name",
    "mbm_notifications_total": "channel outcome",
    "mbm_notices_waiting": "channel",
    "mbm_reports_sent_total": "outcome",
    "mbm_reports_waiting": "channel",
    "mbm_scheduler_leader": "",
}


def test_names_and_labels_are_the_documented_ones() -> None:
    exported = {one.name: set(one.labels) for some in by_process().values() for one in some}
    assert exported == {name: set(labels.split()) for name, labels in DOCUMENTED.items()}


def test_the_detector_shows_its_evidence_and_its_incidents(state: State) -> None:
    checks = [
        Check("credit", "", "all", CheckState.WARNING, 180.0, 720.0, 900, "watching"),
        Check("credit", "3", "features", CheckState.LEARNING, None, 720.0, 0, "learning"),
        Check("credit", "3", "truth", CheckState.WARNING, 90.0, 720.0, 9, "watching", True),
    ]
    detectors.put_checks(state, "credit", checks)
    exposed = values(text(state))
    whole = frozenset({"model": "credit", "version": "", "check": "shift"}.items())
    family = frozenset({"model": "credit", "version": "3", "check": "shift_features"}.items())
    assert exposed["mbm_check_state", whole] == 1
    assert exposed["mbm_check_evidence_ratio", whole] == 0.25
    assert exposed["mbm_check_threshold", family] == 720
    assert exposed["mbm_check_state", family] == 3
    assert ("mbm_check_evidence_ratio", family) not in exposed
    truth = frozenset({"model": "credit", "version": "3", "check": "shift_truth"}.items())
    assert exposed["mbm_check_worse", truth] == 1
    assert ("mbm_check_worse", family) not in exposed


def test_an_incident_is_shown_at_once(state: State) -> None:
    exposition = Exposition(state, 200)
    exposition.refresh({"credit": card()})
    page = Incident(
        "", "credit", Tier.PAGE, Status.OPEN, NOON, NOON, NOON, 3.0, "age moved", (), {}
    )
    incidents.add(state, page)
    exposition.refresh({"credit": card()})
    exposed = values(exposition.body(CollectorRegistry(), gzip=False).decode())
    labels = frozenset({"model": "credit", "severity": "page"}.items())
    assert exposed["mbm_incidents_open", labels] == 1
    assert exposed["mbm_incidents_total", labels] == 1
