"""Outcomes as they stood at an age are the same, whatever came later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cards.contract import Contract
from monitor.profiles import early
from monitor.profiles.early import units
from monitor.profiles.family import Family
from monitor.profiles.feedback import feedback_partials
from monitor.profiles.rows import Key
from tests.laws.slow_truth import Row, of
from tests.laws.test_profiles_feedback import (
    NUMBER,
    PREDICTIONS,
    SAID,
    THREE,
    TWO,
    feedback,
    plan,
    predictions,
)

AGE = timedelta(minutes=40)
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def sums(contract: Contract, rows: list[Row], said: list[Row]) -> dict[Key, dict[str, float]]:
    """The sums of early outcomes of each profile that has some."""
    at_age = replace(plan(contract), age=int(AGE.total_seconds()))
    left = pa.Table.from_pylist(rows, schema=PREDICTIONS)
    right = pa.Table.from_pylist(said, schema=SAID)
    found = {}
    for partial in feedback_partials(at_age, left, right):
        layout = partial.profile.layout
        if partial.key.family is Family.TRUTH and (early.NAME, "") in layout.places:
            part, first, _ = layout.places[early.NAME, ""]
            ints = partial.profile.ints[first : first + part.ints].tolist()
            kept = units(contract)
            found[partial.key] = {n: i * kept[n] for n, i in zip(kept, ints, strict=True)}
    return found


@pytest.mark.parametrize("contract", [TWO, THREE, NUMBER])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_comes_after_the_age_changes_nothing(contract: Contract, data: st.DataObject) -> None:
    rows = data.draw(predictions(contract))
    said = data.draw(feedback(contract))
    begins = {of(row): row["event_time"] for row in rows}
    in_time = [
        row
        for row in said
        if (begin := begins.get((row["p_hi"], row["p_lo"]))) is None
        or row["event_time"] <= begin + AGE
    ]
    found = sums(contract, rows, said)
    assert found == sums(contract, rows, in_time)
    for some in found.values():
        assert some["rows"] >= some.get("right", 0) >= 0
        assert some.get("misled", 0) >= some.get("followed", 0)
        assert some.get("rows", 0) - some.get("right", 0) >= some.get("misled", 0)
        assert 0 <= some.get("doubt", 0.0) <= some.get("forecast", 0) / 4 + 1e-6


def made(number: int, said: str, p: float) -> Row:
    return {
        "id_hi": number,
        "id_lo": 0,
        "payload_hash": number,
        "event_time": TIME,
        "version": "1",
        "predicted_class": said,
        "confidence": max(p, 1 - p),
        "probabilities": [1 - p, p],
    }


def told(kind: str, number: int, of: int, after: timedelta, said: str) -> Row:
    word = "label" if kind == "outcome" else "decision"
    return {
        "kind": kind,
        "p_hi": of,
        "p_lo": 0,
        "id_hi": 0,
        "id_lo": number,
        "payload_hash": number,
        "event_time": TIME + after,
        word: said,
    }


def test_a_label_counts_as_it_was_at_the_age() -> None:
    minute = timedelta(minutes=1)
    some = [made(1, "yes", 0.8), made(2, "yes", 0.6), made(3, "no", 0.25), made(4, "yes", 0.9)]
    said = [
        told("outcome", 1, 1, minute, "yes"),
        told("outcome", 2, 2, minute, "no"),
        told("decision", 3, 2, minute, "yes"),
        told("outcome", 4, 3, AGE, "yes"),
        told("decision", 5, 3, minute, "yes"),
        # What is corrected after the age stands as it was, and what comes then does not count.
        told("outcome", 6, 1, AGE + minute, "no"),
        told("outcome", 7, 4, AGE + minute, "no"),
    ]
    (found,) = sums(TWO, some, said).values()
    assert found == pytest.approx(
        {
            "rows": 3,
            "right": 1,
            "misled": 2,
            "followed": 1,
            "forecast": 3,
            "error": 0.2 - 0.6 + 0.75,
            "error_p": 0.2 * 0.8 - 0.6 * 0.6 + 0.75 * 0.25,
            "doubt": 0.16 + 0.24 + 0.1875,
            "doubt_p": 0.16 * 0.8 + 0.24 * 0.6 + 0.1875 * 0.25,
            "doubt_p2": 0.16 * 0.64 + 0.24 * 0.36 + 0.1875 * 0.0625,
            "p": 1.65,
            "p2": 0.64 + 0.36 + 0.0625,
        },
        abs=1e-8,
    )
