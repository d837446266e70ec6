"""Every query of every dashboard, asked of a real Prometheus that scraped real results."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import promql_parser
import pytest
from prometheus_client import CollectorRegistry, start_http_server

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Per
from monitor.outputs.job_metrics import JobMetrics
from monitor.outputs.leader_metrics import show_leader
from monitor.outputs.live import Lag, LiveMetrics
from monitor.outputs.notice_metrics import SENT, NoticeMetrics
from monitor.simulate.messages import MODEL
from monitor.state import deployments, detectors, incidents
from monitor.state.detectors import WHOLE, Check, CheckState
from tests.integration.test_prometheus import (  # noqa: F401 - a fixture is found by its name
    UNTIL,
    WORLD,
    Evaluated,
    Samples,
    evaluated,
    expected_of,
    served,
)
from tests.messages import NOW, batch, decision, decoder, message, prediction
from tests.pages import incident
from tests.services.prometheus import Labels, Prometheus
from tests.unit.test_render_dashboards import BOARDS, expressions

pytestmark = pytest.mark.prometheus

LATER = ({"mbm_moved_predictions"}, {"mbm_incidents_total"})
"""Have no answer before `mbm maintain` has looked, and before an incident is opened."""


HOW: Mapping[str, Callable[[list[float]], float]] = {"min": min, "max": max, "sum": sum}
"""What the words at the front of a query do."""


class Live:
    """Ingest's and the jobs' own series, counting up as long as the test runs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._live = LiveMetrics(self.registry)
        self._jobs = JobMetrics(self.registry)
        self._jobs.expect("evaluate", timedelta(minutes=1), None)
        self._notices = NoticeMetrics(self.registry)
        self._notices.expect(["mail"])
        show_leader(lambda: True, self.registry)
        self.count()

    def count(self) -> None:
        common = {"event_time": "2026-01-30T10:00:00Z", "model": "loan"}
        values = [
            prediction(stage="full", confidence=0.8),
            prediction(event_id="p2", version="9"),
            decision(),
            message(
                type="usage", event_id="u1", prediction_id="p1", consumer="a", used="yes", **common
            ),
            message(type="failure", event_id="f1", version="1", code="timeout", **common),
            b"{",
        ]
        self._live.stored("events", decoder().decode(batch(values), now=NOW), 0.3, NOW)
        self._live.lag("events", {"c/t/0": Lag(7, 2.5), "c/t/1": Lag(1, 0.5)})
        self._jobs.ended("evaluate", "success", 0.7, UNTIL)
        self._notices.ended("mail", SENT, weekly=True)
        self._notices.wait(["mail"], {})


@pytest.fixture(scope="module")
def prometheus(evaluated: Evaluated) -> Iterator[Prometheus]:  # noqa: F811
    planted = Check(MODEL, "", WHOLE, CheckState.OK, 25.0, 100.0, 500, "")
    detectors.put_checks(evaluated.state, MODEL, [planted])
    live = Live()
    server, thread = start_http_server(0, "127.0.0.1", live.registry)
    own = f"127.0.0.1:{server.server_port}"
    with served(evaluated) as url:
        targets = {"mbm": [url.removeprefix("http://"), own]}
        with Prometheus(targets) as prometheus:
            prometheus.wait_until("mbm_feature_drift_score")
            prometheus.wait_until("mbm_events_consumed_total")
            live.count()
            prometheus.wait_until("rate(mbm_events_consumed_total[30s]) > 0")
            time.sleep(1.5)  # every target once more, so that every rate has two points
            yield prometheus
    server.shutdown()
    server.server_close()
    thread.join()


def samples_of(service: Evaluated) -> Samples:
    """What should be shown, with the evidence that was planted."""
    shift = frozenset({"model": MODEL, "check": "shift"}.items())
    planted: Samples = {("mbm_check_evidence_ratio", shift): 0.25, ("mbm_check_rows", shift): 500}
    return {**expected_of(service), **planted}


def filled(expr: str) -> str:
    for name, value in (
        ("$__rate_interval", "30s"),
        ('model="$model"', f'model="{MODEL}"'),
        ("$model", ".*"),
        ("$version", ".*"),
        ("$stage", ".*"),
    ):
        expr = expr.replace(name, value)
    return expr


def matching(expr: str, samples: Samples) -> dict[Labels, float]:
    """Expected samples of the one selector inside a query, by labels."""
    (name,) = set(re.findall(r"mbm_\w+", expr))
    fixed = {
        m.name: m.value
        for m in _selector(expr).matchers.matchers
        if m.op == promql_parser.MatchOp.Equal
    }
    return {
        labels: value
        for (series, labels), value in samples.items()
        if series == name and fixed.items() <= dict(labels).items()
    }


def _selector(expr: str) -> promql_parser.VectorSelector:
    node = promql_parser.parse(filled(expr))
    while not isinstance(node, promql_parser.VectorSelector):
        assert isinstance(node, promql_parser.AggregateExpr)
        node = node.expr
    return node


@pytest.mark.parametrize(("name", "least"), [("model", 50), ("fairness", 50), ("quality", 20)])
def test_every_panel_of_a_metric_shows_what_was_computed(
    name: str,
    least: int,
    prometheus: Prometheus,
    evaluated: Evaluated,  # noqa: F811
) -> None:
    samples = samples_of(evaluated)
    compared = 0
    for expr in expressions(BOARDS[name]):
        if not re.match(r"(topk\(\d+, )?max without", expr):
            continue
        found, wanted = prometheus.query(filled(expr)), matching(expr, samples)
        assert found.items() <= wanted.items(), expr
        if not expr.startswith("topk"):
            assert found == wanted, expr
        elif wanted:
            assert max(found.values()) == max(wanted.values()), expr
        compared += len(found)
    assert compared > least


def test_panels_without_a_value_are_those_whose_numbers_are_unknown(
    prometheus: Prometheus,
    evaluated: Evaluated,  # noqa: F811
) -> None:
    given = {name for name, _ in samples_of(evaluated)}
    for board in BOARDS.values():
        for expr in expressions(board):
            names = set(re.findall(r"mbm_\w+", expr))
            if names not in LATER and not prometheus.query(filled(expr)):
                metrics = [
                    m
                    for m in CATALOGUE
                    if m.series and names & {m.exposed(end) for end in ("", "lower", "upper")}
                ]
                assert metrics, f"no metric is behind {expr}, which has no answer"
                assert not matching(expr, samples_of(evaluated)), expr
    assert "mbm_override_ratio" in given


def test_the_fleet_shows_each_model_as_its_results_stand(
    prometheus: Prometheus,
    evaluated: Evaluated,  # noqa: F811
) -> None:
    samples = samples_of(evaluated)
    of = frozenset({("model", MODEL)})
    (panel,) = [p for p in BOARDS["fleet"]["panels"] if p["title"] == "Models, the worst first"]
    shown = 0
    for target in panel["targets"]:
        expr = target["expr"]
        values = list(matching(expr, samples).values())
        wanted = {of: pytest.approx(HOW[expr[:3]](values))} if values else {}
        if not expr.startswith("sum") or values:
            assert prometheus.query(filled(expr)) == wanted, expr
        shown += len(wanted)
    assert shown >= 6


def test_ages_are_those_of_the_windows_end(prometheus: Prometheus) -> None:
    (expr,) = [e for e in expressions(BOARDS["model"]) if "mbm_result_timestamp_seconds" in e]
    for age in prometheus.query(filled(expr)).values():
        assert age == pytest.approx(time.time() - UNTIL.timestamp(), abs=10)
    assert WORLD.end > UNTIL


def test_rates_of_the_service_count_what_was_read(prometheus: Prometheus) -> None:
    for expr in expressions(BOARDS["service"]):
        assert prometheus.query(filled(expr)), expr
    rates = prometheus.query(filled(expressions(BOARDS["service"])[0]))
    kinds = {dict(labels)["kind"] for labels, value in rates.items() if value > 0}
    assert {"prediction", "decision", "quarantine"} <= kinds
    assert any(metric.per is Per.FEATURE for metric in CATALOGUE)


def test_an_incident_is_marked_and_counted(
    prometheus: Prometheus,
    evaluated: Evaluated,  # noqa: F811
) -> None:
    incidents.add(evaluated.state, incident(MODEL))
    mark, _ = BOARDS["model"]["annotations"]["list"]
    (labels,) = prometheus.wait_until(filled(mark["expr"]))
    assert dict(labels) == {"model": MODEL, "severity": "page"}
    (pages,) = [e for e in expressions(BOARDS["fleet"]) if 'severity="page"' in e]
    assert prometheus.query(filled(pages)) == {frozenset({("model", MODEL)}): 1}


def test_a_deployment_is_marked_at_its_own_time(
    prometheus: Prometheus,
    evaluated: Evaluated,  # noqa: F811
) -> None:
    _, mark = BOARDS["model"]["annotations"]["list"]
    assert mark["useValueForTime"]
    known = deployments.newest(evaluated.state, MODEL)
    found = {
        dict(labels)["version"]: value
        for labels, value in prometheus.query(filled(mark["expr"])).items()
    }
    assert found == {version: at.timestamp() * 1000 for (_, version), at in known.items()}
    assert found
