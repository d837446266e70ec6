"""What was said by an age stays the same, whatever comes later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cards.contract import Contract
from monitor.profiles import early
from monitor.profiles.counts import Counts
from monitor.profiles.early import units
from monitor.profiles.family import Family
from monitor.profiles.feedback import feedback_partials
from monitor.profiles.layout import Profile
from monitor.profiles.named import CONSUMER
from monitor.profiles.rows import Key
from monitor.profiles.segments import ALL, RESERVED
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


REVIEW_AGE = timedelta(minutes=25)


def profiles(contract: Contract, rows: list[Row], said: list[Row]) -> dict[Key, Profile]:
    """What was said early of all and of every group."""
    seconds, review_seconds = (int(one.total_seconds()) for one in (AGE, REVIEW_AGE))
    asked = replace(plan(contract), age=seconds, review_age=review_seconds)
    left = pa.Table.from_pylist(rows, schema=PREDICTIONS)
    right = pa.Table.from_pylist(said, schema=SAID)
    return {
        partial.key: partial.profile
        for partial in feedback_partials(asked, left, right)
        if partial.key.family is Family.EARLY
    }


def sums_of(contract: Contract, profile: Profile) -> dict[str, float]:
    """The sums of early outcomes of a profile."""
    part, first, _ = profile.layout.places[early.NAME, ""]
    ints = profile.ints[first : first + part.ints].tolist()
    kept = units(contract)
    return {n: i * kept[n] for n, i in zip(kept, ints, strict=True)}


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
        or row["event_time"] <= begin + (AGE if row["kind"] == "outcome" else REVIEW_AGE)
    ]
    # What proves wrong was followed or not by what was decided at the age of outcomes.
    by_outcomes = [
        row
        for row in said
        if (begin := begins.get((row["p_hi"], row["p_lo"]))) is None
        or row["event_time"] <= begin + AGE
    ]
    found = profiles(contract, rows, said)
    less = profiles(contract, rows, in_time)
    assert {key: some.get(Counts) for key, some in found.items()} == {
        key: some.get(Counts) for key, some in less.items()
    }
    for key, some in profiles(contract, rows, by_outcomes).items():
        assert (found[key].ints == some.ints).all()
    by_key = {key: sums_of(contract, profile) for key, profile in found.items()}
    for sums in by_key.values():
        assert sums["rows"] >= sums.get("right", 0) >= 0
        assert sums.get("misled", 0) >= sums.get("followed", 0)
        assert sums.get("rows", 0) - sums.get("right", 0) >= sums.get("misled", 0)
        assert 0 <= sums.get("doubt", 0.0) <= sums.get("forecast", 0) / 4 + 1e-6


@pytest.mark.parametrize("contract", [TWO, NUMBER])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_while_nothing_is_late_it_is_what_people_and_consumers_say(
    contract: Contract, data: st.DataObject
) -> None:
    rows, said = data.draw(predictions(contract)), data.draw(feedback(contract))
    left = pa.Table.from_pylist(rows, schema=PREDICTIONS)
    right = pa.Table.from_pylist(said, schema=SAID)
    known = {
        one.key: dict(one.profile.get(Counts).of)
        for one in feedback_partials(plan(contract), left, right)
    }
    for key, counts in known.items():
        if key.family is not Family.EARLY:
            continue
        is_of_use = key.segment.startswith(CONSUMER)
        wanted = known[replace(key, family=Family.USE if is_of_use else Family.PEOPLE)]
        same = [name for name in counts if name in wanted]
        assert [counts[name] for name in same] == [wanted[name] for name in same]
        if not key.segment.startswith(RESERVED):
            uses = known[replace(key, family=Family.USE)]
            assert all(counts[name] == uses[name] for name in ("uses", "used", "blocked"))


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
    word = {"outcome": "label", "decision": "decision"}.get(kind)
    return {
        "kind": kind,
        "p_hi": of,
        "p_lo": 0,
        "id_hi": 0,
        "id_lo": number,
        "payload_hash": number,
        "event_time": TIME + after,
        **({word: said} if word else {}),
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
    (found,) = [one for key, one in profiles(TWO, some, said).items() if key.segment == ALL]
    assert sums_of(TWO, found) == pytest.approx(
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


def test_reviews_and_uses_count_as_they_were_at_the_age() -> None:
    minute = timedelta(minutes=1)
    some = [made(i, "yes", 0.8) for i in (1, 2, 3)]
    late = REVIEW_AGE + minute
    said = [
        {**told("decision", 1, 1, minute, "no"), "team": "north"},
        {**told("decision", 2, 1, late, "yes"), "team": "south"},
        {**told("decision", 3, 2, REVIEW_AGE, "yes"), "team": "north"},
        {**told("decision", 4, 3, late, "no"), "team": "north"},
        {**told("usage", 5, 1, minute, ""), "used": "used", "consumer": "crm"},
        {**told("usage", 6, 1, late, ""), "used": "blocked", "consumer": "crm"},
        {**told("usage", 7, 2, minute, ""), "used": "ignored", "consumer": "web"},
        {**told("usage", 8, 2, 2 * minute, ""), "used": "blocked", "consumer": "web"},
        {**told("usage", 9, 3, late, ""), "used": "used", "consumer": "web"},
    ]
    found = {
        key.segment: tuple(profile.get(Counts).of.values())
        for key, profile in profiles(TWO, some, said).items()
    }
    assert found == {
        # Predictions, shown, overruled, uses, used, ignored, blocked.
        "": (3, 2, 1, 2, 1, 0, 1),
        "@team=north": (2, 2, 1, 0, 0, 0, 0),
        "@consumer=crm": (0, 0, 0, 1, 1, 0, 0),
        "@consumer=web": (0, 0, 0, 1, 0, 0, 1),
    }
