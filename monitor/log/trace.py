"""A prediction's way through the log: the event itself, and all that was said of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from monitor.cards.contract import Contract, FeatureType
from monitor.events.schema import Kind
from monitor.log import read
from monitor.log.events import EventLog

MOST: Final = 20
"""Predictions under one id, and events about one, that are looked at."""

_ABOUT: Final = (Kind.DECISION, Kind.OUTCOME, Kind.USAGE)
_PREDICTION: Final = (
    *("model", "version", "stage", "event_id", "id_lo", "event_time", "broker_time", "source"),
    *("partition", "offset", "violations", "contract", "numeric", "category", "attributes"),
    *("predicted_class", "predicted_value", "probabilities", "score", "confidence", "risk"),
    *("latency_ms", "environment", "experiment", "variant", "replay_of", "payload_hash"),
)
_SAID: Final = (
    *("kind", "model", "event_id", "event_time", "prediction_id", "decision", "decision_value"),
    *("reviewer", "reviewer_role", "team", "recommendation_shown", "action", "reason_code"),
    *("rationale", "review_started_at", "effective_at", "label", "label_value", "label_version"),
    *("weight", "consumer", "used", "value", "payload_hash"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """A decision, outcome or use of a prediction.

    Attributes:
        kind: of the event.
        at: its time.
        what: what it says, by name, in the order of people's interest; without empty values.
    """

    kind: str
    at: datetime
    what: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Traced:
    """One prediction as the log holds it.

    Attributes:
        prediction_id: as its event gave it.
        model: that made it.
        version: of the model.
        stage: of the rollout, "" for none.
        time: when it was made.
        source: that brought it, with its position.
        copies: messages that hold it: more than one where a sender repeated itself.
        prediction: the class or the number.
        confidence: of the model, None if it gave none.
        probabilities: by class.
        violations: breaches of the contract, as "rule:name".
        features: by name; None is missing.
        attributes: by name; None is missing.
        more: what else the event says, by name.
        said: decisions, uses and outcomes, in order of time.
        row: the row itself, for who applies a policy to it.
    """

    prediction_id: str
    model: str
    version: str
    stage: str
    time: datetime
    source: str
    copies: int
    prediction: str | float | None
    confidence: float | None
    probabilities: Mapping[str, float]
    violations: tuple[str, ...]
    features: Mapping[str, Any]
    attributes: Mapping[str, str | None]
    more: Mapping[str, Any]
    said: tuple[Said, ...]
    row: pa.Table


def traced(
    log: EventLog, prediction_id: str, contract_of: Callable[[str, str], Contract | None]
) -> Iterator[Traced]:
    """Predictions under this id, one for each model that has it.

    Args:
        log: of the events.
        prediction_id: as the event gave it.
        contract_of: the contract of a model by its id, None if nobody knows it.
    """
    named = read.all_of(
        f"kind = {read.text(Kind.PREDICTION)}", f"event_id = {read.text(prediction_id)}"
    )
    found = log.read(_PREDICTION, named).read_all().slice(0, MOST * MOST)
    about = read.all_of(
        read.any_of("kind", [kind.value for kind in _ABOUT]),
        f"prediction_id = {read.text(prediction_id)}",
    )
    said = log.read(_SAID, about).read_all().to_pylist() if found.num_rows else []
    models = dict.fromkeys(found["model"].to_pylist())
    for model in list(models)[:MOST]:
        mine = [i for i, name in enumerate(found["model"].to_pylist()) if name == model]
        rows = found.take(pa.array(mine)).sort_by(
            [("event_time", "ascending"), ("payload_hash", "ascending")]
        )
        row = rows.slice(0, 1)
        yield _traced(row, len(mine), said, contract_of)


def _traced(
    row: pa.Table,
    copies: int,
    said: Sequence[Mapping[str, Any]],
    contract_of: Callable[[str, str], Contract | None],
) -> Traced:
    (of,) = row.to_pylist()
    contract = contract_of(of["model"], of["contract"])
    value = of["predicted_class"] if of["predicted_class"] is not None else of["predicted_value"]
    return Traced(
        prediction_id=of["event_id"],
        model=of["model"],
        version=of["version"] or "",
        stage=of["stage"] or "",
        time=of["event_time"],
        source=f"{of['source']} {of['partition']}@{of['offset']}",
        copies=copies,
        prediction=value,
        confidence=of["confidence"],
        probabilities=_named(contract.classes if contract else (), of["probabilities"]),
        violations=tuple(of["violations"] or ()),
        features=_features(contract, of),
        attributes=_named(
            [one.name for one in contract.attributes] if contract else (), of["attributes"]
        ),
        more={
            name: of[name]
            for name in ("score", "risk", "latency_ms", "environment", "experiment", "variant")
            if of[name] is not None
        },
        said=_said(said, of["model"]),
        row=row,
    )


def _features(contract: Contract | None, of: Mapping[str, Any]) -> dict[str, Any]:
    if contract is None:
        return {}
    values = {
        **_named([one.name for one in contract.numeric], of["numeric"]),
        **_named([one.name for one in contract.category], of["category"]),
    }
    return {one.name: _typed(one.type, values.get(one.name)) for one in contract.features}


def _typed(kind: FeatureType, value: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    """A value as the event had it; all numbers are stored as floats."""
    if isinstance(value, float) and value.is_integer():
        if kind is FeatureType.BOOLEAN:
            return bool(value)
        if kind is FeatureType.INTEGER:
            return int(value)
    return value


def _named(names: Sequence[str], values: Sequence[Any] | None) -> dict[str, Any]:
    return dict(zip(names, values or (), strict=False))


def _said(rows: Sequence[Mapping[str, Any]], model: str) -> tuple[Said, ...]:
    """What was said, each once; feedback may leave out its model."""
    own = ("kind", "model", "event_id", "event_time", "prediction_id", "payload_hash")
    seen: dict[tuple[Any, ...], Said] = {}
    for row in rows:
        if row["model"] in (None, "", model):
            what = {name: row[name] for name in _SAID if name not in own and row[name] is not None}
            key = (row["kind"], row["event_id"], row["payload_hash"])
            seen.setdefault(key, Said(row["kind"], row["event_time"], what))
    return tuple(sorted(seen.values(), key=lambda one: one.at)[:MOST])
