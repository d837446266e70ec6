"""The one table of events: its kinds and columns."""

from enum import StrEnum

import pyarrow as pa


class Kind(StrEnum):
    """What an event tells; `QUARANTINE` holds messages that tell nothing we understand."""

    PREDICTION = "prediction"
    DECISION = "decision"
    OUTCOME = "outcome"
    USAGE = "usage"
    FAILURE = "failure"
    DEPLOYMENT = "deployment"
    QUARANTINE = "quarantine"


TIME = pa.timestamp("us", tz="UTC")

EVENTS = pa.schema(
    [
        # Partition columns. `day` is the UTC day of `event_time` (the month's first day when
        # the log is partitioned by month); for quarantine the day of `broker_time`.
        pa.field("day", pa.date32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        # Every kind. `id_hi`, `id_lo`: the 128-bit hash of the event id; `payload_hash`: of the
        # message's bytes (and row number), to tell a duplicate from a conflict.
        pa.field("model", pa.string()),
        pa.field("version", pa.string()),
        pa.field("event_id", pa.string()),
        pa.field("id_hi", pa.int64()),
        pa.field("id_lo", pa.int64()),
        pa.field("payload_hash", pa.int64()),
        pa.field("event_time", TIME),
        pa.field("source", pa.string()),
        pa.field("partition", pa.string()),
        pa.field("offset", pa.int64()),
        pa.field("row", pa.int32()),
        pa.field("broker_time", TIME),
        pa.field("violations", pa.list_(pa.string())),
        pa.field("replay_of", pa.string()),
        # prediction
        pa.field("stage", pa.string()),
        pa.field("contract", pa.string()),
        pa.field("numeric", pa.list_(pa.float64())),
        pa.field("category", pa.list_(pa.string())),
        pa.field("attributes", pa.list_(pa.string())),
        pa.field("predicted_class", pa.string()),
        pa.field("predicted_value", pa.float64()),
        pa.field("probabilities", pa.list_(pa.float64())),
        pa.field("score", pa.float64()),
        pa.field("confidence", pa.float64()),
        pa.field("explanation", pa.list_(pa.float64())),
        pa.field("subject", pa.string()),
        pa.field("subject_key", pa.string()),
        pa.field("risk", pa.string()),
        pa.field("latency_ms", pa.float64()),
        pa.field("environment", pa.string()),
        pa.field("experiment", pa.string()),
        pa.field("variant", pa.string()),
        # decision, outcome, usage: whatever speaks of a prediction
        pa.field("prediction_id", pa.string()),
        pa.field("prediction_time", TIME),
        pa.field("decision", pa.string()),
        pa.field("decision_value", pa.float64()),
        pa.field("reviewer", pa.string()),
        pa.field("reviewer_role", pa.string()),
        pa.field("team", pa.string()),
        pa.field("recommendation_shown", pa.bool_()),
        pa.field("action", pa.string()),
        pa.field("reason_code", pa.string()),
        pa.field("rationale", pa.string()),
        pa.field("review_started_at", TIME),
        pa.field("effective_at", TIME),
        pa.field("label", pa.string()),
        pa.field("label_value", pa.float64()),
        pa.field("label_version", pa.string()),
        pa.field("weight", pa.float64()),
        pa.field("consumer", pa.string()),
        pa.field("used", pa.string()),
        pa.field("value", pa.float64()),
        # failure, deployment
        pa.field("code", pa.string()),
        pa.field("message", pa.string()),
        pa.field("traffic_share", pa.float64()),
        pa.field("artifact", pa.string()),
        pa.field("training_run", pa.string()),
        pa.field("by", pa.string()),
        # quarantine
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("payload", pa.binary()),
        pa.field("headers", pa.string()),
    ]
)
"""Columns of `events`. A number that is not finite is stored as null, never as NaN.

`numeric`, `category`, `attributes` and `explanation` (numeric features, then categories)
are vectors in the order of the row's `contract`; `probabilities` in the order of its classes.
`violations` lists breaches of the contract as "rule:name", such as "out_of_range:age".
"""


class Reason(StrEnum):
    """Why a message is in quarantine: the whole list."""

    TOMBSTONE = "tombstone"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    BAD_UTF8 = "bad_utf8"
    BAD_JSON = "bad_json"
    NOT_AN_OBJECT = "not_an_object"
    DUPLICATE_KEY = "duplicate_key"
    TOO_DEEP = "too_deep"
    NOT_FINITE = "not_finite"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_KEY = "missing_key"
    WRONG_TYPE = "wrong_type"
    TOO_LONG = "too_long"
    BAD_TIME = "bad_time"
    FUTURE = "future"
    TOO_LATE = "too_late"
    UNKNOWN_MODEL = "unknown_model"
    UNSUPPORTED_SCHEMA = "unsupported_schema"
    UNREADABLE = "unreadable"


class Rule(StrEnum):
    """How a value may break the contract without losing its row."""

    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNSEEN_CATEGORY = "unseen_category"
    NOT_FINITE = "not_finite"
    TOO_LONG = "too_long"
