"""Every query of every dashboard, asked of a real Prometheus that scraped real results."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

import promql_parser
import pytest
from prometheus_client import CollectorRegistry, start_http_server

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Per
from monitor.outputs.job_metrics import JobMetrics
from monitor.outputs.live import Lag, LiveMetrics
from monitor.simulate.messages import MODEL
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
from tests.services.prometheus import Labels, Prometheus
from tests.unit.test_render_dashboards import BOARDS, expressions

pytestmark = pytest.mark.prometheus

LATER = "mbm_moved_predictions"
"""Has no value before `mbm maintain` has looked."""


class Live:
    """Ingest's and the jobs' own series, counting up as long as the test runs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._live = LiveMetrics(self.registry)
        self._jobs = JobMetrics(self.registry)
        self._jobs.expect("evaluate", timedelta(minutes=1), None)
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


@pytest.fixture(scope="module")
def prometheus(evaluated: Evaluated) -> Iterator[Prometheus]:  # noqa: F811
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


def filled(expr: str) -> str:
    for name, value in (
        ("$__rate_interval", "30s"),
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
    samples = expected_of(evaluated)
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
    given = {name for name, _ in expected_of(evaluated)}
    for board in BOARDS.values():
        for expr in expressions(board):
            names = set(re.findall(r"mbm_\w+", expr))
            if names != {LATER} and not prometheus.query(filled(expr)):
                metrics = [
                    m
                    for m in CATALOGUE
                    if m.series and names & {m.exposed(end) for end in ("", "lower", "upper")}
                ]
                assert metrics, f"no metric is behind {expr}, which has no answer"
                assert not matching(expr, expected_of(evaluated)), expr
    assert "mbm_override_ratio" in given


def test_the_fleet_shows_each_version_as_its_results_stand(
    prometheus: Prometheus,
    evaluated: Evaluated,  # noqa: F811
) -> None:
    by_version: dict[str, dict[Labels, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (name, labels), value in expected_of(evaluated).items():
        about = dict(labels)
        if "version" in about and "model" in about:
            key = frozenset({"model": MODEL, "version": about["version"]}.items())
            by_version[name][key].append(value)
    (panel,) = [p for p in BOARDS["fleet"]["panels"] if p["title"] == "Models, the worst first"]
    shown = 0
    for target in panel["targets"]:
        (name,) = re.findall(r"mbm_\w+", target["expr"])
        least = target["expr"].startswith("min")
        wanted = {k: min(v) if least else max(v) for k, v in by_version[name].items()}
        assert prometheus.query(filled(target["expr"])) == wanted
        shown += len(wanted)
    assert shown >= 12


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
