"""Counters of events as they are stored, without a Prometheus."""

from prometheus_client import CollectorRegistry

from monitor.outputs.live import LiveMetrics
from monitor.outputs.said import MOST_NAMES, OTHERS
from tests.messages import NOW, batch, decoder, message


def failure(event_id: str, **keys: object) -> bytes:
    return message(
        type="failure",
        event_id=event_id,
        event_time=NOW.isoformat(),
        model="loan",
        **keys,
    )


def counted(values: list[bytes], name: str) -> dict[tuple[str, ...], float]:
    """Samples of a counter by the values of its labels, in the order of their names."""
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry)
    for half in (values[::2], values[1::2]):
        if half:
            metrics.stored("events", decoder().decode(batch(half), now=NOW), 0.1, NOW)
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


def test_failures_are_counted_by_code() -> None:
    values = [failure(f"f{i}", version="1", code="timeout") for i in range(3)]
    values.append(failure("g", code="out_of_memory"))
    found = counted(values, "mbm_inference_failures_total")
    # code, model, version
    assert found == {("timeout", "loan", "1"): 3, ("out_of_memory", "loan", ""): 1}


def test_senders_cannot_make_a_series_per_code() -> None:
    values = [failure(f"f{i}", version="1", code=f"request-{i}") for i in range(100)]
    found = counted(values, "mbm_inference_failures_total")
    assert len(found) == MOST_NAMES + 1
    assert found[OTHERS, "loan", "1"] == 100 - MOST_NAMES
