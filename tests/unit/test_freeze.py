"""A reference is made of the same sample of its rows, however they come."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from monitor.cards.card import Card
from monitor.events.schema import EVENTS
from monitor.jobs import freeze
from monitor.jobs.freeze import NoRowsError, frozen
from monitor.jobs.plan import inputs_plan
from monitor.profiles.columns import feature
from monitor.profiles.distribution import Distribution
from monitor.profiles.inputs_plan import COLUMNS
from monitor.profiles.reference import bins_of
from tests.services.rows import START

CARD = Card.model_validate(
    {
        "model": "m",
        "owner": {"team": "t", "mail": "t@example.org"},
        "versions": ["1"],
        "contract": {
            "features": {"x": {"type": "number"}},
            "prediction": {"classes": ["no", "yes"]},
        },
    }
)


def row(high: int, low: int, payload: int, x: float | None) -> dict[str, object]:
    """A row with one number."""
    known = {"event_time": START, "version": "1", "category": [], "attributes": []}
    return {**known, "id_hi": high, "id_lo": low, "payload_hash": payload, "numeric": [x]}


class Batches:
    """Rows in batches of seven, and what was asked for."""

    def __init__(self, rows: Sequence[dict[str, object]]) -> None:
        self.rows = rows
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        self.asked.append(tuple(columns))
        schema = pa.schema([EVENTS.field(name) for name in columns])
        for first in range(0, len(self.rows), 7):
            some = [{name: r.get(name) for name in columns} for r in self.rows[first : first + 7]]
            yield pa.RecordBatch.from_pylist(some, schema=schema)


@pytest.fixture
def sample_of_fifty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeze, "SAMPLE_ROWS", 50)


@pytest.mark.usefixtures("sample_of_fifty")
@pytest.mark.parametrize("count", [10, 50, 51, 400])
def test_bins_come_of_the_smallest_ids_in_any_order(count: int) -> None:
    dice = random.Random(count)
    # Few upper halves, so that many ids share one, on both sides of zero.
    ids = dice.sample([(high, low) for high in range(-40, 40) for low in range(8)], count)
    rows = [row(*one, payload=k, x=dice.gauss(0, 1)) for k, one in enumerate(ids)]
    again = dice.choices(rows, k=count // 3) + [rows[0]] * 300
    found = []
    for _ in range(3):
        mixed = rows + again
        dice.shuffle(mixed)
        found.append(frozen(CARD, Batches(mixed)))
    assert len({reference.id for reference in found}) == 1
    smallest = sorted(rows, key=lambda r: (r["id_hi"], r["id_lo"]))[:50]
    values = np.array([r["numeric"][0] for r in smallest])  # type: ignore[index]
    assert found[0].numeric == {"x": bins_of(values)}
    assert found[0].rows == count


@pytest.mark.usefixtures("sample_of_fifty")
def test_counts_come_of_all_rows_and_conflicts_are_settled() -> None:
    rows = [row(k, k, payload=k, x=float(k)) for k in range(200)]
    # Another payload of an id: the smaller hash wins, here as in windows.
    rows.append(row(7, 7, payload=-1, x=None))
    batches = Batches(rows)
    reference = frozen(CARD, batches)
    assert reference.rows == 200
    # Ids first, which cost little to read; all rows twice, for an id has two payloads.
    ids, sampled, *counted = batches.asked
    assert (ids, sampled) == (("id_hi",), freeze.SAMPLED)
    assert len(counted) == 2
    assert all(set(columns) <= set(COLUMNS) for columns in counted)
    profile = reference.profile(inputs_plan(CARD, reference).layout)
    found = profile.get(Distribution, feature("x"))
    assert (found.rows, found.missing, found.low, found.high) == (199, 1, 0.0, 199.0)


def test_no_rows_are_no_reference() -> None:
    with pytest.raises(NoRowsError, match="no predictions in a hole"):
        frozen(CARD, Batches([]), described="a hole")
