"""CPU seconds that decoding a million 690-byte predictions costs, for one model and for many."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

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


def contract(model: str, suffix: str = "") -> Contract:
    """Ten bounded numbers, five declared categories, three classes, three attributes."""
    numbers = [Feature(name + suffix, FeatureType.NUMBER, low=0, high=10_000) for name in NUMERIC]
    allowed = ("alpha", "beta", "gamma_long", "delta")
    texts = [Feature(name + suffix, FeatureType.CATEGORY, categories=allowed) for name in CATEGORY]
    return Contract(
        model=model,
        features=(*numbers, *texts),
        classes=CLASSES,
        attributes=tuple(Attribute(name, segment=True) for name in ATTRIBUTES),
    )


def message(rng: random.Random, model: str, suffix: str = "") -> bytes:
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
        "features": {name + suffix: round(rng.random() * 1000, 3) for name in NUMERIC}
        | {
            name + suffix: rng.choice(("alpha", "beta", "gamma_long", "delta")) for name in CATEGORY
        },
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


def decoding(models: int, rows: int, features: str, order: str) -> dict[str, Any]:
    """CPU seconds per million messages of so many models mixed at random; the best batch.

    Args:
        models: how many.
        rows: messages of a batch.
        features: of the models: the `same` or `other` ones each.
        order: of the keys in a message: the `same` or `any`.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # as ingest does
    rng = random.Random(SEED)
    suffixes = {f"fraud-{i}": "" if features == "same" else f"_{i}" for i in range(models)}
    decoder = Decoder(
        {name: ModelEvents(contract(name, x), frozenset({"4"})) for name, x in suffixes.items()},
        {},
        HashKey("bench", b"bench"),
    )
    names = [rng.choice(tuple(suffixes)) for _ in range(rows)]
    messages = [message(rng, name, suffixes[name]) for name in names]
    if order == "any":
        messages = [_shuffled(rng, value) for value in messages]
    ours, parsing = float("inf"), float("inf")
    parse = msgspec.json.Decoder().decode
    for i in range(BATCHES):
        raw = batch(messages, i * rows)
        begin = time.process_time()
        decoded = decoder.decode(raw, now=NOW)
        ours = min(ours, time.process_time() - begin)
        assert decoded.tallies["bench-0"].stored == rows
        begin = time.process_time()
        for value in messages:
            parse(value)
        parsing = min(parsing, time.process_time() - begin)
    return {"cpu": ours / rows * 1e6, "parsing": parsing / rows * 1e6}


def _shuffled(rng: random.Random, value: bytes) -> bytes:
    event = json.loads(value)
    names = rng.sample(list(event["features"]), len(event["features"]))
    event["features"] = {name: event["features"][name] for name in names}
    return json.dumps(event, separators=(",", ":")).encode()


CASES = {
    "1 model": {"models": 1, "features": "same", "order": "same"},
    "50 models": {"models": 50, "features": "same", "order": "same"},
    "50 models, features of their own": {"models": 50, "features": "other", "order": "same"},
    "1 model, keys in any order": {"models": 1, "features": "same", "order": "any"},
}


def figures(*, quick: bool) -> Iterator[Figure]:
    """One model and fifty, alike and not."""
    for name, case in CASES.items():
        told = measured("bench.decode", **case, rows=20_000 if quick else 50_000).told
        yield Figure(
            f"decode, {name}", told["cpu"], "CPU s/M", "msgspec, parsing only", told["parsing"]
        )


if __name__ == "__main__":
    answer(decoding)
