"""Foreign messages on their way into our contract."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.cards.mapping import Mappings
from monitor.events.adapters import SourceFormat
from monitor.events.formats.mapping import mapped
from monitor.events.formats.streams import from_streams
from monitor.events.models import ModelEvents
from monitor.events.strict import Rejection
from tests.messages import LOAN, NOW, batch, decoder

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

MAPPINGS = Mappings.model_validate(
    {
        "prediction": {
            "when": {"kind": "scored"},
            "time_format": "unix_ms",
            "event_id": "meta.id",
            "event_time": "meta.at",
            "version": {"const": "1"},
            "features": {"amount": "rows[0].amt", "zip": 'rows[0]."post.code"'},
            "prediction": "answer",
            "classes": {"yes": "1", "no": "0"},
            "probabilities": "scores",
            "experiment": "trial",
        },
        "decision": {
            "when": {"kind": "reviewed"},
            "event_id": "meta.id",
            "event_time": "meta.at",
            "prediction_id": "meta.of",
            "decision": "verdict",
            "classes": {"no": "0"},
        },
    }
).kinds

SCORED = {
    "kind": "scored",
    "meta": {"id": "s1", "at": 1_769_765_400_000},
    "rows": [{"amt": 12.5, "post.code": 8001}],
    "answer": "yes",
    "scores": {"yes": 0.75, "no": 0.25},
    "trial": "a",
}


def read(prediction: dict[str, object], **keys: object) -> dict[str, object]:
    """The native event of a prediction whose mapping has these keys too."""
    mapping = {"event_id": "id", "event_time": "at", "version": "v", "prediction": "p", **keys}
    kinds = Mappings.model_validate({"prediction": {"features": "in", **mapping}}).kinds
    native = mapped({"id": "1", "at": "2026-07-01T12:00:00Z", "v": "1", **prediction}, kinds)
    assert native is not None
    return native


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-07-01 12:00:00", "2026-07-01T10:00:00+00:00"),
        ("2026-01-01T12:00", "2026-01-01T11:00:00+00:00"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00+00:00"),  # comes twice: the first
        ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"),
        ("20260701T120000+0500", "2026-07-01T07:00:00+00:00"),
        ("noon", "noon"),
        ("0001-01-01 00:00:00", "0001-01-01 00:00:00"),
    ],
)
def test_times_without_a_zone_are_of_the_mappings_zone(text: str, wanted: str) -> None:
    assert read({"at": text}, timezone="Europe/Berlin")["event_time"] == wanted


def test_times_without_a_zone_may_be_in_utc() -> None:
    said = read({"at": "2026-08-03 08:00:00.123456789"}, timezone="UTC")
    assert said["event_time"] == "2026-08-03T08:00:00.123456+00:00"


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("41", 41),
        (" -1.5e3 ", -1500.0),
        ("9" * 30, 1e30),
        ("", None),
        (2.5, 2.5),
        (None, None),
        ("1,5", "1,5"),
        ("nan", "nan"),
    ],
)
def test_numbers_as_text_are_read_where_the_mapping_says_so(held: object, wanted: object) -> None:
    features = read({"body": {"n": held}}, features={"n": {"number": "body.n"}})["features"]
    assert isinstance(features, dict)
    assert (features["n"], type(features["n"])) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ('{"rows": [{"age": 40}]}', "body.rows[0].age", 40),
        ('"{\\"age\\": 40}"', "body.age", None),  # a text in a text in a text
        ("40,web", "body[1]", "web"),
        ('"a, b",2\n', "body[0]", "a, b"),
        ("1,2\n3,4", "body[0]", None),  # two cases
        ('{"age": 40, "age": 41}', "body.age", None),
        ('{"age": NaN}', "body.age", None),
        ("[" * 101, "body[0]", "[" * 101),
        ("", "body[0]", None),
        ("plain", "body.age", None),
    ],
)
def test_paths_go_on_inside_of_texts(text: str, path: str, wanted: object) -> None:
    native = read({"body": text}, features={"f": path})
    assert native["features"] == {"f": wanted}


def test_an_object_may_be_a_text_of_json() -> None:
    assert read({"in": '{"age": 40}'})["features"] == {"age": 40}
    assert read({"in": "40"})["features"] == "40"  # for the decoder to refuse


def test_paths_lead_to_a_native_event() -> None:
    assert mapped(SCORED, MAPPINGS) == {
        "type": "prediction",
        "event_id": "s1",
        "event_time": "2026-01-30T09:30:00Z",
        "version": "1",
        "features": {"amount": 12.5, "zip": 8001},
        "prediction": "1",
        "probabilities": {"1": 0.75, "0": 0.25},
        "experiment": {"key": "a"},
    }


def test_what_matches_no_kind_is_ignored_and_counted() -> None:
    models = {"loan": ModelEvents(LOAN, frozenset({"1"}), MAPPINGS)}
    reader = decoder(models=models, formats={"test": SourceFormat("mapping", "loan")})
    reviewed = {
        "kind": "reviewed",
        "meta": {"id": "r1", "at": "2026-01-30T10:00:00Z", "of": "s1"},
        "verdict": "no",
    }
    late = {"kind": "scored", "meta": {"id": "s2", "at": "noon"}, "answer": "yes"}
    messages = [json.dumps(m).encode() for m in ({"kind": "ping"}, SCORED, reviewed, late)]
    decoded = reader.decode(batch([*messages, b"{", None]), now=NOW)
    found = {row["offset"]: row for row in decoded.rows.to_pylist()}
    assert (found[1]["model"], found[1]["numeric"]) == ("loan", [12.5, None, None])
    assert (found[1]["category"], found[1]["predicted_class"]) == ([None, "8001"], "1")
    assert (found[2]["model"], found[2]["decision"], found[2]["prediction_id"]) == (
        "loan",
        "0",
        "s1",
    )
    assert [found[i]["reason"] for i in (3, 4, 5)] == ["bad_time", "bad_json", "tombstone"]
    tally = decoded.tallies["t-0"]
    assert (tally.received, tally.stored, tally.quarantined) == (6, 2, 3)
    assert tally.ignored == {"no_mapping": 1}


def test_a_number_too_large_is_the_same_breach_in_every_format() -> None:
    models = {"loan": ModelEvents(LOAN, frozenset({"1"}), MAPPINGS)}
    reader = decoder(models=models, formats={"test": SourceFormat("mapping", "loan")})
    message = json.dumps(SCORED).encode().replace(b"12.5", b"1e999")
    huge = json.dumps(SCORED).encode().replace(b"8001", b"123456789012345678901234567890")
    rows = reader.decode(batch([message, huge]), now=NOW).rows.to_pylist()
    assert rows[0]["violations"] == ["not_finite:amount"]
    assert rows[1]["category"][1] == "123456789012345678901234567890"


def test_older_predictions_are_known_by_their_prediction_id() -> None:
    event: dict[str, object] = {"type": "prediction", "prediction_id": "p1", "phase": "x"}
    event["human_id"] = "h"
    assert from_streams(event) == {
        "type": "prediction",
        "event_id": "p1",
        "phase": "x",
        "reviewer": "h",
    }


def test_older_feedback_gets_an_id_that_a_retry_gets_too() -> None:
    event: dict[str, object] = {
        "type": "decision",
        "prediction_id": "p1",
        "event_time": "2026-01-30T10:00:00Z",
        "overrides": True,
    }
    assert from_streams(event) == from_streams(dict(event))
    assert from_streams(event)["event_id"] == "p1/decision/2026-01-30T10:00:00Z"
    assert "overrides" not in from_streams(event)


@pytest.mark.parametrize("prediction_id", [None, "", True, 1.5])
def test_an_older_event_without_any_id_is_refused(prediction_id: object) -> None:
    with pytest.raises(Rejection, match="prediction_id"):
        from_streams({"type": "outcome", "prediction_id": prediction_id})


def older(stream: str) -> Iterator[bytes]:
    folder = SHARED / stream
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the shared stream {stream} is missing")
        pytest.skip(f"the shared stream {stream} is not beside the checkout")
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path) as lines:
            yield from (line.rstrip(b"\n") for line in lines)


@pytest.mark.parametrize(
    ("stream", "model", "numbers", "categories"),
    [
        ("dane_psa_judge", "psa-dmf", ("Age", "FTAScore"), ("DMFLevel",)),
        ("noaa_weather", "rain", ("feat_1", "feat_2"), ()),
        ("acs_ma_employment_dev", "ma-employment", ("AGEP",), ("SCHL", "MAR", "CIT")),
    ],
)
def test_the_shared_streams_are_stored_whole(
    stream: str, model: str, numbers: tuple[str, ...], categories: tuple[str, ...]
) -> None:
    messages = list(older(stream))
    contract = Contract(
        model,
        tuple(Feature(name, FeatureType.NUMBER) for name in numbers)
        + tuple(Feature(name, FeatureType.CATEGORY) for name in categories),
        ("0", "1"),
        "1",
        attributes=(Attribute("sex"), Attribute("race")),
    )
    models = {model: ModelEvents(contract, frozenset({"1"}))}
    reader = decoder(models=models, formats={"test": SourceFormat("streams", model)})
    decoded = reader.decode(batch(messages), now=datetime(2026, 1, 1, tzinfo=UTC))
    tally = decoded.tallies["t-0"]
    assert (tally.stored, tally.quarantined) == (len(messages), 0)
    rows = {row["offset"]: row for row in decoded.rows.to_pylist()}
    for offset, message in enumerate(messages):
        event, row = json.loads(message), rows[offset]
        assert (row["kind"], row["model"]) == (event["type"], model)
        assert row["violations"] is None
        if event["type"] == "prediction":
            assert row["event_id"] == event["prediction_id"]
            assert row["numeric"] == [event["features"][name] for name in numbers]
            assert row["category"] == [str(event["features"][name]) for name in categories]
            assert row["predicted_class"] == str(event["prediction"])
            assert row["confidence"] == event["confidence"]
        else:
            assert row["prediction_id"] == event["prediction_id"]
            assert row["label"] == (str(event["label"]) if "label" in event else None)
            assert row["decision"] == (str(event["decision"]) if "decision" in event else None)
