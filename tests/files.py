"""A service over files, and its pages."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry
from werkzeug.test import Client

from monitor.jobs.read_in import read_in
from monitor.jobs.service import Opened, opened
from monitor.jobs.site import application
from monitor.outputs.exposition import Exposition


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


def client_of(parts: Opened) -> Client:
    """A reader of the service's pages and API, on this machine."""
    exposition = Exposition(parts.state, parts.settings.serve.feature_series)
    exposition.refresh(parts.cards)
    site = application(
        parts.settings, parts.state, exposition, lambda: parts.cards, lambda: datetime.now(UTC)
    )
    return Client(site)
