"""Live metrics as a real Prometheus sees them."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest, start_http_server

from monitor.outputs.live import Lag, LiveMetrics
from tests.messages import NOW, batch, decision, decoder, prediction
from tests.services.prometheus import Prometheus, check_metrics

pytestmark = pytest.mark.prometheus


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry)
    values = [
        *(
            prediction(event_id=f"p{n}", stage="full", confidence=confidence)
            for n, confidence in enumerate(np.linspace(0.5, 1, 11).tolist())
        ),
        decision(),
        b"{",
    ]
    metrics.stored("events", decoder().decode(batch(values), now=NOW), 0.3, NOW)
    metrics.lag("events", {"c/t/0": Lag(7, 2.5), "c/t/1": Lag(0, 0.0)})
    return registry


def test_promtool_finds_nothing_wrong(registry: CollectorRegistry) -> None:
    assert check_metrics(generate_latest(registry)) == ""


def test_every_series_has_the_value_that_was_counted(registry: CollectorRegistry) -> None:
    server, thread = start_http_server(0, "127.0.0.1", registry)
    address = f"127.0.0.1:{server.server_port}"
    with Prometheus({"mbm": [address]}) as prometheus:
        prometheus.wait_until("mbm_events_consumed_total")
        samples = [
            sample
            for metric in registry.collect()
            for sample in metric.samples
            if not sample.name.endswith("_created")
        ]
        names = {sample.name for sample in samples}
        answers = {name: prometheus.query(name) for name in names}
        for sample in samples:
            # To Prometheus a label without a value is none.
            labels = frozenset(item for item in sample.labels.items() if item[1])
            assert answers[sample.name][labels] == sample.value
        median = prometheus.query("histogram_quantile(0.5, mbm_prediction_confidence_ratio_bucket)")
        assert list(median.values()) == [pytest.approx(0.75, abs=0.05)]
    server.shutdown()
    server.server_close()
    thread.join()
