"""The card's section `review` becomes a policy, or every mistake in it is told at once."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
import yaml

from monitor.cards.card import Card
from monitor.cards.infer import first_cards
from monitor.cards.load import load_cards
from monitor.cards.policy import Condition, Of, Rule
from monitor.cards.schema import card_schema
from monitor.errors import ConfigurationError
from monitor.events.identity import identities
from monitor.profiles.policy import is_sampled

Json = dict[str, Any]
LEAST: Json = {
    "model": "credit",
    "owner": {"team": "risk", "mail": "risk@example.org"},
    "versions": ["1"],
    "contract": {
        "prediction": {"classes": ["no", "yes"]},
        "features": {
            "amount": {"type": "number"},
            "known": {"type": "boolean"},
            "purpose": {"type": "category", "categories": ["car", "home"]},
            "note": {"type": "category"},
        },
        "attributes": {"sex": {"values": ["f", "m"]}, "branch": {}},
    },
}


def review(*conditions: Json, **more: object) -> Json:
    """A section with one rule of these conditions."""
    return {"within": "4h", "rules": [{"all": list(conditions)}], **more}


def card(section: Json, **more: object) -> Card:
    return Card.model_validate({**LEAST, **more, "review": section})


def complaints(folder: Path, section: object, **more: object) -> list[str]:
    (folder / "card.yaml").write_text(yaml.safe_dump({**LEAST, **more, "review": section}))
    with pytest.raises(ConfigurationError) as caught:
        load_cards(folder)
    return [str(m).split(": ", 1)[1] for m in caught.value.mistakes]


def test_a_section_becomes_a_policy() -> None:
    found = card(
        {
            "within": "4h",
            "sample": 0.02,
            "roles": ["senior"],
            "tolerance": "5s",
            "since": "2026-01-01T00:00:00Z",
            "rules": [
                {"name": "unsure", "all": [{"of": "confidence", "below": 0.6}]},
                {
                    "all": [
                        {"feature": "amount", "between": [5, 10]},
                        {"feature": "known", "one_of": [False]},
                        {"attribute": "sex", "one_of": ["f"]},
                        {"of": "probability", "at_least": 0.9},
                        {"of": "probability", "class": "no", "below": 1},
                        {"feature": "note", "is_missing": True},
                        {"feature": "amount", "one_of": [1, 2.5]},
                    ]
                },
            ],
        }
    ).policy
    assert found is not None
    assert found.reasons == (
        "unsure",
        (
            "amount from 5 to below 10 and known false and sex f and probability at least 0.9 and "
            "probability of no below 1 and note missing and amount 1 or 2.5"
        ),
        "sample",
    )
    assert found.rules[0] == Rule("unsure", (Condition(Of.CONFIDENCE, high=0.6),))
    assert found.rules[1].conditions == (
        Condition(Of.FEATURE, "amount", 5, 10),
        Condition(Of.FEATURE, "known", one_of=(0.0,)),
        Condition(Of.ATTRIBUTE, "sex", one_of=("f",)),
        Condition(Of.PROBABILITY, "yes", 0.9),
        Condition(Of.PROBABILITY, "no", high=1),
        Condition(Of.FEATURE, "note", is_missing=True),
        Condition(Of.FEATURE, "amount", one_of=(1.0, 2.5)),
    )
    assert (found.within, found.tolerance) == (timedelta(hours=4), timedelta(seconds=5))
    assert (found.sample, found.roles) == (0.02, ("senior",))
    assert found.since == datetime(2026, 1, 1, tzinfo=UTC)


def test_without_the_section_there_is_no_policy_and_with_little_there_are_defaults() -> None:
    assert Card.model_validate(LEAST).policy is None
    found = card({"within": "1d", "sample": 0.5}).policy
    assert found is not None
    assert (found.rules, found.roles, found.since) == ((), (), None)
    assert found.tolerance == timedelta(minutes=1)


def test_a_card_with_a_policy_written_out_is_read_back_the_same() -> None:
    one = card(review({"of": "probability", "class": "no", "between": [0.1, 0.2]}))
    assert Card.model_validate(one.model_dump(mode="json", by_alias=True)).hash == one.hash
    assert one.hash != Card.model_validate(LEAST).hash


ONE = "needs exactly one of below, at_least, between, one_of or is_missing; found"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            {"below": 1},
            ": needs exactly one of of, feature or attribute; found none",
        ),
        (
            {"of": "risk", "feature": "amount", "one_of": ["1"]},
            ": needs exactly one of of, feature or attribute; found of and feature",
        ),
        ({"of": "score"}, f": {ONE} none"),
        ({"of": "score", "below": 1, "at_least": 0}, f": {ONE} below and at_least"),
        ({"of": "odds", "below": 1}, '.of: should not be "odds"; known: confidence, prediction, '),
        (
            {"of": "score", "between": [2, 1]},
            ".between: goes from 2 to 1; low should be below high",
        ),
        ({"of": "score", "between": [1]}, ".between[1]: has too few values"),
        ({"of": "score", "one_of": [1, "1"]}, '.one_of: "1" stands twice'),
        ({"of": "score", "one_of": []}, ".one_of: should hold at least 1"),
        (
            {"of": "score", "class": "no", "below": 1},
            ".class: has a meaning only with of: probability; remove it",
        ),
        (
            {"feature": "amuont", "below": 1},
            '.feature: "amuont" is no feature of this card; did you mean "amount"?',
        ),
        (
            {"attribute": "sx", "one_of": ["f"]},
            '.attribute: "sx" is no attribute of this card; did you mean "sex"?',
        ),
        (
            {"attribute": "sex", "one_of": ["x", "f"]},
            '.one_of[0]: "x" is none of its values; known: f, m',
        ),
        (
            {"feature": "purpose", "one_of": ["cat"]},
            '.one_of[0]: "cat" is none of its values; did you mean "car"?',
        ),
        (
            {"of": "prediction", "one_of": ["yse"]},
            '.one_of[0]: "yse" is none of its values; did you mean "yes"?',
        ),
        (
            {"feature": "known", "one_of": ["1"]},
            '.one_of[0]: "1" is none of its values; known: false, true',
        ),
        ({"feature": "amount", "one_of": ["a"]}, '.one_of[0]: "a" is no number'),
        (
            {"of": "risk", "at_least": 3},
            ".at_least: has a meaning only for numbers; here: one_of and is_missing",
        ),
        (
            {"of": "confidence", "below": 60},
            ".below: should lie between 0 and 1, as every confidence does",
        ),
        (
            {"of": "probability", "class": "q", "below": 0.5},
            '.class: "q" is none of the classes; known: no, yes',
        ),
        (
            {"of": "score", "below": "import os"},
            '.below: should be a number, not "import os"',
        ),
    ],
)
def test_a_mistake_in_a_condition_is_told_with_its_path(
    tmp_path: Path, condition: Json, expected: str
) -> None:
    (found,) = complaints(tmp_path, review(condition))
    assert found.startswith(f"review.rules[0].all[0]{expected}")


def test_mistakes_of_several_rules_come_at_once(tmp_path: Path) -> None:
    section = {
        "within": "200d",
        "roles": ["senior"],
        "rules": [
            {"all": [{"feature": "note", "one_of": ["x"]}, {"of": "risk", "is_missing": False}]},
            {"all": [{"of": "risk", "one_of": ["high"]}, {"feature": "amount", "below": 1}]},
        ],
    }
    privacy = {"hash": ["note", "reviewer_role"], "drop": ["amount", "risk"]}
    assert complaints(tmp_path, section, privacy=privacy) == [
        "review.roles: cannot be told apart: privacy hashes or drops reviewer_role",
        (
            'review.rules[0].all[0].feature: "note" is hashed by privacy; only is_missing can be '
            "asked of it"
        ),
        'review.rules[0].all[1].of: "risk" is dropped by privacy, so that no rule can see it',
        'review.rules[1].all[0].of: "risk" is dropped by privacy, so that no rule can see it',
        (
            'review.rules[1].all[1].feature: "amount" is dropped by privacy, so that no rule can '
            "see it"
        ),
        "review.within: with tolerance is longer than label_horizon, 90d",
    ]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"within": "4h"}, "review: asks for no review; add rules or a sample"),
        ({"sample": 0.1}, "review.within: is missing: time that a review may take, from the"),
        (
            {"within": "0s", "sample": 0.1},
            "review.within: should be longer than nothing",
        ),
        ({"within": "4h", "sample": 2}, "review.sample: should be at most 1, not 2"),
        (
            {"within": "4h", "sample": 0.1, "roles": ["a", "a"]},
            'review.roles: "a" stands twice',
        ),
        (
            {"within": "4h", "rules": [{"name": "a", "all": []}]},
            "review.rules[0].all: should hold at least 1",
        ),
        (
            review({"of": "score", "below": 1}, ruels=[]),
            'review.ruels: unknown key "ruels"; did you mean "rules"?',
        ),
        (
            {"within": "4h", "rules": [{"all": [{"of": "score", "below": 1}]}] * 2},
            'review.rules[1]: "score below 1" names something else already',
        ),
        (
            {"within": "4h", "rules": [{"name": "sample", "all": [{"of": "score", "below": 1}]}]},
            'review.rules[0]: "sample" names something else already',
        ),
    ],
)
def test_a_mistake_in_the_section_is_told(tmp_path: Path, section: Json, expected: str) -> None:
    (found,) = complaints(tmp_path, section)
    assert found.startswith(expected)


def test_several_classes_need_the_class_and_a_number_has_no_probability(tmp_path: Path) -> None:
    many = {"prediction": {"classes": ["a", "b", "c"]}}
    condition = {"of": "probability", "below": 0.5}
    (found,) = complaints(tmp_path, review(condition), contract=many)
    assert found.endswith("needs class: of which class it is the probability, a, b, c")
    number: Json = {"prediction": {"number": {}}}
    (found,) = complaints(tmp_path, review(condition), contract=number)
    assert found.endswith("is not known of a predicted number; compare prediction or score")
    fine = card(review({"of": "prediction", "at_least": 100}), contract=number).policy
    assert fine is not None
    assert fine.rules[0].conditions == (Condition(Of.PREDICTION, low=100),)


def test_the_schema_accepts_what_loads_and_refuses_what_does_not() -> None:
    validator = jsonschema.Draft202012Validator(card_schema())
    good = review({"of": "probability", "class": "no", "between": [0.1, 0.2]}, sample=0.1)
    validator.validate({**LEAST, "review": good})
    bad_ones: tuple[Json, ...] = (
        review({"of": "odds", "below": 1}),
        review({"of": "score", "below": "1"}),
        review({"of": "score", "python": "x"}),
        {"rules": []},
    )
    for bad in bad_ones:
        assert not validator.is_valid({**LEAST, "review": bad})


def test_a_first_card_shows_a_section_that_loads() -> None:
    event = {
        "type": "prediction",
        "event_id": "1",
        "event_time": "2026-01-01T00:00:00Z",
        "model": "m",
        "version": "1",
        "prediction": "yes",
        "probability": 0.7,
    }
    (text,) = first_cards([event, {**event, "prediction": "no", "probability": 0.2}]).values()
    shown = text[text.index("# review:") :].splitlines()
    section = yaml.safe_load("\n".join(line[2:] for line in shown))["review"]
    assert card(section).policy is not None


DOCUMENT = (Path(__file__).parents[2] / "docs/explanation/review.md").read_text()


def test_the_policy_of_the_documentation_loads() -> None:
    shown = re.search(r"```yaml\n(review:.*?)```", DOCUMENT, re.DOTALL)
    assert shown is not None
    features = {"loan_amount": {"type": "number"}, "existing_customer": {"type": "boolean"}}
    contract = {**LEAST["contract"], "features": features}
    found = card(yaml.safe_load(shown[1])["review"], contract=contract).policy
    assert found is not None
    assert found.reasons == ("unsure", "large and new", "the caller says so", "sample")


def test_the_sample_of_the_documentation_is_the_one_that_is_audited() -> None:
    shown = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert shown is not None
    names: dict[str, Any] = {}
    exec(shown[1], names)
    ids = [f"ördér-{n}" for n in range(2_000)]
    low = identities(pa.array(ids))[1]
    for share in (0.0, 0.02, 0.5, 1.0):
        assert is_sampled(low, share).tolist() == [names["is_sampled"](i, share) for i in ids]
