"""Rows of the log, made of what matters to a test."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from monitor.events.batch import Tally
from monitor.events.identity import identities
from monitor.events.schema import EVENTS
from monitor.log.events import EventLog

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""A Monday morning, on a window's edge."""


def at(**ago: float) -> datetime:
    """A time after `START`."""
    return START + timedelta(**ago)


def prediction(event_id: str, time: datetime = START, **more: object) -> dict[str, object]:
    """A prediction of the model `credit`."""
    row = {"kind": "prediction", "model": "credit", "event_id": event_id, "event_time": time}
    return {**row, "version": "1", "numeric": [1.0, None], "category": ["a"], **more}


def outcome(
    event_id: str, prediction_id: str, time: datetime = START, **more: object
) -> dict[str, object]:
    """An outcome that says which model it speaks of."""
    row = {"kind": "outcome", "model": "credit", "event_id": event_id, "event_time": time}
    return {**row, "prediction_id": prediction_id, "label": "yes", **more}


def quarantined(
    reason: str, broker_time: datetime | None = START, **more: object
) -> dict[str, object]:
    """A message that nobody understood."""
    row = {"kind": "quarantine", "reason": reason, "payload": b"?", "broker_time": broker_time}
    return {**row, **more}


def table(events: Sequence[Mapping[str, object]], partition: str = "p") -> pa.Table:
    """Events as rows of the log, sorted; the k-th has offset k unless it says otherwise."""
    rows = []
    for offset, event in enumerate(events):
        row = {"partition": partition, "offset": offset, "source": "test", "row": 0, **event}
        time = row.get("event_time") or row.get("broker_time") or START
        assert isinstance(time, datetime)
        row.setdefault("day", date(time.year, time.month, time.day))
        rows.append({name: row.get(name) for name in EVENTS.names})
    made = pa.Table.from_pylist(rows, schema=EVENTS)
    hi, lo = identities(made["event_id"].combine_chunks())
    for name, values in (("id_hi", hi), ("id_lo", lo), ("payload_hash", lo)):
        made = made.set_column(made.schema.get_field_index(name), EVENTS.field(name), [values])
    return made.sort_by([(n, "ascending") for n in ("kind", "day", "model", "event_time")])


def store(log: EventLog, *events: Mapping[str, object], partition: str = "p") -> int:
    """Version of a commit that stores these events after whatever the partition holds."""
    mark = log.marks([partition])[partition]
    numbered = [{"offset": mark + 1 + k, **event} for k, event in enumerate(events)]
    upto = mark + len(events)
    bad = sum(event["kind"] == "quarantine" for event in events)
    good = len(events) - bad
    return log.append(
        table(numbered, partition),
        after={partition: mark},
        upto={partition: upto},
        tallies={partition: Tally(len(events), good, bad, {}, good)},
    )


def positions(log: EventLog) -> list[tuple[str, int]]:
    """Partition and offset of all rows, sorted."""
    handle = log.table.reopened()
    rows = pa.table(handle.scan(columns=["partition", "offset"])).to_pylist()
    return sorted((row["partition"], row["offset"]) for row in rows)
