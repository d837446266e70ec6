"""SQL over the log: right answers, nothing but questions, nothing outside."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from monitor.cards.contract import Attribute, Contract, Feature, FeatureType
from monitor.jobs.query import QueryError, answer
from monitor.jobs.read_in import read_in
from monitor.jobs.service import Opened, opened
from monitor.log.query import model_view, view_names
from monitor.simulate import folder
from monitor.simulate.world import World, demo_world


@pytest.fixture(scope="module")
def world() -> World:
    return demo_world(datetime.now(UTC), days=3, per_day=200)


@pytest.fixture(scope="module")
def parts(world: World, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    found = opened(folder.write(world, tmp_path_factory.mktemp("query")).service)
    read_in(found, lambda: False, once=True, registry=CollectorRegistry())
    return found


def rows(parts: Opened, sql: str) -> list[dict[str, Any]]:
    with answer(parts, sql) as reader:
        found: list[dict[str, Any]] = reader.read_all().to_pylist()
        return found


def test_counts_are_those_of_the_simulation(parts: Opened, world: World) -> None:
    sql = "SELECT count(DISTINCT event_id) AS n FROM predictions"
    assert rows(parts, sql) == [{"n": world.truth().predictions}]


def test_a_model_has_a_column_per_feature_attribute_and_class(parts: Opened) -> None:
    sent = predictions_sent(parts)
    found = rows(parts, "SELECT DISTINCT ON (event_id) * FROM lending")
    assert len(found) == len(sent)
    for row in found:
        event = sent[row["event_id"]]
        values = {**event["features"], **event["attributes"]}
        assert {name: row[name] for name in values} == values
        assert row["probability_approve"] == pytest.approx(event["probability"], abs=1e-15)


def predictions_sent(parts: Opened) -> dict[str, dict[str, Any]]:
    """The predictions as they lie in the files, by id."""
    lines = (
        line
        for file in sorted((parts.file.parent / "events").glob("*.gz"))
        for line in gzip.decompress(file.read_bytes()).splitlines()
        if b'"type":"prediction"' in line
    )
    return {event["event_id"]: event for event in map(json.loads, lines)}


def test_a_query_that_ends_early_ends_well(parts: Opened) -> None:
    for _ in range(5):
        assert len(rows(parts, "SELECT * FROM events LIMIT 1")) == 1


def test_results_can_be_asked_for_without_any(parts: Opened) -> None:
    assert rows(parts, "SELECT * FROM results") == []


def test_times_are_in_utc(parts: Opened) -> None:
    shown = rows(parts, "SELECT min(event_time)::VARCHAR AS t FROM lending")[0]["t"]
    assert str(shown).endswith("+00")


@pytest.mark.parametrize(
    "sql",
    [
        "DROP VIEW lending",
        "CREATE TABLE x AS SELECT 1",
        "SELECT 1; SELECT 2",
        "ATTACH '/tmp/x.db'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "SET threads = 8",
        "INSTALL httpfs",
        "",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "FROM glob('/*')",
        "SELECT * FROM parts",
        "SELECT nonsense",
    ],
)
def test_anything_else_than_a_question_about_the_log_is_refused(parts: Opened, sql: str) -> None:
    with pytest.raises(QueryError):
        rows(parts, sql)


def contract(*features: Feature) -> Contract:
    return Contract("m", features, ("no", "yes"), attributes=(Attribute("Age"),))


def test_names_that_collide_get_a_prefix() -> None:
    number = FeatureType.NUMBER
    sql = model_view("m", [contract(Feature("age", number), Feature("version", number))])
    assert '"numeric"[1] END AS "age"' in sql
    assert 'AS "feature_version"' in sql
    assert 'AS "attribute_Age"' in sql


def test_a_feature_is_found_under_every_contract() -> None:
    number = FeatureType.NUMBER
    new = contract(Feature("b", number), Feature("a", number))
    old = contract(Feature("a", number))
    sql = model_view("m", [new, old])
    assert f"WHEN '{new.id}' THEN \"numeric\"[2] WHEN '{old.id}' THEN \"numeric\"[1]" in sql


def test_a_model_called_like_a_table_gets_another_name() -> None:
    assert view_names(["Events", "x"]) == {"Events": "Events_model", "x": "x"}


def test_a_hostile_model_name_is_quoted() -> None:
    sql = model_view('a"; DROP TABLE events; --', [contract(Feature("x'y", FeatureType.CATEGORY))])
    assert sql.startswith('CREATE VIEW "a""; DROP TABLE events; --" AS')
