"""A card is read whole, or every mistake in every card is told at once."""

import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.cards.card import Card
from monitor.cards.contract import FeatureType
from monitor.cards.fit import source_mistakes
from monitor.cards.load import load_cards
from monitor.cards.schema import card_schema
from monitor.errors import ConfigurationError
from monitor.settings import Settings

FULL = """\
model: credit
owner: {team: lending-risk, mail: lending@example.org, pager: lending-oncall}
approver: head of lending
retrains: data science, each quarter
intended_use: ranks applications for review
limits: never for refusals without a person
tier: high
versions: [1, "2.10"]
contract:
  prediction:
    {classes: [reject, approve], positive: approve, threshold: 0.5, low_confidence: 0.6}
  features:
    age: {type: integer, range: [18, null], missing: 0.01}
    region: {type: category, categories: [n, s, no, 3]}
    income: {type: number}
    note: {type: category}
  attributes:
    sex: {protected: true, values: [f, m]}
    age_band: {protected: true, segment: true}
  intersections: [[sex, age_band]]
assumptions:
  - {text: Rates stay below 5 %, owner: lending, signal: drift, review_by: 2027-01-31}
label_horizon: 90d
reference: {window: {from: 2026-01-01T00:00:00Z, to: "2026-02-01T01:00:00+01:00"}}
windows: {profile: 15m, detect: 1h, publish: 1d}
lateness: 10m
fairness: {minimum_rows: 50, tolerance: 0.1}
retention: {events: 2w, quarantine: 30d}
privacy: {hash: [note, rationale], drop: [income]}
""".replace("events: 2w", "events: 500d")
LEAST: dict[str, Any] = {
    "model": "credit",
    "owner": {"team": "risk", "mail": "risk@example.org"},
    "versions": ["1"],
    "contract": {"prediction": {"classes": ["no", "yes"]}},
}


def card(**more: object) -> Card:
    return Card.model_validate({**LEAST, **more})


def contract(**more: object) -> dict[str, object]:
    return {**LEAST["contract"], **more}


def complaints(folder: Path, *texts: str) -> list[str]:
    for i, text in enumerate(texts):
        (folder / f"{i}.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_cards(folder)
    return [str(m).removeprefix(f"{folder}/") for m in caught.value.mistakes]


def messages(folder: Path, **more: object) -> list[str]:
    """Paths and messages of a card with these keys, without file and line."""
    lines = complaints(folder, yaml.safe_dump({**LEAST, **more}))
    return [line.split(": ", 1)[1] for line in lines]


def test_a_full_card_becomes_a_contract(tmp_path: Path) -> None:
    (tmp_path / "credit.yml").write_text(FULL)
    card = load_cards(tmp_path)["credit"]
    found = card.contract
    assert card.versions == ("1", "2.10")
    assert (found.classes, found.positive, found.threshold) == (
        ("reject", "approve"),
        "approve",
        0.5,
    )
    assert [f.name for f in found.features] == ["age", "region", "income", "note"]
    assert (found.features[0].low, found.features[0].high) == (18, None)
    assert found.features[0].missing == 0.01
    assert found.features[1].categories == ("n", "s", "no", "3")
    assert [f.name for f in found.category] == ["region", "note"]
    assert found.attributes[0].values == ("f", "m")
    assert found.attributes[1].segment
    assert card.declaration.intersections == (("sex", "age_band"),)
    assert card.assumptions[0].review_by == date(2027, 1, 31)
    assert card.reference is not None
    assert card.reference.window is not None
    assert card.reference.window.end == datetime(2026, 2, 1, tzinfo=UTC)
    assert card.windows.profile == timedelta(minutes=15)


def test_the_least_card_has_the_documented_defaults() -> None:
    least = card()
    assert least.tier == "medium"
    assert least.contract.positive == "yes"
    assert least.contract.threshold is None
    assert least.windows.publish == timedelta(days=1)
    assert least.lateness == timedelta(minutes=10)
    assert least.fairness.minimum_rows == 30
    assert least.reference is None


def test_numbers_and_truths_name_classes_as_events_do() -> None:
    assert card(contract={"prediction": {"classes": [0, 1]}}).contract.classes == ("0", "1")
    found = card(contract={"prediction": {"classes": [False, True]}}).contract
    assert (found.classes, found.positive) == (("false", "true"), "true")
    assert card(contract={"prediction": {"classes": ["a", "b", "c"]}}).contract.positive is None


def test_a_number_may_be_predicted() -> None:
    found = card(contract={"prediction": {"number": {"low": 0, "unit": "EUR"}}}).contract
    assert (found.classes, found.positive) == ((), None)


def test_the_hash_changes_with_the_meaning_alone() -> None:
    assert card().hash == card(tier="medium", lateness="600s").hash
    assert card().hash != card(tier="high").hash
    one, other = {"a": {"type": "number"}}, {"b": {"type": "number"}}
    assert (
        card(contract=contract(features={**one, **other})).hash
        != card(contract=contract(features={**other, **one})).hash
    )
    assert len(card().hash) == 16


def test_a_card_reaches_child_processes(tmp_path: Path) -> None:
    (tmp_path / "credit.yml").write_text(FULL)
    found = load_cards(tmp_path)["credit"]
    assert found.hash
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_card_written_out_is_read_back_the_same(tmp_path: Path) -> None:
    (tmp_path / "credit.yml").write_text(FULL)
    found = load_cards(tmp_path)["credit"]
    assert Card.model_validate(found.model_dump(mode="json", by_alias=True)).hash == found.hash


def test_the_mistakes_of_all_cards_come_at_once(tmp_path: Path) -> None:
    first = """\
model: credit
ower: {team: risk, mail: risk@example.org}
versions: []
contract:
  prediction: {classes: [a, b]}
  features:
    age: {type: integr}
    income: {type: number, range: [1]}
"""
    second = "model: [\n"
    third = (
        'model: credit\nowner: {team: "", mail: nobody, phone: 1}\nversions: [1]\n'
        "contract: {prediction: {}}\n"
    )
    assert complaints(tmp_path, first, second, third) == [
        "0.yaml:1: owner: is missing: who answers for the model: {team, mail, pager}",
        '0.yaml:2: ower: unknown key "ower"; did you mean "owner"?',
        "0.yaml:3: versions: should hold at least 1",
        '0.yaml:7: contract.features.age.type: should not be "integr"; did you mean "integer"?',
        "0.yaml:8: contract.features.income.range[1]: has too few values",
        "1.yaml:2: is not YAML: did not find expected node content",
        '2.yaml:1: model: "credit" has a card already: ' + f"{tmp_path}/0.yaml; keep one",
        '2.yaml:2: owner.mail: "nobody" is no mail address; write one: team@example.org',
        '2.yaml:2: owner.phone: unknown key "phone"; known: mail, pager, team',
        "2.yaml:2: owner.team: should not be empty",
        "2.yaml:4: contract.prediction: needs exactly one of classes or number; found none",
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"versions": [1.1]},
            ['versions[0]: should be in quotes, or 1.10 becomes 1.1: "1.1"'],
        ),
        ({"versions": ["1", 1]}, ['versions: "1" stands twice']),
        ({"model": "a@b"}, ["model: should be a name of at most 128 characters without @"]),
        (
            {"tier": "hihg"},
            ['tier: should not be "hihg"; did you mean "high"?'],
        ),
        (
            {"owner": {"team": "FILL-IN", "mail": "FILL-IN"}},
            [
                "owner.mail: is still to be filled in; replace FILL-IN",
                "owner.team: is still to be filled in; replace FILL-IN",
            ],
        ),
        (
            {"reference": {"window": {"from": "2026-01-01T00:00:00", "to": 5}}},
            [
                (
                    'reference.window.from: "2026-01-01T00:00:00" has no zone; '
                    "write it with Z or an offset: 2026-01-01T00:00Z"
                ),
                "reference.window.to: 5 is no time; write 2026-01-31T00:00:00Z",
            ],
        ),
        (
            {"alarms": {"pages_per_month": 40}, "windows": {"detect": "1d"}},
            [
                (
                    "alarms.pages_per_month: is more than the windows of 30 days "
                    "(windows.detect), each of which would page; at most 30"
                ),
            ],
        ),
        (
            {"reference": {"version": 7}},
            ['reference.version: "7" is none of versions; known: 1'],
        ),
        (
            {"reference": {"version": 1, "file": "x"}},
            ["reference: needs exactly one of file, window or version; found file and version"],
        ),
        (
            {"windows": {"profile": "7m", "detect": "1h", "publish": "90m"}},
            [
                "windows.detect: 1h is no whole multiple of profile, 7m",
                "windows.profile: 7m does not part an hour, a day or days evenly",
                "windows.publish: 90m is no whole multiple of detect, 1h",
            ],
        ),
        (
            {"windows": {"profile": "1h", "detect": "5h", "publish": "36h"}},
            [
                "windows.detect: 5h does not part an hour, a day or days evenly",
                "windows.publish: 36h does not part an hour, a day or days evenly",
            ],
        ),
        (
            {"retention": {"events": "10d"}},
            [
                (
                    "retention.events: is shorter than label_horizon and the publish window; "
                    "at least 91d"
                )
            ],
        ),
        (
            {"fairness": {"minimum_rows": 0, "tolerance": 5}},
            [
                "fairness.minimum_rows: should be at least 1, not 0",
                "fairness.tolerance: should be at most 1, not 5",
            ],
        ),
        (
            {"assumptions": [{"text": "x", "review_by": 2027}]},
            ["assumptions[0].review_by: 2027 is no day; write 2026-01-31"],
        ),
    ],
)
def test_a_mistake_is_told_in_plain_words(
    tmp_path: Path, more: dict[str, object], expected: list[str]
) -> None:
    assert messages(tmp_path, **more) == expected


def test_contradictions_inside_the_contract_are_told_together(tmp_path: Path) -> None:
    declared = {
        "prediction": {"classes": ["a", "b", "c"], "positive": "a", "threshold": 0.5},
        "features": {
            "x": {"type": "category", "range": [1, 2]},
            "y": {"type": "number", "categories": ["a"]},
            "z": {"type": "number", "range": [2, 1]},
            "w": {"type": "category", "categories": ["1", 1]},
            "": {"type": "number"},
        },
    }
    assert messages(tmp_path, contract=declared) == [
        "contract.features.: should not be empty",
        'contract.features.w.categories: "1" stands twice',
        "contract.features.x.range: has no meaning for a category; remove it",
        "contract.features.y.categories: needs type: category",
        "contract.features.z.range: goes from 2 down to 1; swap them",
        "contract.prediction.positive: has a meaning only with two classes; remove it",
        "contract.prediction.threshold: has a meaning only with two classes; remove it",
    ]


def test_names_that_point_at_nothing_are_told(tmp_path: Path) -> None:
    declared = contract(
        features={"age": {"type": "number"}, "job": {"type": "category", "categories": ["x"]}},
        attributes={"sex": {}, "race": {}},
        intersections=[["sex", "rase"], ["sex"]],
    )
    assert messages(tmp_path, contract=declared) == [
        'contract.intersections[0]: "rase" is no attribute of this card; did you mean "race"?',
        "contract.intersections[1]: should hold two or more different attributes",
    ]
    declared["intersections"] = []
    assert messages(tmp_path, contract=declared, privacy={"hash": ["age", "job", "raton"]}) == [
        "privacy.hash[0]: is a number, which has no hash; drop it instead",
        "privacy.hash[1]: is hashed and has declared categories; keep one",
        'privacy.hash[2]: "raton" is no column or feature; did you mean "rationale"?',
    ]


@given(data=st.data())
def test_a_misspelt_key_is_always_named_with_the_right_one(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "misspelt"
    folder.mkdir(exist_ok=True)
    key = data.draw(st.sampled_from(["approver", "retrains", "label_horizon", "assumptions"]))
    at = data.draw(st.integers(min_value=0, max_value=len(key) - 2))
    swapped = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    misspelt = data.draw(st.sampled_from([key[:at] + key[at + 1 :], swapped + "x", key.title()]))
    found = messages(folder, **{misspelt: "x"})
    assert f'{misspelt}: unknown key "{misspelt}"; did you mean "{key}"?' in found


@given(
    st.sampled_from([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440]),
    st.integers(min_value=1, max_value=10**6),
)
def test_windows_never_straddle_midnight_in_part(minutes: int, index: int) -> None:
    text = f"{minutes}m"
    windows = card(windows={"profile": text, "detect": "1d", "publish": "1d"}).windows
    start = datetime.fromtimestamp(0, UTC) + index * windows.profile
    last = start + windows.profile - timedelta(microseconds=1)
    assert start.date() == last.date()


def test_a_folder_without_cards_is_told_with_a_remedy(tmp_path: Path) -> None:
    assert "mbm models init" in complaints(tmp_path)[0]
    with pytest.raises(ConfigurationError, match="is no folder of cards: No such file"):
        load_cards(tmp_path / "none")


def test_other_files_beside_the_cards_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "credit.yaml").write_text(FULL)
    (tmp_path / ".credit.yaml").write_text("broken: [")
    (tmp_path / "README.md").write_text("cards")
    (tmp_path / "..data.yaml").mkdir()
    assert list(load_cards(tmp_path)) == ["credit"]


def test_cards_come_in_the_order_of_their_files(tmp_path: Path) -> None:
    for file, model in (("b", "first"), ("a", "second")):
        text = yaml.safe_dump({**LEAST, "model": model})
        (tmp_path / f"{file}.yaml").write_text(text)
    assert list(load_cards(tmp_path)) == ["second", "first"]


def test_the_schema_accepts_what_loads_and_refuses_what_does_not() -> None:
    schema = card_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    # Editors read dates and times as text; PyYAML's loader would make objects of them.
    value = yaml.load(FULL, Loader=yaml.BaseLoader)
    value["contract"]["features"]["age"] |= {"range": [18, None], "missing": 0.01}
    value["contract"]["prediction"] |= {"threshold": 0.5, "low_confidence": 0.6}
    value["fairness"] = {"minimum_rows": 50, "tolerance": 0.1}
    value["contract"]["attributes"] = {"sex": {"protected": True}}
    jsonschema.validate(value, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**LEAST, "ower": 1}, schema)
    assert schema["properties"]["windows"]["default"]["profile"] == "5m"


def test_a_source_must_name_a_model_that_has_what_it_wants() -> None:
    source = {"stdin": {}, "format": "mapping", "model": "credit"}
    settings = Settings.model_validate({"store": "x", "cards": "y", "sources": {"in": source}})
    (lacking,) = source_mistakes("service.yaml", settings, {"credit": card()})
    assert "no events.mapping" in lacking.message
    (unknown,) = source_mistakes("service.yaml", settings, {"credits": card()})
    assert 'did you mean "credits"?' in unknown.message
    mapping = {"event_id": "id", "event_time": "at", "prediction_id": "p", "label": "y"}
    whole = card(events={"mapping": {"outcome": mapping}})
    assert source_mistakes("service.yaml", settings, {"credit": whole}) == []


@pytest.mark.parametrize("feature", list(FeatureType))
def test_every_type_of_feature_can_be_declared(feature: FeatureType) -> None:
    found = card(contract=contract(features={"x": {"type": feature.value}})).contract
    assert found.features[0].type is feature


def test_nothing_of_a_card_can_be_changed() -> None:
    change: Callable[[], None] = lambda: setattr(card(), "tier", "low")  # noqa: E731
    with pytest.raises(ValueError, match="frozen"):
        change()
