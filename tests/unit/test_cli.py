"""The commands as people call them: help, errors, exit codes and shapes of output."""

import csv
import gzip
import io
import json
import os
import socket
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from monitor.cli import COMMANDS, main
from monitor.cli.rows import write
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated
from monitor.jobs.read_in import read_in
from monitor.jobs.service import opened
from monitor.simulate import folder
from monitor.simulate.world import demo_world
from monitor.state import incidents
from monitor.state.incidents import What
from tests.pages import incident

NOW = datetime.now(UTC)
ROOT = Path(__file__).parents[2]


def mbm(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def _commands() -> click.Group:
    assert isinstance(main, click.Group)
    return main


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The settings of a small simulated service that has done its work."""
    place = tmp_path_factory.mktemp("service")
    # Enough for the canary version to have numbers at any hour of the day.
    world = demo_world(NOW, days=9, per_day=600)
    file = folder.write(world, place).service
    parts = opened(file)
    read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
    evaluated(parts, Close(everything=True, until=world.end), now=NOW)
    return str(file)


def test_help_answers_in_half_a_second() -> None:
    command = [sys.executable, "-m", "monitor", "--help"]
    times = []
    for _ in range(3):
        begun = os.times()
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        ended = os.times()
        # Of the processor: others may hold it meanwhile.
        times.append(sum(ended[2:4]) - sum(begun[2:4]))
    assert all(name in result.stdout for name in COMMANDS)
    assert min(times) < 0.5


@pytest.mark.parametrize("name", ["ingest", "run", "serve"])
def test_light_commands_load_nothing_heavy(name: str) -> None:
    code = f"import sys, monitor.cli.{name}; print(*{{n.partition('.')[0] for n in sys.modules}})"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"duckdb", "numba", "pandas", "scipy", "rich"} & set(loaded.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    shown = mbm(name, "--help")
    assert shown.exit_code == 0
    assert "Example:" in shown.output
    assert f"mbm {name}" in shown.output
    command = _commands().get_command(click.Context(main), name)
    assert command is not None
    assert (command.help or "").splitlines()[0] == COMMANDS[name][1]


@pytest.mark.parametrize("group", ["models", "reference", "quarantine"])
def test_every_part_of_a_group_has_help_with_an_example(group: str) -> None:
    command = _commands().get_command(click.Context(main), group)
    assert isinstance(command, click.Group)
    for name in command.commands:
        assert f"mbm {group} {name}" in mbm(group, name, "--help").output


def test_every_example_in_help_stands_on_its_own_line() -> None:
    groups = {"models": ["init", "list", "show"], "reference": ["set", "show"]}
    groups |= {"quarantine": ["list", "replay"]}
    paths = [[], *([name] for name in COMMANDS)]
    paths += [[group, part] for group, parts in groups.items() for part in parts]
    for path in paths:
        shown = mbm(*path, "--help").output.splitlines()
        example = shown[shown.index("  Example:") + 1]
        assert example.startswith("    mbm"), path


def test_settings_that_are_not_there_are_named_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    for command in ("check", "run", "status"):
        result = mbm(command, "-c", str(file))
        assert result.exit_code == 2
        assert (
            result.stderr == f"{file}: is not there; name the settings with -c or in MBM_CONFIG\n"
        )


def test_addresses_that_are_taken_are_told_all_at_once(service: str, tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    here = ("127.0.0.1", 0)
    with socket.create_server(here) as one, socket.create_server(here) as other:
        first, second = (f"127.0.0.1:{taken.getsockname()[1]}" for taken in (one, other))
        nowhere = {"metrics": "127.0.0.1:0"}
        settings = {
            "store": "data",
            "cards": str(Path(service).parent / "cards"),
            "sources": {"all": {"files": {"path": "events", "pattern": "*.jsonl"}}},
            "ingest": nowhere,
            "evaluate": {"metrics": second},
            "schedule": nowhere,
            "serve": {"listen": first},
        }
        file.write_text(json.dumps(settings))
        everything = mbm("run", "-c", str(file))
        alone = mbm("serve", "-c", str(file))
    assert everything.exit_code == alone.exit_code == 3
    told = [
        f"cannot listen on {address}: Address already in use; end what listens there, or set "
        f"another address in {setting}"
        for address, setting in ((second, "evaluate.metrics"), (first, "serve.listen"))
    ]
    assert everything.stderr == "mbm: " + "\n".join(told) + "\n"
    assert alone.stderr == f"mbm: {told[1]}\n"


def test_events_in_quarantine_are_followed_by_where_to_look(service: str, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"type": "prediction"}\n')
    cards = Path(service).parent / "cards"
    file = tmp_path / "service.yaml"
    file.write_text(
        f"store: ./data\ncards: {cards}\nsources: {{events: {{files: {{path: events.jsonl}}}}}}\n"
    )
    result = mbm("ingest", "--once", "-c", str(file))
    assert result.output.splitlines()[0] == "1 messages: quarantine 1"
    assert f"mbm quarantine list -c {file}" in result.stderr


def test_mistakes_of_settings_and_cards_come_together_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "a.yaml").write_text("model: a\nowner: {team: x}\n")
    file = tmp_path / "service.yaml"
    file.write_text("store: ./data\ncards: ./cards\nsorces: {}\n")
    result = mbm("check", "-c", str(file))
    assert result.exit_code == 2
    assert 'unknown key "sorces"; did you mean "sources"?' in result.stderr
    assert "a.yaml:2: owner.mail" in result.stderr
    assert "Traceback" not in result.output


def test_settings_that_fit_are_called_in_order(service: str) -> None:
    result = mbm("check", "-c", service)
    assert (result.exit_code, "1 card(s): lending" in result.output) == (0, True)


@pytest.mark.parametrize("part", ["card", "service"])
def test_schemas_are_json(part: str) -> None:
    assert json.loads(mbm("check", "--schema", part).output)["type"] == "object"


def test_settings_are_found_through_the_environment(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MBM_CONFIG", service)
    assert mbm("models", "list").exit_code == 0


def test_an_error_is_one_line_on_stderr_with_exit_code_1(service: str) -> None:
    result = mbm("results", "-c", service, "--model", "nobody")
    assert result.exit_code == 1
    assert result.stderr == 'mbm: there is no card of "nobody"; known: lending\n'


def test_a_wrong_time_is_a_mistake_of_usage() -> None:
    result = mbm("backfill", "--from", "yesterday", "--to", "2026-01-01")
    assert (result.exit_code, "is no time" in result.stderr) == (2, True)


def test_results_have_stable_keys_and_exact_numbers(service: str) -> None:
    shown = mbm("results", "-c", service, "--model", "lending", "--format", "json")
    rows = [json.loads(line) for line in shown.output.splitlines()]
    assert rows
    assert list(rows[0])[:4] == ["model", "metric", "version", "stage"]
    values = {row["value"] for row in rows if row["metric"] == "confidence_mean"}
    assert any(value and len(repr(value)) > 12 for value in values)
    assert {row["window_kind"] for row in rows} == {"publish"}
    assert all(row["value"] is None and row["reason"] for row in rows if row["status"] == "unknown")


def test_results_in_csv_are_those_in_json(service: str) -> None:
    asked = ("results", "-c", service, "--model", "lending", "--window", "latest", "--segment", "")
    as_json = [json.loads(line) for line in mbm(*asked, "--format", "json").output.splitlines()]
    as_csv = list(csv.DictReader(io.StringIO(mbm(*asked, "--format", "csv").output)))
    assert [float(row["value"]) for row in as_csv if row["value"]] == [
        row["value"] for row in as_json if row["value"] is not None
    ]


def test_cells_of_csv_are_no_formulas() -> None:
    out = io.StringIO()
    write([{"a": "=1+1", "b": -1.5}, {"a": "@x", "b": None}], ["a", "b"], "csv", out)
    assert out.getvalue() == "a,b\n'=1+1,-1.5\n'@x,\n"


def test_nothing_in_a_table_steers_the_terminal() -> None:
    out = io.StringIO()
    write([{"a": "x\x1b[2J\ny"}], ["a"], "table", out)
    assert "\x1b" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 3


def test_a_first_card_is_written_checked_and_never_overwritten(
    service: str, tmp_path: Path
) -> None:
    events = str(next((Path(service).parent / "events").glob("*.gz")))
    out = tmp_path / "cards"
    asked = ("models", "init", "--from", events, "--out", str(out), "--team", "t")
    assert mbm(*asked, "--mail", "t@example.org").exit_code == 0
    (tmp_path / "service.yaml").write_text(Path(service).read_text())
    assert mbm("check", "-c", str(tmp_path / "service.yaml")).exit_code == 0
    assert "is there already" in mbm(*asked).stderr


def test_an_assumption_that_nothing_watches_is_told(service: str, tmp_path: Path) -> None:
    folder = Path(service).parent
    card = next((folder / "cards").glob("*.yaml")).read_text()
    (tmp_path / "cards").mkdir()
    (tmp_path / "events").mkdir()
    (tmp_path / "cards" / "a.yaml").write_text(card.replace("signal: override", "signal: nope"))
    (tmp_path / "service.yaml").write_text(Path(service).read_text())
    found = mbm("check", "-c", str(tmp_path / "service.yaml"))
    assert found.exit_code == 0
    assert found.stdout.count("note: ") == 1
    assert 'note: assumptions of the card of lending name the metric "nope"' in found.stdout


MAPPING = """\
prediction:
  when: {kind: score}
  event_id: id
  event_time: at
  time_format: unix_s
  version: model_version
  prediction: verdict
  probability: score
  features: {weight_kg: weight_kg}
  attributes: {gender: gender}
outcome:
  when: {kind: claim}
  event_id: id
  event_time: at
  time_format: unix_s
  prediction_id: parcel
  label: truth
"""


def _parcels(folder: Path) -> tuple[str, ...]:
    """How a first card is asked for from events with flat keys of their own."""
    scores = [
        {"kind": "score", "id": f"p{i}", "at": 1_790_000_000 + 600 * i, "model_version": "3"}
        | {"weight_kg": i / 10, "gender": "fm"[i % 2], "verdict": "damage", "score": 0.9}
        for i in range(20)
    ]
    claim = {"kind": "claim", "id": "c1", "at": 1_791_700_000, "parcel": "p1", "truth": "fine"}
    lines = [json.dumps(event) + "\n" for event in (*scores, claim, {"kind": "else"})]
    (folder / "parcels.jsonl").write_text("".join(lines))
    (folder / "mapping.yaml").write_text("---\n" + MAPPING)
    asked = ("models", "init", "--from", str(folder / "parcels.jsonl"), "--team", "t")
    return (*asked, "--mail", "t@example.org", "--out", str(folder / "cards"))


def test_a_first_card_is_made_of_events_of_another_shape(tmp_path: Path) -> None:
    asked = _parcels(tmp_path)
    assert "--mapping" in mbm(*asked).stderr
    asked = (*asked, "--mapping", str(tmp_path / "mapping.yaml"))
    assert "--model" in mbm(*asked).stderr
    shown = mbm(*asked, "--model", "parcels")
    assert (shown.exit_code, "format: mapping, model: parcels" in shown.output) == (0, True)
    service = tmp_path / "service.yaml"
    text = "store: ./data\ncards: ./cards\nsources:\n  events:\n    files: {path: parcels.jsonl}\n"
    service.write_text(text)
    assert "no source reads by it" in mbm("check", "-c", str(service)).output
    service.write_text(text + "    format: mapping\n    model: parcels\n")
    assert "note" not in mbm("check", "-c", str(service)).output
    read = mbm("ingest", "--once", "-c", str(service)).output
    assert "ignored_no_mapping 1, outcome 1, prediction 20" in read


def test_what_a_sample_holds_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    asked = (*_parcels(tmp_path), "--model", "parcels", "--mapping", str(tmp_path / "mapping.yaml"))
    sample = tmp_path / "parcels.jsonl"
    as_text = sample.read_text().replace('"score": 0.9', '"score": "0.9"')
    sample.write_text(as_text.replace('"gender"', '"Geschlecht"') + "{broken\n")
    (tmp_path / "mapping.yaml").write_text(MAPPING.replace("gender: gender", "g: Geschlecht"))
    shown = mbm(*asked)
    assert "no JSON objects: 1 messages" in shown.stderr
    assert "no kind that the mapping names: 1 messages" in shown.stderr
    card = (tmp_path / "cards" / "parcels.yaml").read_text()
    assert "probability is text in the sample" in card
    assert "No name here looks protected" in card
    service = tmp_path / "service.yaml"
    source = "{files: {path: parcels.jsonl}, format: mapping, model: parcels}"
    service.write_text(f"store: ./data\ncards: ./cards\nsources: {{events: {source}}}\n")
    read = mbm("ingest", "--once", "-c", str(service))
    assert "break the card: wrong_type:probability 20" in read.stderr
    sample.rename(tmp_path / "later.jsonl")
    newer = (tmp_path / "later.jsonl").read_text().replace('version": "3"', 'version": "4"')
    (tmp_path / "later.jsonl").write_text(newer)
    service.write_text(service.read_text().replace("parcels.jsonl", "later.jsonl"))
    read = mbm("ingest", "--once", "-c", str(service))
    assert "versions that no card names, counted as one: parcels 4 20" in read.stderr
    shown = mbm("results", "--model", "parcels", "--version", "4", "-c", str(service))
    assert "add it under versions" in shown.stderr
    (tmp_path / "later.jsonl").unlink()
    assert "note: sources.events.files: there is no " in mbm("check", "-c", str(service)).output


@pytest.mark.parametrize(("text", "name"), [("", "a.jsonl"), ("id,at\n1,2\n", "a.jsonl")])
def test_a_sample_without_any_object_is_told(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text)
    shown = mbm("models", "init", "--from", str(tmp_path / name), "--out", str(tmp_path / "cards"))
    assert (shown.exit_code, "holds no JSON object" in shown.stderr) == (1, True)


def test_a_table_is_refused_as_a_source(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,at\n1,2\n")
    shown = mbm("models", "init", "--from", str(tmp_path / "a.csv"), "--out", str(tmp_path / "c"))
    assert (shown.exit_code, "neither JSON lines nor Parquet" in shown.stderr) == (1, True)


def test_what_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "cards").write_text("no folder")
    asked = (*_parcels(tmp_path)[:-1], str(tmp_path / "cards" / "deeper"))
    asked = (*asked, "--model", "parcels", "--mapping", str(tmp_path / "mapping.yaml"))
    shown = mbm(*asked)
    assert shown.exit_code == 1
    assert shown.stderr == f"mbm: {tmp_path / 'cards' / 'deeper'}: Not a directory\n"


def test_every_mistake_of_a_mapping_is_told(tmp_path: Path) -> None:
    asked = (*_parcels(tmp_path), "--model", "parcels", "--mapping", str(tmp_path / "mapping.yaml"))
    (tmp_path / "mapping.yaml").write_text("prediction: {event_id: id, verson: v}\n")
    shown = mbm(*asked)
    assert shown.exit_code == 2
    assert 'unknown key "verson"; did you mean "version"?' in shown.stderr
    (tmp_path / "mapping.yaml").write_text(MAPPING.replace("kind: score", "kind: scores"))
    assert "no message is a prediction" in mbm(*asked).stderr


def test_ingest_and_evaluate_again_find_nothing_new(service: str) -> None:
    assert "0 messages: nothing new" in mbm("ingest", "--once", "-c", service).output
    until = NOW.replace(minute=0, second=0, microsecond=0).isoformat()
    shown = mbm("evaluate", "--once", "--until", until, "-c", service)
    assert "0 new results" in shown.output


def test_a_misspelt_command_is_guessed() -> None:
    shown = mbm("incident", "list")
    assert (shown.exit_code, "did you mean incidents?" in shown.stderr) == (2, True)


def test_evaluating_nothing_says_what_is_missing(service: str, tmp_path: Path) -> None:
    text = (
        Path(service).read_text().replace("cards: ./cards", f"cards: {Path(service).parent}/cards")
    )
    (tmp_path / "service.yaml").write_text(text)
    shown = mbm("evaluate", "--once", "-c", str(tmp_path / "service.yaml"))
    assert (shown.exit_code, "mbm ingest --once" in shown.stderr) == (0, True)


def test_until_needs_once(service: str) -> None:
    assert mbm("evaluate", "--until", "2026-01-01", "-c", service).exit_code == 2


def test_a_backfill_of_unchanged_rows_adds_no_result(service: str) -> None:
    end = NOW - timedelta(days=3)
    asked = ("--from", (end - timedelta(days=2)).isoformat(), "--to", end.isoformat())
    shown = mbm("backfill", *asked, "-c", service)
    assert shown.exit_code == 0
    assert "0 new results" in shown.output


def test_a_backfill_without_events_says_so(service: str) -> None:
    shown = mbm("backfill", "--from", "2001-01-01", "--to", "2001-01-02", "-c", service)
    assert (shown.exit_code, "keeps no events" in shown.stderr) == (1, True)


def test_status_accounts_for_every_message(service: str) -> None:
    rows = [
        json.loads(line)
        for line in mbm("status", "-c", service, "--format", "json").output.splitlines()
    ]
    by_what = {row["what"]: row for row in rows}
    assert by_what["source"]["state"] == "at its end"
    assert by_what["account"]["state"] == "complete"
    assert by_what["model"]["state"] == "closed up to"


def test_a_reference_is_set_from_a_file_and_from_a_span(service: str) -> None:
    files = sorted((Path(service).parent / "events").glob("*.gz"))
    shown = mbm("reference", "set", "lending", "--file", str(files[3]), "-c", service)
    assert (shown.exit_code, "from file" in shown.output) == (0, True), shown.stderr
    start = NOW - timedelta(days=8)
    span = ("--from", start.isoformat(), "--to", (start + timedelta(days=4)).isoformat())
    assert mbm("reference", "set", "lending", *span, "-c", service).exit_code == 0
    shown = mbm("reference", "show", "lending", "-c", service, "--format", "json")
    sources = [json.loads(line)["source"].partition(" ")[0] for line in shown.output.splitlines()]
    assert sources[:2] == ["window", "file"]


def test_a_reference_needs_exactly_one_origin(service: str) -> None:
    assert mbm("reference", "set", "lending", "-c", service).exit_code == 2
    assert mbm("reference", "set", "lending", "--from", "2026-01-01", "-c", service).exit_code == 2


def test_a_person_is_erased_by_the_name_that_events_give(service: str) -> None:
    asked = ("query", "-c", service, "--format", "json")
    found = mbm(*asked, "SELECT count(*) AS n FROM predictions WHERE subject IS NOT NULL")
    before = json.loads(found.output)["n"]
    events = sorted((Path(service).parent / "events").glob("*.gz"))
    lines = gzip.decompress(events[2].read_bytes()).splitlines()
    subject = next(
        event["subject"] for event in map(json.loads, lines) if event["type"] == "prediction"
    )
    shown = mbm("erase", "--subject", subject, "-c", service)
    gone = int(shown.output.split()[0])
    assert gone >= 1
    found = mbm(*asked, "SELECT count(*) AS n FROM predictions WHERE subject IS NOT NULL")
    assert json.loads(found.output)["n"] == before - gone
    assert mbm("erase", "--subject", subject, "-c", service).output.startswith("0 predictions")


def test_migrating_needs_neither_cards_nor_log_and_twice_is_as_good_as_once(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(
        f"store: s3://nowhere/mbm\nstate: sqlite:///{tmp_path}/new/state.db\ncards: ./none\n"
        "sources: {events: {kafka: {bootstrap: 'kafka:9092', topics: [t]}}}\n"
    )
    first, second = (mbm("migrate", "-c", str(file)) for _ in range(2))
    assert first.exit_code == second.exit_code == 0
    newest = max((ROOT / "monitor/state/migrations/versions").glob("0*.py")).name.partition("_")[0]
    assert first.output == second.output == f"the state is at version {newest}\n"


def test_rendered_files_are_current() -> None:
    assert mbm("render", "--check", "--root", str(ROOT)).exit_code == 0


def test_a_stale_rendered_file_is_found_and_written(tmp_path: Path) -> None:
    assert mbm("render", "--check", "--root", str(tmp_path)).exit_code == 1
    assert mbm("render", "--root", str(tmp_path)).exit_code == 0
    assert mbm("render", "--check", "--root", str(tmp_path)).exit_code == 0


def test_an_incident_is_told_thing_by_thing_and_steers_no_terminal(service: str) -> None:
    hostile = "branch=\x1b[2J\u202e\n"
    one = incident("lending", f"overrides rose in {hostile}")
    lead = replace(one.leads[0], segment=hostile)
    added = incidents.add(opened(Path(service)).state, replace(one, leads=(lead,)))
    shown = mbm("incidents", "show", added.id, "-c", service)
    assert shown.exit_code == 0, shown.stderr
    assert not {"\x1b", "\u202e"} & set(shown.output)
    assert "  Override rate, " not in shown.output
    assert "  Override rate up in branch=" in shown.output
    assert " from 8 % to 25 % since " in shown.output


def test_an_incident_as_json_holds_what_the_text_holds(service: str) -> None:
    state = opened(Path(service)).state
    added = incidents.add(state, incident("lending", "overrides rose"))
    incidents.act(state, added.id, What.ACK, who="Ann", reason="asked them", now=NOW)
    told = mbm("incidents", "show", added.id, "-c", service).output
    shown = mbm("incidents", "show", added.id, "-c", service, "--format", "json")
    (found,) = map(json.loads, shown.output.splitlines())
    assert told.startswith(f"{found['id']}  {found['tier']}  {found['status']}\n")
    assert f"\n{found['summary']}\n" in told
    assert all(f"\n  {line}\n" in told for line in found["moved"])
    (lead,), (act,) = found["leads"], found["acts"]
    assert (lead["signal"], lead["before"], lead["after"]) == ("override", 0.08, 0.25)
    assert (act["who"], act["what"], act["reason"]) == ("Ann", "ack", "asked them")
    assert f"{act['at'][:10]} {act['at'][11:16]} Ann: ack, asked them" in told
    assert found["story"] == added.story
    assert set(found) == {one.name for one in fields(added)} | {"moved"}
    comma = mbm("incidents", "show", added.id, "-c", service, "--format", "csv").output
    table = list(csv.DictReader(io.StringIO(comma)))
    assert [row["id"] for row in table] == [added.id]
    assert json.loads(table[0]["leads"]) == found["leads"]
