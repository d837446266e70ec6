"""A team's own JSON is described by paths, constants and conditions."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.cards.card import Card
from monitor.cards.load import load_cards
from monitor.cards.mapping import Constant, NumberText
from monitor.cards.paths import key_path, path_text
from monitor.errors import ConfigurationError

CARD = """\
model: credit
owner: {team: risk, mail: risk@example.org}
versions: [1]
contract:
  prediction: {classes: [reject, approve]}
  features: {age: {type: integer}, "net.income": {type: number}}
  attributes: {sex: {protected: true}}
events:
  mapping:
    prediction:
      when: {kind: score, body.final: true}
      time_format: unix_ms
      classes: {0: reject, 1: approve}
      event_id: payload.request.id
      event_time: payload.ts
      version: {const: "1"}
      prediction: payload.answers[0]."the.class"
      features: {age: payload.age, net.income: {number: "payload.rows[1]"}}
      attributes: payload.person
    outcome:
      when: {kind: truth}
      event_id: id
      event_time: at
      prediction_id: ref
      label: value
"""


NO_ORIGIN = "should be a path such as payload.id, {number: path} or {const: value}"


def load(folder: Path, text: str) -> Card:
    (folder / "credit.yaml").write_text(text)
    return load_cards(folder)["credit"]


def complaints(folder: Path, old: str, new: str) -> list[str]:
    assert old in CARD
    with pytest.raises(ConfigurationError) as caught:
        load(folder, CARD.replace(old, new))
    prefix = "events.mapping."
    return [f"{m.path.removeprefix(prefix)}: {m.message}" for m in caught.value.mistakes]


def test_paths_and_constants_are_parsed_once(tmp_path: Path) -> None:
    mapping = load(tmp_path, CARD).events.mapping
    assert mapping is not None
    assert list(mapping.kinds) == ["prediction", "outcome"]
    prediction = mapping.kinds["prediction"]
    assert dict(prediction.keys) == {
        "event_id": ("payload", "request", "id"),
        "event_time": ("payload", "ts"),
        "version": Constant("1"),
        "prediction": ("payload", "answers", 0, "the.class"),
    }
    assert dict(prediction.objects) == {
        "features": {"age": ("payload", "age"), "net.income": NumberText(("payload", "rows", 1))},
        "attributes": ("payload", "person"),
    }
    assert prediction.when == ((("kind",), "score"), (("body", "final"), True))
    assert prediction.classes == {"0": "reject", "1": "approve"}
    assert prediction.time_format == "unix_ms"
    assert dict(mapping.kinds["outcome"].keys)["label"] == ("value",)
    assert mapping.kinds["outcome"].time_format == "rfc3339"


def test_a_mapped_card_written_out_is_read_back_the_same(tmp_path: Path) -> None:
    card = load(tmp_path, CARD)
    value = card.model_dump(mode="json", by_alias=True, exclude_none=True)
    written = yaml.safe_dump(value, sort_keys=False)
    assert load(tmp_path, written).hash == card.hash


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "event_id: payload.request.id",
            "event_i: payload.request.id",
            [
                "prediction.event_id: is missing: path of the event's own id",
                'prediction.event_i: unknown key "event_i"; did you mean "event_id"?',
            ],
        ),
        (
            "label: value",
            "label: a..b",
            ["outcome.label: 'a..b' is no path: a key is missing at character 3"],
        ),
        (
            "label: value",
            "label: {const: 1, path: b}",
            [f"outcome.label: {NO_ORIGIN}"],
        ),
        (
            "when: {kind: truth}",
            "when: {kind: score, body.final: true}",
            ["outcome.when: is the same as that of prediction"],
        ),
        (
            "when: {kind: truth}",
            "when: {}",
            ["outcome: needs `when`, to be told from the other kinds"],
        ),
        (
            '{age: payload.age, net.income: {number: "payload.rows[1]"}}',
            "{agee: payload.age, net.income: x}",
            [
                'prediction.features: "age" of contract has no path; add it',
                'prediction.features.agee: "agee" is not declared in contract; did you mean "age"?',
            ],
        ),
        (
            "0: reject, 1: approve",
            "0: rejected, 1: approve",
            ['prediction.classes.0: "rejected" is none of the classes; did you mean "reject"?'],
        ),
        (
            "time_format: unix_ms",
            "time_format: unix_s\n      timezone: Europe/Berlin",
            ["prediction.timezone: has no effect with time_format: unix_s; leave one of them out"],
        ),
        (
            "time_format: unix_ms",
            "timezone: Berlin",
            ['prediction.timezone: "Berlin" is no time zone; write one such as Europe/Berlin'],
        ),
        (
            "time_format: unix_ms",
            "time_format: unix_millis",
            ['prediction.time_format: should not be "unix_millis"; did you mean "unix_ms"?'],
        ),
    ],
)
def test_a_mapping_that_cannot_work_is_told(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    assert complaints(tmp_path, old, new) == expected


def test_paths_by_hand() -> None:
    assert key_path("a") == ("a",)
    assert key_path("a.b[0][12].c") == ("a", "b", 0, 12, "c")
    assert key_path(r"a\.b.c") == ("a.b", "c")
    assert key_path('"a.b"[1]."say \\"hi\\""') == ("a.b", 1, 'say "hi"')
    assert key_path("with space.ünder") == ("with space", "ünder")


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a[", "a[x]", "a[-1]", "[0]", 'a"b"', '"a', "a]", "a\\"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        key_path(text)


KEYS = st.text(min_size=1)
PATHS = st.builds(lambda first, rest: (first, *rest), KEYS, st.lists(KEYS | st.integers(0, 999)))


@given(PATHS)
def test_a_path_written_is_read_back(path: tuple[str | int, ...]) -> None:
    assert key_path(path_text(path)) == path
