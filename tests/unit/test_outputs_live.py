"""Counters of events as they are stored, without a Prometheus."""

from prometheus_client import CollectorRegistry

from monitor.outputs.bounds import MOST_NAMES
from monitor.outputs.live import LiveMetrics
from tests.messages import NOW, batch, decision, decoder, message


def failure(event_id: str, **keys: object) -> bytes:
    return message(
        type="failure",
        event_id=event_id,
        event_time=NOW.isoformat(),
        model="loan",
        **keys,
    )


def usage(event_id: str, **keys: object) -> bytes:
    return message(
        type="usage",
        event_id=event_id,
        prediction_id="p1",
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
    assert found["other", "loan", "1"] == 100 - MOST_NAMES


def test_uses_are_counted_by_consumer_and_what_became_of_them() -> None:
    values = [usage("u1", consumer="app", used="used"), usage("u2", used="ignored")]
    found = counted(values, "mbm_usage_total")
    assert found == {("app", "loan", "used", ""): 1, ("", "loan", "ignored", ""): 1}


def test_reviews_are_counted_by_role_and_action() -> None:
    values = [
        decision(event_id=f"d{i}", reviewer_role=role, action=action)
        for i, (role, action) in enumerate(
            [("senior", "upheld"), ("senior", "overridden"), ("senior", "upheld")]
        )
    ]
    found = counted(values, "mbm_reviews_total")
    assert sorted(found.values()) == [1, 2]
    assert {(labels[0], labels[2]) for labels in found} == {
        ("upheld", "senior"),
        ("overridden", "senior"),
    }
