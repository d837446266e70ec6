"""The card's sections about who reviews and who uses are checked, and decide what is profiled."""

from dataclasses import replace
from datetime import timedelta

import pytest
import yaml
from pydantic import ValidationError

from monitor.cards.card import Card
from monitor.jobs.plan import feedback_plan, identity, inputs_plan

PLAIN = """\
model: m
owner: {team: t, mail: t@example.org}
versions: ["1"]
contract: {prediction: {classes: ["no", "yes"]}}
"""


def card(more: str = "") -> Card:
    return Card.model_validate(yaml.safe_load(PLAIN + more))


def test_names_that_are_declared_are_followed() -> None:
    found = card(
        "people: {teams: [a, 7], roles: [r], fastest: 5s, run: 3}\nuse: {consumers: [c]}\n"
    )
    plan = feedback_plan(found, inputs_plan(found, None))
    assert plan.named == {"@team": ("a", "7"), "@role": ("r",), "@consumer": ("c",)}
    assert (plan.fastest, plan.run) == (5.0, 3)


def test_without_a_word_fifty_names_are_followed_and_no_review_is_fast() -> None:
    plan = feedback_plan(card(), inputs_plan(card(), None))
    assert not any(plan.named.values())
    assert (plan.fastest, plan.run) == (None, 10)


@pytest.mark.parametrize(
    "more",
    [
        "people: {teams: [a]}",
        "people: {roles: [a]}",
        "people: {fastest: 5s}",
        "people: {run: 4}",
        "use: {consumers: [a]}",
    ],
)
def test_another_word_begins_all_windows_again(more: str) -> None:
    plain, other = card(), card(more)
    inputs = inputs_plan(plain, None)
    assert identity(inputs, feedback_plan(plain, inputs)) != identity(
        inputs, feedback_plan(other, inputs)
    )
    assert identity(inputs, feedback_plan(plain, inputs)) == identity(
        inputs, replace(feedback_plan(plain, inputs))
    )


@pytest.mark.parametrize(
    ("more", "place", "words"),
    [
        ("people: {teams: [a, b, a]}", ("people", "teams"), '"a" stands twice'),
        ("people: {fastest: 0s}", ("people", "fastest"), "longer than nothing"),
        ("people: {run: 1}", ("people", "run"), "2"),
        ("people: {run: 1000}", ("people", "run"), "100"),
        ("use: {consumers: [a, a]}", ("use", "consumers"), '"a" stands twice'),
        (
            f"use: {{consumers: {[str(i) for i in range(51)]}}}",
            ("use", "consumers"),
            "50",
        ),
        (
            "people: {teams: [a]}\nprivacy: {hash: [team]}",
            ("people", "teams"),
            "privacy hashes or drops team",
        ),
        (
            "use: {consumers: [a]}\nprivacy: {drop: [consumer]}",
            ("use", "consumers"),
            "privacy hashes or drops consumer",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(more: str, place: tuple[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        card(more + "\n")
    wrongs = refused.value.errors()
    assert [wrong["loc"] for wrong in wrongs] == [place]
    assert words in wrongs[0]["msg"]


def test_an_attribute_cannot_look_like_a_team() -> None:
    text = PLAIN.replace("contract: {", 'contract: {attributes: {"@team": {segment: true}}, ')
    with pytest.raises(ValidationError, match="should not begin with @"):
        Card.model_validate(yaml.safe_load(text))


def test_hashed_teams_are_followed_when_nobody_names_them() -> None:
    assert card("privacy: {hash: [team]}").people.fastest is None
    assert card("people: {fastest: 2m}").people.fastest == timedelta(minutes=2)
