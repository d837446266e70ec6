"""A first card says what the sample showed, asks what only people know, invents no ranges."""

import gzip
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cards.card import Card
from monitor.cards.contract import FeatureType
from monitor.cards.infer import first_cards, quoted
from monitor.cards.load import load_cards
from monitor.errors import ConfigurationError, SourceError
from monitor.settings.document import read_document

START = datetime(2026, 1, 1, tzinfo=UTC)
STREAMS = Path(__file__).parents[2].parent / "shared" / "data"


def prediction(number: int = 0, **keys: object) -> dict[str, object]:
    return {
        "type": "prediction",
        "event_id": f"p{number}",
        "event_time": (START + timedelta(minutes=number)).isoformat(),
        "model": "credit",
        "version": "1",
        "features": {},
        "prediction": "approve" if number % 2 else "reject",
        **keys,
    }


def outcome(number: int = 0, **keys: object) -> dict[str, object]:
    return {
        "type": "outcome",
        "event_id": f"o{number}",
        "prediction_id": f"p{number}",
        "event_time": (START + timedelta(days=20)).isoformat(),
        "label": "approve",
        **keys,
    }


def text_of(events: list[dict[str, object]]) -> str:
    (text,) = first_cards(events, team="risk", mail="risk@example.org").values()
    return text


def loaded(folder: Path, events: list[dict[str, object]]) -> Card:
    (folder / "card.yaml").write_text(text_of(events), "utf-8")
    (card,) = load_cards(folder).values()
    return card


def features(folder: Path, *rows: Mapping[str, object]) -> Card:
    return loaded(folder, [prediction(i, features=dict(row)) for i, row in enumerate(rows)])


def test_a_first_card_is_refused_until_its_owner_is_filled_in(tmp_path: Path) -> None:
    (text,) = first_cards([prediction(0), prediction(1)]).values()
    (tmp_path / "card.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_cards(tmp_path)
    assert [m.path for m in caught.value.mistakes] == ["owner.team", "owner.mail"]
    (tmp_path / "card.yaml").write_text(text.replace("FILL-IN", "risk@example.org"))
    assert list(load_cards(tmp_path)) == ["credit"]


def test_types_follow_the_json(tmp_path: Path) -> None:
    rows = [
        {"whole": i, "real": i / 2, "flag": i > 3, "word": "ab"[i % 2], "mixed": [1, "x"][i % 2]}
        for i in range(8)
    ]
    card = features(tmp_path, *rows)
    assert {f.name: f.type for f in card.contract.features} == {
        "whole": FeatureType.INTEGER,
        "real": FeatureType.NUMBER,
        "flag": FeatureType.BOOLEAN,
        "word": FeatureType.CATEGORY,
        "mixed": FeatureType.CATEGORY,
    }
    assert card.contract.features[3].categories == ("a", "b")
    assert all(f.low is None and f.high is None for f in card.contract.features)


def test_ids_are_not_taken_for_categories(tmp_path: Path) -> None:
    few = features(tmp_path, *({"id": f"customer {i}"} for i in range(10)))
    assert few.contract.features[0].categories is None
    many = features(tmp_path, *({"id": f"town {i % 40}"} for i in range(200)))
    assert many.contract.features[0].categories is None


def test_comments_tell_what_was_seen() -> None:
    rows = [{"age": 20 + i, "code": i % 3, "gone": None if i % 4 else 1} for i in range(100)]
    text = text_of([prediction(i, features=row) for i, row in enumerate(rows)])
    assert "age: {type: integer}   # seen 20 to 119; never missing" in text
    assert "3 different values: if they are codes, write type: category; seen 0 to 2" in text
    assert "gone: {type: integer}   # seen 1 to 1; missing in 75 %" in text


def test_what_is_no_value_makes_no_type(tmp_path: Path) -> None:
    rows = ({"a": None, "b": float("nan"), "c": 10**400, "d": [1], "e": 1.5} for _ in range(3))
    card = features(tmp_path, *rows)
    assert [f.name for f in card.contract.features] == ["a", "b", "c", "e"]


def test_the_positive_class_is_the_one_with_the_higher_probability(tmp_path: Path) -> None:
    events = [prediction(0, probability=0.9), prediction(1, probability=0.1)]
    found = loaded(tmp_path, events).contract
    assert found.classes == ("approve", "reject")
    assert (found.positive, found.threshold) == ("reject", 0.5)


def test_without_probabilities_the_name_tells_the_positive_class(tmp_path: Path) -> None:
    found = loaded(tmp_path, [prediction(0), prediction(1)]).contract
    assert (found.positive, found.threshold) == ("approve", None)


def test_another_threshold_is_a_comment_only(tmp_path: Path) -> None:
    events = [prediction(0, probability=0.1), prediction(1, probability=0.3)]
    assert loaded(tmp_path, events).contract.threshold is None
    assert "# threshold: between 0.1 and 0.3 in the sample" in text_of(events)


def test_labels_complete_the_classes(tmp_path: Path) -> None:
    events = [outcome(0), prediction(0, prediction="reject")]
    assert loaded(tmp_path, events).contract.classes == ("approve", "reject")
    only = loaded(tmp_path, [prediction(0, prediction=0)])
    assert only.contract.classes == ("0", "1")


def test_many_numbers_are_a_predicted_number(tmp_path: Path) -> None:
    assert loaded(tmp_path, [prediction(0, prediction=0.25)]).contract.classes == ()
    prices = [prediction(i, prediction=i) for i in range(50)]
    assert loaded(tmp_path, prices).contract.classes == ()


def test_attributes_that_laws_protect_are_protected(tmp_path: Path) -> None:
    names = ["sex", "age_band", "PatientRace", "agency", "language", "region"]
    event = prediction(attributes=dict.fromkeys(names, "x"))
    attributes = loaded(tmp_path, [event, prediction(1)]).contract.attributes
    assert [a.name for a in attributes if a.protected] == ["sex", "age_band", "PatientRace"]
    assert [a.name for a in attributes if a.segment] == ["agency", "language", "region"]


@pytest.mark.parametrize(
    ("gap", "detect"),
    [
        (timedelta(seconds=10), timedelta(hours=1)),
        (timedelta(minutes=3), timedelta(hours=6)),
        (timedelta(minutes=10), timedelta(days=1)),
        (timedelta(hours=1), timedelta(days=7)),
        (timedelta(days=1), timedelta(days=28)),
    ],
)
def test_thin_traffic_takes_longer_windows(
    tmp_path: Path, gap: timedelta, detect: timedelta
) -> None:
    events = [prediction(i, event_time=(START + i * gap).isoformat()) for i in range(1000)]
    assert loaded(tmp_path, events).windows.detect == detect


def test_the_label_horizon_covers_the_longest_wait_seen(tmp_path: Path) -> None:
    waited = loaded(tmp_path, [prediction(0), prediction(1), outcome(0)])
    assert waited.label_horizon == timedelta(days=30)
    late = outcome(0, event_time="2028-06-01T00:00:00Z")
    assert loaded(tmp_path, [prediction(0), prediction(1), late]).label_horizon.days == 1825


@pytest.mark.parametrize(
    ("hours", "after"),
    [
        ([1], timedelta(hours=1)),
        ([*range(1, 11)], timedelta(hours=9)),
        ([*range(1, 12)], timedelta(hours=10)),
        ([*(24 * day + 1 for day in range(1, 21))], timedelta(days=19)),
        ([3.5] * 9 + [400], timedelta(hours=4)),
    ],
)
def test_outcomes_are_read_when_nine_tenths_were_there(
    tmp_path: Path, hours: list[float], after: timedelta
) -> None:
    events = [prediction(k) for k in range(len(hours))]
    times = [datetime.fromisoformat(str(one["event_time"])) for one in events]
    for k, (time, span) in enumerate(zip(times, hours, strict=True)):
        events.append(outcome(k, event_time=(time + timedelta(hours=span)).isoformat()))
    (text,) = first_cards(events).values()
    assert "90% of the sample's outcomes came by then" in text
    assert loaded(tmp_path, events).labels_after == after


def test_without_outcomes_the_card_says_what_to_set(tmp_path: Path) -> None:
    (text,) = first_cards([prediction(0), prediction(1)]).values()
    assert "# alarms: {labels_after: 30d}" in text
    card = loaded(tmp_path, [prediction(0), prediction(1)])
    assert card.labels_after == card.label_horizon


@pytest.mark.parametrize(
    ("days", "daily", "kept"),
    [(3, 20, 400), (300, 20, 400), (371, 20, 1095), (729, 20, 1095), (14_507, 1, 14_965)],
)
def test_a_long_history_is_kept(tmp_path: Path, days: int, daily: int, kept: int) -> None:
    count = days * daily
    times = (START + k * timedelta(days=days) / count for k in range(count + 1))
    events = [prediction(k, event_time=time.isoformat()) for k, time in enumerate(times)]
    assert loaded(tmp_path, events).retention.events == timedelta(days=kept)
    assert (f"reaches back {days} days" in text_of(events)) == (kept > 400)


def test_each_model_of_the_sample_gets_its_own_card() -> None:
    events: list[dict[str, object]] = [
        outcome(1, label="maybe"),
        prediction(0),
        prediction(1, model="other", version=2),
        outcome(0),
        {"type": "deployment", "model": "third"},
    ]
    texts = first_cards(events)
    assert list(texts) == ["credit", "other"]
    assert "classes: [approve, reject]" in texts["credit"]
    assert "classes: [approve, maybe]" in texts["other"]
    assert 'versions: ["2"]' in texts["other"]


def test_a_sample_without_predictions_is_told_with_a_remedy() -> None:
    with pytest.raises(SourceError, match="where their values stand with --mapping"):
        first_cards([{"kind": "score"}])


def test_times_that_cannot_be_read_are_told_with_a_remedy() -> None:
    event = {"type": "prediction", "model": "loan", "event_time": "2026-08-03 08:00:00"}
    with pytest.raises(SourceError, match=r"one holds '2026-08-03 08:00:00'.*timezone: UTC"):
        first_cards([event])


@given(st.text())
def test_any_text_is_written_so_that_it_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "quoted.yaml"
    path.write_bytes(f"a: [{quoted(text)}, {{{quoted(text)}: 1}}]   # end\n".encode())
    document = read_document(path)
    assert document.mistakes == ()
    assert document.value == {"a": [text, {text: 1}]}


def test_a_name_that_is_kept_for_segments_is_no_attribute(tmp_path: Path) -> None:
    events = [prediction(k, attributes={"@team": "a", "sex": "f"}) for k in range(2)]
    assert [a.name for a in loaded(tmp_path, events).contract.attributes] == ["sex"]
    assert '# "@team" begins like names of segments' in text_of(events)


@given(
    st.lists(
        st.dictionaries(
            st.text(min_size=1),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            max_size=4,
        ),
        min_size=2,
        max_size=8,
    )
)
def test_every_sample_makes_a_card_that_loads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "samples"
    folder.mkdir(exist_ok=True)
    events = [prediction(i, features=row, attributes=row) for i, row in enumerate(rows)]
    names = {name for row in rows for name in row}
    assert {f.name for f in loaded(folder, events).contract.features} == names


def stream(name: str) -> Iterator[dict[str, object]]:
    for file in sorted((STREAMS / name).glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


@pytest.mark.skipif(
    not STREAMS.is_dir() and os.environ.get("CI") != "true",
    reason="the shared streams are not beside the checkout",
)
@pytest.mark.parametrize(
    ("name", "model", "numeric", "protected", "horizon"),
    [
        ("dane_psa_judge", "psa-dmf", 16, ["sex", "race", "age_band"], 180),
        ("noaa_weather", "rain", 8, [], 1),
    ],
)
def test_a_shared_stream_makes_a_card_that_loads(
    tmp_path: Path, name: str, model: str, numeric: int, protected: list[str], horizon: int
) -> None:
    card = loaded(tmp_path, list(stream(name)))
    assert card.model == model
    assert len(card.contract.numeric) == numeric
    assert [a.name for a in card.contract.attributes if a.protected] == protected
    assert (card.contract.classes, card.contract.positive) == (("0", "1"), "1")
    assert card.label_horizon.days == horizon
