"""Decisions and uses are counted by few names, whatever they say."""

import pyarrow as pa
from prometheus_client import CollectorRegistry

from monitor.outputs.said import COLUMNS, MOST_NAMES, Said


def rows(*events: dict[str, str]) -> pa.Table:
    names = ("kind", *COLUMNS)
    return pa.table({name: pa.array([e.get(name) for e in events], pa.string()) for name in names})


def counted(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


def test_decisions_and_uses_are_counted_by_what_they_say() -> None:
    registry = CollectorRegistry()
    said = Said(registry)
    decision = {"kind": "decision", "model": "m", "reviewer_role": "senior", "action": "upheld"}
    usage = {"kind": "usage", "model": "m", "consumer": "crm", "used": "ignored"}
    said.count(rows(decision, decision, usage, {"kind": "prediction", "model": "m"}))
    said.count(rows({"kind": "decision"}, usage))
    assert counted(registry, "mbm_reviews_total") == {
        ("m", "senior", "upheld"): 2,
        ("", "", ""): 1,
    }
    assert counted(registry, "mbm_usage_total") == {("m", "crm", "ignored"): 2}


def test_names_beyond_twenty_count_as_others() -> None:
    registry = CollectorRegistry()
    said = Said(registry)
    for n in range(50):
        said.count(rows({"kind": "usage", "model": "m", "consumer": f"c{n:02}", "used": "used"}))
    found = counted(registry, "mbm_usage_total")
    assert len(found) == MOST_NAMES + 1
    assert found["m", "others", "used"] == 50 - MOST_NAMES
