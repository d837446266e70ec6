"""Rows and messages by the million for load tests, of models that mean nothing."""

from datetime import UTC, datetime
from itertools import product
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.simulate.messages import picked
from monitor.simulate.rhythm import SECOND, microseconds, rfc3339

CLASSES: Final = ("low", "middle", "high")

_START: Final = datetime(2026, 1, 5, tzinfo=UTC)
_NUMERIC: Final = tuple(f"measure_{n}" for n in range(10))
_CATEGORY: Final = tuple(f"kind_{n}" for n in range(5))
_CATEGORIES: Final = tuple(f"value-{n}" for n in range(8))
_ATTRIBUTES: Final = {
    "sex": ("female", "male"),
    "age_band": ("18-29", "30-44", "45-59", "60+"),
    "site": tuple(f"site-{n:02d}" for n in range(12)),
}
_GROUPS: Final = [
    msgspec.Raw(msgspec.json.encode(dict(zip(_ATTRIBUTES, values, strict=True))))
    for values in product(*_ATTRIBUTES.values())
]
"""JSON of every combination of attributes."""
_CHUNK: Final = 10_000
"""Messages drawn at once: lists of millions of lists keep the garbage collector busy."""
_STEP: Final = SECOND // 100
"""Time between two messages."""


def load_models(count: int) -> tuple[str, ...]:
    """Names of the models that `load_messages` speaks of."""
    return tuple(f"load-{n:03d}" for n in range(count))


def load_contract(model: str) -> Contract:
    """Contract that the messages of each of these models keep."""
    numbers = tuple(Feature(name, FeatureType.NUMBER) for name in _NUMERIC)
    texts = tuple(Feature(name, FeatureType.CATEGORY, categories=_CATEGORIES) for name in _CATEGORY)
    attributes = tuple(
        Attribute(name, protected=name != "site", segment=name == "site", values=values)
        for name, values in _ATTRIBUTES.items()
    )
    return Contract(model, numbers + texts, CLASSES, attributes=attributes)


def load_card(model: str) -> str:
    """JSON of a card with the contract of such a model."""
    contract = load_contract(model)
    features = {feature.name: {"type": feature.type.value} for feature in contract.features}
    card = {
        "model": model,
        "owner": {"team": "load", "mail": "load@example.org"},
        "versions": ["1"],
        "contract": {
            "prediction": {"classes": CLASSES},
            "features": features,
            "attributes": {attribute.name: {} for attribute in contract.attributes},
        },
    }
    return msgspec.json.encode(card).decode()


def load_messages(seed: int, count: int, models: int, start: datetime = _START) -> list[bytes]:
    """`count` predictions of about 690 bytes of JSON each, a hundred a second from `start`.

    Args:
        seed: of all chance; also part of the event ids.
        count: messages; a longer list begins with the shorter one.
        models: models that the messages are spread over evenly, at random.
        start: time of the first event, aware.
    """
    names = load_models(models)
    messages: list[bytes] = []
    for first in range(0, count, _CHUNK):
        messages += _chunk(np.random.default_rng([seed, first]), seed, first, names, start)
    return messages[:count]


def _chunk(
    rng: np.random.Generator, seed: int, first: int, models: tuple[str, ...], start: datetime
) -> list[bytes]:
    """The `_CHUNK` messages from the one numbered `first` on."""
    shares = rng.dirichlet(np.ones(len(CLASSES)), _CHUNK).round(6)
    columns = zip(
        range(first, first + _CHUNK),
        rfc3339(microseconds(start) + np.arange(first, first + _CHUNK) * _STEP),
        _texts(models, rng.integers(0, len(models), _CHUNK)),
        rng.normal(0, 1, (_CHUNK, len(_NUMERIC))).round(6).tolist(),
        _texts(_CATEGORIES, rng.integers(0, len(_CATEGORIES), (_CHUNK, len(_CATEGORY)))),
        shares.tolist(),
        _texts(CLASSES, shares.argmax(axis=1)),
        picked(_GROUPS, rng.integers(0, len(_GROUPS), _CHUNK)),
        rng.gamma(4, 5, _CHUNK).round(3).tolist(),
        strict=True,
    )
    encoded = msgspec.json.Encoder().encode
    features = (*_NUMERIC, *_CATEGORY)
    return [
        encoded(
            {
                "type": "prediction",
                "event_id": f"load-{seed:04d}-{n:09d}",
                "event_time": time,
                "model": model,
                "version": "1",
                "features": dict(zip(features, measures + texts, strict=True)),
                "prediction": answer,
                "probabilities": dict(zip(CLASSES, chances, strict=True)),
                "attributes": attributes,
                "subject": f"customer-{n % 1_000_000:06d}",
                "latency_ms": latency,
                "environment": "production",
                "stage": "full",
            }
        )
        for n, time, model, measures, texts, chances, answer, attributes, latency in columns
    ]


def wide(seed: int, rows: int, features: int, shift: float = 0.0) -> pa.Table:
    """A table of `features` float64 columns feature_000, ... with one missing value in 100.

    Normal, log-normal, exponential, uniform and count-like columns take turns.

    Args:
        seed: of all chance.
        rows: length.
        features: columns.
        shift: what is added to every tenth column, from the first, in standard deviations.
    """
    rng = np.random.default_rng(seed)
    draws = (
        lambda: rng.standard_normal(rows),
        lambda: rng.lognormal(0, 0.6, rows),
        lambda: rng.exponential(1.0, rows),
        lambda: rng.random(rows),
        lambda: rng.poisson(4.0, rows).astype(np.float64),
    )
    columns = {}
    for n in range(features):
        values = draws[n % len(draws)]()
        if shift and n % 10 == 0:
            values += shift * values.std()
        columns[f"feature_{n:03d}"] = pa.array(values, mask=rng.random(rows) < 0.01)
    return pa.table(columns)


def _texts(names: tuple[str, ...], index: NDArray[np.int64]) -> list[Any]:
    """The name at each index, nested as the index is."""
    texts: list[Any] = np.array(names, dtype=object)[index].tolist()
    return texts
