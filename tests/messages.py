"""Builders of messages that take only what matters, two models, and batches of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.events.batch import RawBatch
from monitor.events.decode import Decoder
from monitor.events.models import ModelEvents
from monitor.events.privacy import HashKey

NOW = datetime(2026, 1, 31, tzinfo=UTC)
KEY = HashKey("test-key", b"not a secret")

LOAN = Contract(
    model="loan",
    features=(
        Feature("amount", FeatureType.NUMBER, low=0, high=1000),
        Feature("purpose", FeatureType.CATEGORY, categories=("car", "home")),
        Feature("children", FeatureType.INTEGER),
        Feature("insured", FeatureType.BOOLEAN),
        Feature("zip", FeatureType.CATEGORY),
    ),
    classes=("0", "1"),
    positive="1",
    threshold=0.5,
    attributes=(Attribute("sex", protected=True, values=("f", "m")), Attribute("region")),
)
PRICE = Contract(model="price", features=(Feature("area", FeatureType.NUMBER),))
MODELS = {c.model: ModelEvents(c, frozenset({"1"})) for c in (LOAN, PRICE)}


def message(**keys: object) -> bytes:
    """A message of these keys; those that are None are left out."""
    event = {key: value for key, value in keys.items() if value is not None}
    return json.dumps(event, separators=(",", ":")).encode()


def prediction(**keys: object) -> bytes:
    """A prediction of the model `loan`, a day before `NOW`."""
    event: dict[str, object] = {
        "type": "prediction",
        "event_id": "p1",
        "event_time": "2026-01-30T09:30:00Z",
        "model": "loan",
        "version": "1",
        "prediction": 1,
    }
    return message(**{**event, **keys})


def price(**keys: object) -> bytes:
    """A prediction of the model `price`, which predicts a number."""
    return prediction(**{"model": "price", "prediction": 3.5, **keys})


def decision(**keys: object) -> bytes:
    """A decision on the prediction p1."""
    event: dict[str, object] = {
        "type": "decision",
        "event_id": "d1",
        "prediction_id": "p1",
        "event_time": "2026-01-30T10:00:00Z",
        "model": "loan",
        "decision": 0,
    }
    return message(**{**event, **keys})


def batch(
    values: Sequence[bytes | None],
    headers: Sequence[Mapping[str, bytes]] | None = None,
    broker_ms: int = 1_769_731_199_000,
) -> RawBatch:
    """These messages as the first of one partition; the broker's day is 2026-01-29."""
    n = len(values)
    return RawBatch(
        source="test",
        values=values,
        headers=headers,
        partitions=("t-0",),
        partition=np.zeros(n, np.int32),
        offsets=np.arange(n),
        broker_ms=np.full(n, broker_ms, np.int64),
        after={"t-0": -1},
        upto={"t-0": n - 1},
    )


def decoder(**settings: object) -> Decoder:
    """A decoder of both models."""
    return Decoder(**{"models": MODELS, "formats": {}, "keys": KEY, **settings})  # type: ignore[arg-type]
