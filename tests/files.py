"""A service over files that were read in, not yet evaluated."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitor.jobs.read_in import read_in
from monitor.jobs.service import Opened, opened


def service_over(
    folder: Path, cards: Mapping[str, str], events: Iterable[Mapping[str, object]]
) -> Opened:
    """The service in a folder, its settings in `service.yaml`, with all these events in its log.

    Args:
        folder: empty.
        cards: YAML by the name of the model.
        events: JSON objects, in the order of their file.
    """
    for name in ("cards", "events"):
        (folder / name).mkdir()
    for model, card in cards.items():
        (folder / f"cards/{model}.yaml").write_text(card)
    (folder / "events/all.jsonl").write_text("\n".join(map(json.dumps, events)))
    nowhere = {"metrics": "127.0.0.1:0"}
    settings = {
        "store": "data",
        "cards": "cards",
        "sources": {"all": {"files": {"path": "events", "pattern": "*.jsonl"}}},
        "ingest": nowhere,
        "evaluate": nowhere,
    }
    (folder / "service.yaml").write_text(json.dumps(settings))
    parts = opened(folder / "service.yaml")
    read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
    return parts
