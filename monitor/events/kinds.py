"""The keys of every kind of event."""

from collections.abc import Mapping

from monitor.events.forms import (
    MOST_OF_VERSION,
    Form,
    answer,
    choice,
    flag,
    identifier,
    instant,
    number,
    text,
)
from monitor.events.schema import Kind

_FEEDBACK = {
    "event_id": identifier(),
    "prediction_id": identifier(),
    "event_time": instant(),
    "prediction_time": instant(),
}

FORMS: Mapping[Kind, Mapping[str, Form]] = {
    Kind.PREDICTION: {
        "event_id": identifier(),
        "event_time": instant(),
        "version": identifier(MOST_OF_VERSION),
        "prediction": answer(),
        "score": number(),
        "probability": number(0, 1),
        "confidence": number(0, 1),
        "subject": identifier(),
        "risk": text(),
        "latency_ms": number(0),
        "environment": text(),
        "stage": choice(("shadow", "canary", "full")),
    },
    Kind.DECISION: {
        **_FEEDBACK,
        "decision": answer(),
        "reviewer": identifier(),
        "reviewer_role": text(),
        "team": text(),
        "recommendation_shown": flag(),
        "action": choice(("upheld", "overridden", "escalated")),
        "reason_code": text(),
        "rationale": text(),
        "review_started_at": instant(),
        "effective_at": instant(),
    },
    Kind.OUTCOME: {
        **_FEEDBACK,
        "label": answer(),
        "label_version": identifier(MOST_OF_VERSION),
        "weight": number(0),
    },
    Kind.USAGE: {
        **_FEEDBACK,
        "consumer": text(),
        "used": choice(("used", "ignored", "deferred", "requeried", "blocked")),
        "action": text(),
        "value": number(),
    },
    Kind.FAILURE: {
        "event_id": identifier(),
        "event_time": instant(),
        "version": identifier(MOST_OF_VERSION),
        "code": identifier(),
        "message": text(),
    },
    Kind.DEPLOYMENT: {
        "event_id": identifier(),
        "event_time": instant(),
        "version": identifier(MOST_OF_VERSION),
        "stage": choice(("shadow", "canary", "full")),
        "traffic_share": number(0, 1),
        "artifact": text(),
        "training_run": text(),
        "by": text(),
    },
}
"""Keys that every model's events of a kind share, beside `type`, `schema` and `model`.

Predictions have the sections `features`, `probabilities`, `attributes`, `explanation` and
`experiment` besides, whose names come from the contract.
"""

REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.PREDICTION: ("event_id", "event_time", "version", "prediction"),
    Kind.DECISION: ("event_id", "prediction_id", "event_time", "decision"),
    Kind.OUTCOME: ("event_id", "prediction_id", "event_time", "label"),
    Kind.USAGE: ("event_id", "prediction_id", "event_time"),
    Kind.FAILURE: ("event_id", "event_time"),
    Kind.DEPLOYMENT: ("event_id", "event_time", "version"),
}

FEEDBACK = frozenset({Kind.DECISION, Kind.OUTCOME, Kind.USAGE})
"""Kinds that speak of a prediction and so may leave out the model."""
