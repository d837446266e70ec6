"""The decoder on messages worked by hand."""

import json
from datetime import UTC, date, datetime
from typing import cast

import pytest

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.errors import SourceError
from monitor.events.adapters import SourceFormat
from monitor.events.batch import Decoded
from monitor.events.models import ModelEvents
from monitor.events.schema import EVENTS
from tests.messages import KEY, LOAN, NOW, batch, decision, decoder, prediction, price


def rows(decoded: Decoded) -> list[dict[str, object]]:
    return decoded.rows.to_pylist()


def only(*messages: bytes | None, **settings: object) -> dict[str, object]:
    found = rows(decoder(**settings).decode(batch(messages), now=NOW))
    assert len(found) == 1
    return found[0]


def reason(message: bytes | None, **settings: object) -> object:
    row = only(message, **settings)
    assert row["kind"] == "quarantine"
    assert row["detail"]
    return row["reason"]


def test_a_prediction_becomes_vectors_in_the_order_of_its_contract() -> None:
    row = only(
        prediction(
            features={
                "purpose": "car",
                "amount": 12.5,
                "children": 2,
                "insured": True,
                "zip": 8001,
            },
            attributes={"region": "north", "sex": "f"},
        )
    )
    assert row["kind"] == "prediction"
    assert row["numeric"] == [12.5, 2.0, 1.0]
    assert row["category"] == ["car", "8001"]
    assert row["attributes"] == ["f", "north"]
    assert row["contract"] == LOAN.id
    assert row["violations"] is None
    assert row["event_time"] == datetime(2026, 1, 30, 9, 30, tzinfo=UTC)
    assert row["day"] == date(2026, 1, 30)


def test_what_is_missing_is_null_and_no_violation() -> None:
    row = only(prediction(features={"amount": None}, attributes={}))
    assert row["numeric"] == [None, None, None]
    assert row["category"] == [None, None]
    assert row["attributes"] == [None, None]
    assert row["violations"] is None


def test_values_that_break_the_contract_are_nulled_and_listed() -> None:
    row = only(
        prediction(
            features={"amount": -1, "children": 1.5, "insured": 2, "purpose": "boat", "zip": [1]},
            attributes={"sex": "x", "region": 7},
            score="high",
            latency_ms=-3,
        )
    )
    assert row["numeric"] == [None, None, None]
    assert row["category"] == [None, None]
    assert row["attributes"] == [None, "7"]
    assert row["score"] is None
    assert row["violations"] == [
        "out_of_range:amount",
        "out_of_range:latency_ms",
        "unseen_category:purpose",
        "unseen_category:sex",
        "wrong_type:children",
        "wrong_type:insured",
        "wrong_type:score",
        "wrong_type:zip",
    ]


def test_a_number_beyond_floats_is_a_violation_of_a_feature() -> None:
    message = prediction(features={"amount": 7}).replace(b":7}", b":1e999}")
    row = only(message)
    assert row["numeric"] == [None, None, None]
    assert row["violations"] == ["not_finite:amount"]


@pytest.mark.parametrize("answer", [1, 1.0, "1"])
def test_one_class_has_one_text_however_it_is_written(answer: object) -> None:
    row = only(prediction(prediction=answer))
    assert (row["predicted_class"], row["violations"]) == ("1", None)


def test_a_class_that_the_contract_does_not_know_keeps_its_text() -> None:
    row = only(prediction(prediction="maybe"))
    assert row["predicted_class"] == "maybe"
    assert row["violations"] == ["unseen_category:prediction"]


def test_the_positive_probability_fills_both_classes_in_their_order() -> None:
    row = only(prediction(prediction=0, probability=0.25))
    assert row["probabilities"] == [0.75, 0.25]
    assert row["confidence"] == 0.75


def test_given_probabilities_follow_the_order_of_the_classes() -> None:
    row = only(prediction(probabilities={"1": 0.9, "2": 0.1}, probability=0.5, confidence=0.8))
    assert row["probabilities"] == [None, 0.9]
    assert row["confidence"] == 0.8
    assert row["violations"] == ["unseen_category:probabilities"]


def test_a_probability_outside_its_range_is_nulled() -> None:
    row = only(prediction(probability=1.5))
    assert row["probabilities"] is None
    assert row["confidence"] is None
    assert row["violations"] == ["out_of_range:probability"]


def test_a_model_of_numbers_stores_numbers() -> None:
    row = only(price(prediction=12))
    assert (row["predicted_class"], row["predicted_value"]) == (None, 12.0)
    row = only(price(prediction="12"))
    assert row["predicted_value"] is None
    assert row["violations"] == ["wrong_type:prediction"]


def test_feedback_may_leave_out_its_model() -> None:
    row = only(decision(model=None, decision=1))
    assert (row["model"], row["decision"], row["decision_value"]) == (None, "1", 1.0)
    row = only(decision(model=None, decision=1), formats={"test": SourceFormat("native", "loan")})
    assert (row["model"], row["decision"], row["decision_value"]) == ("loan", "1", None)


def test_a_recommendation_counts_as_shown_unless_said_otherwise() -> None:
    assert only(decision())["recommendation_shown"] is True
    assert only(decision(recommendation_shown=False))["recommendation_shown"] is False


def test_people_are_stored_under_pseudonyms_alone() -> None:
    row = only(prediction(subject="anna"))
    again = only(prediction(event_id="p2", subject="anna"))
    reviewer = only(decision(reviewer="anna"))["reviewer"]
    assert row["subject"] == again["subject"] == reviewer
    assert row["subject_key"] == KEY.id
    assert len(str(row["subject"])) == 32
    assert "anna" not in str(row)


def test_explanations_follow_numbers_then_categories() -> None:
    row = only(prediction(explanation={"zip": 0.5, "amount": -1}))
    assert row["explanation"] == [-1.0, None, None, None, 0.5]


def test_keys_outside_the_contract_are_counted_and_not_stored() -> None:
    message = prediction(features={"amount": 1, "shoe": 44}, attributes={"mood": "x"}, trace="t")
    for count in (1, 3):
        decoded = decoder().decode(batch([message] * count), now=NOW)
        assert decoded.unknown_keys == {
            "attributes.mood": count,
            "features.shoe": count,
            "trace": count,
        }


def test_a_key_seen_before_is_still_counted() -> None:
    reader = decoder()
    message = prediction(trace="t")
    for _ in range(3):
        decoded = reader.decode(batch([message, prediction(event_id="p2")]), now=NOW)
        assert decoded.unknown_keys == {"trace": 1}
        assert decoded.rows.num_rows == 2


def test_an_unknown_version_is_stored_and_counted() -> None:
    decoded = decoder().decode(batch([prediction(version="9"), prediction()]), now=NOW)
    assert decoded.unknown_versions == {("loan", "9"): 1}
    assert decoded.rows["kind"].to_pylist() == ["prediction", "prediction"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (None, "tombstone"),
        (b"null", "tombstone"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[1]", "not_an_object"),
        (prediction()[:50], "bad_json"),
        (prediction() * 2, "bad_json"),
        (prediction() + b"\n" + prediction(), "bad_json"),
        (b"\xef\xbb\xbf" + prediction(), "bad_json"),
        (prediction(risk="~").replace(b"~", b"\xff"), "bad_utf8"),
        (prediction(risk="~").replace(b"~", b"\\ud800x"), "bad_utf8"),
        (prediction(risk="~").replace(b"~", b"\\u0000"), "bad_utf8"),
        (prediction()[:-1] + b',"model":"other"}', "duplicate_key"),
        (prediction(features={"a": 1})[:-1] + b',"z":{"y":1,"y":1}}', "duplicate_key"),
        (prediction(score=5).replace(b":5", b":NaN"), "not_finite"),
        (prediction(score=5).replace(b":5", b":-Infinity"), "not_finite"),
        (prediction(prediction=5).replace(b":5", b":1e999"), "not_finite"),
        (prediction(z=5).replace(b":5", b":" + b"[" * 1000 + b"]" * 1000), "too_deep"),
        (prediction(z=5).replace(b":5", b":" + b"[" * 100_000 + b"]" * 100_000), "too_deep"),
        (prediction(z="x" * 1_000_001), "too_large"),
        (prediction(type="guess"), "unknown_type"),
        (prediction(type=None), "missing_key"),
        (prediction(event_id=None), "missing_key"),
        (prediction(event_id=""), "wrong_type"),
        (prediction(event_id=1.5), "wrong_type"),
        (prediction(event_id=True), "wrong_type"),
        (prediction(prediction=[1]), "wrong_type"),
        (prediction(model=17), "wrong_type"),
        (prediction(model=None), "missing_key"),
        (prediction(model="nobody"), "unknown_model"),
        (prediction(schema=2), "unsupported_schema"),
        (prediction(schema="1"), "unsupported_schema"),
        (prediction(event_time="yesterday"), "bad_time"),
        (prediction(event_time="2026-01-30T09:30:00"), "bad_time"),
        (prediction(event_time=1_750_000_000_000), "bad_time"),
        (prediction(event_time="0000-01-01T00:00:00Z"), "bad_time"),
        (prediction(event_time="2026-01-31T00:05:01Z"), "future"),
        (decision(prediction_id=None), "missing_key"),
    ],
)
def test_what_is_no_event_is_quarantined_for_one_reason(
    message: bytes | None, expected: str
) -> None:
    assert reason(message) == expected


def test_an_event_before_what_the_log_keeps_is_too_late() -> None:
    kept = {"loan": datetime(2026, 1, 30, 9, 30, 1, tzinfo=UTC)}
    found = rows(decoder().decode(batch([prediction(), price()]), now=NOW, kept_from=kept))
    assert [(r["kind"], r["reason"]) for r in found] == [
        ("prediction", None),
        ("quarantine", "too_late"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-30T09:30:00Z",
        "2026-01-30t09:30:00z",
        "2026-01-30T10:30:00.000000+01:00",
        "2026-01-30T09:30:00.000000999Z",
    ],
)
def test_the_ways_of_writing_a_time_are_one_time(text: str) -> None:
    row = only(prediction(event_time=text))
    assert row["event_time"] == datetime(2026, 1, 30, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("indent", [None, 2])
def test_spaces_and_line_ends_between_values_do_no_harm(indent: int | None) -> None:
    pretty = json.dumps(json.loads(prediction()), indent=indent).encode() + b"\n"
    assert only(pretty)["event_id"] == "p1"


def test_a_quarantined_message_keeps_bytes_headers_place_and_the_brokers_day() -> None:
    raw = batch([b"{"], headers=[{"trace": b"\xffx"}])
    row = rows(decoder().decode(raw, now=NOW))[0]
    assert row["payload"] == b"{"
    assert json.loads(str(row["headers"])) == {"trace": "\\xffx"}
    assert (row["source"], row["partition"], row["offset"]) == ("test", "t-0", 0)
    assert row["day"] == date(2026, 1, 29)


def test_without_a_brokers_time_quarantine_takes_the_clocks_day() -> None:
    row = rows(decoder().decode(batch([b"{"], broker_ms=-1), now=NOW))[0]
    assert (row["day"], row["broker_time"]) == (NOW.date(), None)


def test_rows_are_sorted_and_carry_their_own_offsets() -> None:
    messages = [
        price(event_id="d", event_time="2026-01-30T01:00:00Z"),
        decision(event_id="a"),
        b"",
        prediction(event_id="c", event_time="2026-01-30T02:00:00Z"),
        prediction(event_id="b", event_time="2026-01-30T01:00:00Z"),
        prediction(event_id="e", event_time="2026-01-29T23:00:00Z"),
    ]
    decoded = decoder().decode(batch(messages), now=NOW)
    assert decoded.rows.schema == EVENTS
    found = [(r["event_id"], r["offset"]) for r in rows(decoded)]
    assert found == [("a", 1), ("e", 5), ("b", 4), ("c", 3), ("d", 0), (None, 2)]
    tally = decoded.tallies["t-0"]
    assert (tally.received, tally.stored, tally.quarantined, tally.rows) == (6, 5, 1, 5)


def test_a_log_of_months_has_the_months_first_day() -> None:
    assert only(prediction(), partition="month")["day"] == date(2026, 1, 1)


def test_an_empty_batch_is_no_rows() -> None:
    decoded = decoder().decode(batch([]), now=NOW)
    assert decoded.rows.schema == EVENTS
    assert decoded.rows.num_rows == 0


def test_a_card_may_hash_or_drop_columns() -> None:
    models = {
        "loan": ModelEvents(
            LOAN, frozenset({"1"}), hashed=frozenset({"zip", "team"}), dropped=frozenset({"amount"})
        )
    }
    features = {"amount": 5, "zip": "8001", "purpose": "car"}
    row = only(prediction(features=features), models=models)
    assert row["numeric"] == [None, None, None]
    purpose, code = cast("list[str]", row["category"])
    assert purpose == "car"
    assert len(code) == 32
    assert len(str(only(decision(team="red"), models=models)["team"])) == 32


def test_a_mapped_source_needs_a_model_with_a_mapping() -> None:
    with pytest.raises(SourceError, match="loan"):
        decoder(formats={"test": SourceFormat("mapping", "loan")})


def test_names_may_be_anything_that_json_can_write() -> None:
    odd = Contract(
        "odd",
        (Feature('a "b"', FeatureType.NUMBER), Feature("c\\d\n", FeatureType.CATEGORY)),
        ('no, "never"', "ja\t→"),
        attributes=(Attribute("größe\u0001"),),
    )
    models = {"odd": ModelEvents(odd, frozenset({"1"}))}
    said = {
        "model": "odd",
        "prediction": 'no, "never"',
        "features": {'a "b"': 2.5, "c\\d\n": "x", "f0": 9},
        "probabilities": {'no, "never"': 0.75, "ja\t→": 0.25},
        "attributes": {"größe\u0001": "l"},
    }
    row = only(prediction(**said), models=models)
    assert (row["numeric"], row["category"], row["attributes"]) == ([2.5], ["x"], ["l"])
    assert row["probabilities"] == [0.75, 0.25]
    assert (row["predicted_class"], row["violations"]) == ('no, "never"', None)


def test_a_contract_may_be_empty_of_everything() -> None:
    bare = Contract("bare", (), ("0", "1"), "1")
    models = {"bare": ModelEvents(bare, frozenset())}
    row = only(prediction(model="bare"), models=models)
    assert (row["numeric"], row["category"], row["attributes"]) == ([], [], [])
