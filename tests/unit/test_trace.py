"""A prediction's trace through a real log, for people and for programs."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cards.contract import Contract
from monitor.cli import main
from monitor.log.events import EventLog
from monitor.log.store import Store
from monitor.log.trace import Traced, traced
from tests.messages import LOAN, NOW, batch, decision, decoder, message, prediction, price


def contract_of(model: str, identity: str) -> Contract | None:
    return LOAN if (model, identity) == ("loan", LOAN.id) else None


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    about = {"event_time": "2026-01-30T11:00:00Z", "prediction_id": "p1"}
    late = {"event_time": "2026-01-30T12:00:00Z"}
    features = {"amount": 5_000, "purpose": "car", "children": 2, "zip": None}
    first = prediction(features=features, attributes={"sex": "f"}, confidence=0.8, stage="full")
    values = [
        first,
        first,
        prediction(event_id="p2"),
        price(event_id="p1"),
        decision(rationale="too high", team="south"),
        decision(event_id="d2", prediction_id="p2"),
        message(type="outcome", event_id="o1", label=0, model="loan", **about),
        message(type="usage", event_id="u1", consumer="crm", used="used", **about | late),
    ]
    decoded = decoder().decode(batch(values), now=NOW)
    log = EventLog.open(Store(str(tmp_path / "store")))
    log.append(decoded.rows, after={"t-0": -1}, upto={"t-0": 7}, tallies=decoded.tallies)
    return log


def of_loan(log: EventLog, identity: str = "p1") -> Traced:
    (found,) = [one for one in traced(log, identity, contract_of) if one.model == "loan"]
    return found


def test_a_trace_has_inputs_output_breaches_and_copies(log: EventLog) -> None:
    found = of_loan(log)
    assert found.features == {
        "amount": None,
        "purpose": "car",
        "children": 2,
        "insured": None,
        "zip": None,
    }
    assert found.attributes == {"sex": "f", "region": None}
    assert "out_of_range:amount" in found.violations
    assert (found.prediction, found.confidence, found.version) == ("1", 0.8, "1")
    assert (found.copies, found.stage) == (2, "full")


def test_what_was_said_of_it_comes_in_order_of_time(log: EventLog) -> None:
    said = of_loan(log).said
    assert [one.kind for one in said] == ["decision", "outcome", "usage"]
    assert said[0].what["rationale"] == "too high"
    assert said[1].what == {"label": "0"}
    assert said[2].what == {"consumer": "crm", "used": "used"}


def test_an_id_of_two_models_gives_two_traces(log: EventLog) -> None:
    assert {one.model for one in traced(log, "p1", contract_of)} == {"loan", "price"}


def test_without_its_contract_a_row_has_no_names(log: EventLog) -> None:
    (found,) = [one for one in traced(log, "p1", contract_of) if one.model == "price"]
    assert found.features == {}
    assert found.prediction == 3.5


@pytest.mark.parametrize("identity", ["p3", "", "' OR '1'='1", "p1'; --"])
def test_an_unknown_or_hostile_id_finds_nothing(identity: str, log: EventLog) -> None:
    assert list(traced(log, identity, contract_of)) == []


CARD = """\
model: loan
owner: {team: Credit, mail: credit@example.org}
versions: ["1"]
contract:
  features:
    amount: {type: number, range: [0, 1000]}
    purpose: {type: category, categories: [car, home]}
    children: {type: integer}
    insured: {type: boolean}
    zip: {type: category}
  prediction: {classes: ["0", "1"], positive: "1", threshold: 0.5}
  attributes: {sex: {protected: true, values: [f, m]}, region: {}}
review: {within: 1d, rules: [{name: unsure, all: [{of: confidence, below: 0.9}]}]}
"""


@pytest.fixture
def settings(tmp_path: Path, log: EventLog) -> str:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "loan.yaml").write_text(CARD)
    file = tmp_path / "service.yaml"
    file.write_text("store: store\ncards: cards\nsources: {events: {files: {path: events}}}\n")
    return str(file)


def test_the_command_prints_it(settings: str) -> None:
    done = CliRunner().invoke(main, ["trace", "p1", "-c", settings, "--format", "json"])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.output.splitlines()]
    shown = {(row["what"], row["name"]): row["value"] for row in rows if row["model"] == "loan"}
    assert shown["feature", "purpose"] == "car"
    assert shown["attribute", "sex"] == "f"
    assert shown["breach", "amount"] == "out_of_range"
    assert shown["review", "required by"] == "unsure"
    assert shown["outcome", "label"] == "0"
    missing = CliRunner().invoke(main, ["trace", "nope", "-c", settings])
    assert missing.exit_code == 1
    assert "no prediction" in missing.output


def test_tokens_are_made_listed_and_revoked(settings: str) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["token", *words, "-c", settings])
        return done.exit_code, done.output

    code, said = run("create", "--name", "Ada", "--right", "write", "--model", "loan")
    assert code == 0
    identity = said.split()[1]
    assert said.splitlines()[-1].startswith(f"mbm_{identity}_")
    code, said = run("list", "--format", "json")
    (row,) = map(json.loads, said.splitlines())
    assert (row["name"], row["rights"], row["models"]) == ("Ada", "read write", "loan")
    assert row["state"] == "valid"
    assert run("revoke", identity, "--reason", "lost", "--who", "root")[0] == 0
    assert '"state":"revoked"' in run("list", "--format", "json")[1]
    assert run("create", "--name", "Ada", "--model", "nope")[0] == 1
    assert run("create", "--name", "Ada", "--expires", "soon")[0] == 2
    assert run("create", "--name", "a\nb")[0] == 1
    assert run("revoke", "nope", "--reason", "x")[0] == 1
