"""CPU seconds that decoding a million 690-byte predictions costs, for one model and for many."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bench.child import answer, measured
from bench.figures import Figure
from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.events.batch import RawBatch
from monitor.events.decode import Decoder
from monitor.events.models import ModelEvents
from monitor.events.privacy import HashKey

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SEED = 20_260_131
BATCHES = 7
CLASSES = ("approve", "review", "decline")
NUMERIC = [
    "amount",
    "age_days",
    "velocity_1h",
    "velocity_24h",
    "balance",
    "utilisation",
    "distance_km",
    "merchant_risk",
    "device_score",
    "tenure_months",
]
CATEGORY = ["channel", "country", "merchant_category", "card_type", "device_os"]
ATTRIBUTES = ["region", "tier", "tenant"]


def contract(model: str) -> Contract:
    """Ten bounded numbers, five declared categories, three classes, three attributes."""
    numbers = [Feature(name, FeatureType.NUMBER, low=0, high=10_000) for name in NUMERIC]
    allowed = ("alpha", "beta", "gamma_long", "delta")
    texts = [Feature(name, FeatureType.CATEGORY, categories=allowed) for name in CATEGORY]
    return Contract(
        model=model,
        features=(*numbers, *texts),
        classes=CLASSES,
        attributes=tuple(Attribute(name, segment=True) for name in ATTRIBUTES),
    )


def message(rng: random.Random, model: str) -> bytes:
    """One prediction of about 690 bytes."""
    shares = [rng.random() for _ in CLASSES]
    event = {
        "type": "prediction",
        "event_id": f"{rng.getrandbits(128):032x}",
        "event_time": (NOW - timedelta(milliseconds=rng.randrange(86_400_000))).isoformat(
            timespec="milliseconds"
        ),
        "model": model,
        "version": "4",
        "features": {name: round(rng.random() * 1000, 3) for name in NUMERIC}
        | {name: rng.choice(("alpha", "beta", "gamma_long", "delta")) for name in CATEGORY},
        "prediction": rng.choice(CLASSES),
        "probabilities": {
            name: round(share / sum(shares), 6) for name, share in zip(CLASSES, shares, strict=True)
        },
        "attributes": {name: f"{name}-{rng.randrange(9)}" for name in ATTRIBUTES},
        "latency_ms": round(rng.random() * 50, 3),
        "environment": "production",
    }
    return json.dumps(event, separators=(",", ":")).encode()


def batch(messages: Sequence[bytes], first: int = 0) -> RawBatch:
    """These messages as one partition's next batch."""
    n = len(messages)
    return RawBatch(
        source="bench",
        values=messages,
        headers=None,
        partitions=("bench-0",),
        partition=np.zeros(n, np.int32),
        offsets=np.arange(first, first + n),
        broker_ms=np.full(n, int(NOW.timestamp() * 1000)),
        after={"bench-0": first - 1},
        upto={"bench-0": first + n - 1},
    )


def decoding(models: int, rows: int) -> dict[str, Any]:
    """CPU seconds per million messages of so many models mixed at random; the best batch."""
    rng = random.Random(SEED)
    names = [f"fraud-{i}" for i in range(models)]
    decoder = Decoder(
        {name: ModelEvents(contract(name), frozenset({"4"})) for name in names},
        {},
        HashKey("bench", b"bench"),
    )
    messages = [message(rng, rng.choice(names)) for _ in range(rows)]
    best = float("inf")
    for i in range(BATCHES):
        raw = batch(messages, i * rows)
        begin = time.process_time()
        decoded = decoder.decode(raw, now=NOW)
        best = min(best, time.process_time() - begin)
        assert decoded.tallies["bench-0"].stored == rows
    return {"cpu": best / rows * 1e6}


def figures(*, quick: bool) -> Iterator[Figure]:
    """One model and fifty."""
    for models in (1, 50):
        told = measured("bench.decode", models=models, rows=20_000 if quick else 50_000).told
        yield Figure(f"decode, {models} model{'s' * (models > 1)}", told["cpu"], "CPU s/M")


if __name__ == "__main__":
    answer(decoding)
