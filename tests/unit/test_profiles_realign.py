"""Rows of an older contract in the order of the present one."""

from typing import Any

import pyarrow as pa

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.engines.realign import by_contract, realigned
from monitor.events.schema import EVENTS
from monitor.log.scan import encoded

NUMBER, CATEGORY = FeatureType.NUMBER, FeatureType.CATEGORY
OLD = Contract(
    "m",
    (
        Feature("x", NUMBER),
        Feature("gone", NUMBER),
        Feature("kind", CATEGORY),
        Feature("z", NUMBER),
    ),
    ("no", "yes"),
    "yes",
)
NEW = Contract(
    "m",
    (Feature("z", NUMBER), Feature("y", NUMBER), Feature("x", CATEGORY), Feature("kind", CATEGORY)),
    ("yes", "no", "maybe"),
    attributes=(Attribute("sex"),),
)


def batch(*rows: dict[str, Any]) -> pa.RecordBatch:
    """Rows with the vectors, some of them without probabilities."""
    names = ("event_id", "numeric", "category", "attributes", "probabilities", "contract")
    schema = pa.schema([EVENTS.field(name) for name in names])
    return pa.RecordBatch.from_pylist(list(rows), schema=schema)


def with_dictionaries(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows as the log hands them to the kernel."""
    return rows.cast(pa.schema([encoded(field, frozenset({"event_id"})) for field in rows.schema]))


def old(event_id: str, **more: object) -> dict[str, Any]:
    """A row of the old contract."""
    row = {"event_id": event_id, "numeric": [1.0, 2.0, 3.0], "category": ["a"], "attributes": []}
    return {**row, "contract": OLD.id, **more}


def test_known_names_keep_their_values_and_new_ones_are_missing() -> None:
    rows = batch(
        old("a", probabilities=[0.25, 0.75]),
        old("b", numeric=[None, 2.0, 5.0], category=[None]),
        old("c", attributes=None),
    )
    for part in (rows, rows.slice(1), with_dictionaries(rows)):
        moved = realigned(part, OLD, NEW).to_pylist()
        expected = [
            {
                "event_id": "a",
                "numeric": [3.0, None],
                "category": [None, "a"],
                "attributes": [None],
                "probabilities": [0.75, 0.25, None],
                "contract": OLD.id,
            },
            {
                "event_id": "b",
                "numeric": [5.0, None],
                "category": [None, None],
                "attributes": [None],
                "probabilities": None,
                "contract": OLD.id,
            },
            {
                "event_id": "c",
                "numeric": [3.0, None],
                "category": [None, "a"],
                "attributes": [None],
                "probabilities": None,
                "contract": OLD.id,
            },
        ]
        assert moved == expected[-len(moved) :]


def test_the_same_contract_changes_nothing() -> None:
    rows = batch(old("a", probabilities=[0.25, 0.75]), old("b"))
    assert realigned(rows, OLD, OLD).equals(rows)


def test_rows_are_parted_by_contract() -> None:
    rows = batch(old("a"), old("b", contract="other"), old("c"))
    for some in (rows, with_dictionaries(rows)):
        parts = {name: part.column("event_id").to_pylist() for name, part in by_contract(some)}
        assert parts == {OLD.id: ["a", "c"], "other": ["b"]}
    assert not list(by_contract(rows.slice(0, 0)))
