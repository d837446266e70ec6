"""The service as Python sees it."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pyarrow as pa
import pytest
from prometheus_client import CollectorRegistry

import monitor
from monitor.api import Monitor, Rows, UnknownNameError
from monitor.errors import ConfigurationError
from monitor.jobs.closed import NoWindowError, closed_window
from monitor.jobs.evaluate import Close
from monitor.jobs.evaluating import evaluated
from monitor.jobs.explain import MEANS
from monitor.jobs.query import QueryError
from monitor.jobs.read_in import read_in
from monitor.jobs.service import opened
from monitor.jobs.slicing import found_in
from monitor.profiles.windows import instant
from monitor.simulate import folder
from monitor.simulate.world import demo_world
from monitor.state.results import latest
from tests.files import client_of


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Monitor:
    now = datetime.now(UTC)
    world = demo_world(now, days=3, per_day=300)
    path = folder.write(world, tmp_path_factory.mktemp("api")).service
    parts = opened(path)
    read_in(parts, lambda: False, once=True, registry=CollectorRegistry())
    evaluated(parts, Close(everything=True, until=world.end), now=now)
    return monitor.open(path)


def test_results_are_those_of_the_state(service: Monitor) -> None:
    rows = service.results("lending", metric="confidence_mean", segment="")
    known = latest(
        service.parts.state,
        model="lending",
        metric="confidence_mean",
        segment="",
        window_kind="publish",
    )
    assert len(rows) == len(known) > 0
    assert rows.arrow["value"].to_pylist() == [row.value for row in known]
    assert rows.arrow.schema.field("start").type == pa.timestamp("us", tz="UTC")
    assert [row["end"] for row in rows] == [row.end for row in known]


def test_a_chart_shows_itself_in_a_notebook(service: Monitor) -> None:
    drawn = service.chart("lending", "confidence_mean")._repr_svg_()
    assert drawn.startswith("<svg")
    assert "lending · 2 · Mean confidence" in drawn or "lending · 1 · Mean confidence" in drawn
    assert "no value yet" in service.chart("lending", "confidence_mean", version="9").svg
    with pytest.raises(UnknownNameError):
        service.chart("lending", "nope")


def test_every_window_is_more_than_the_published_ones(service: Monitor) -> None:
    published = service.results("lending", metric="confidence_mean")
    everything = service.results("lending", metric="confidence_mean", window="all")
    assert len(everything) > len(published)
    starts = published.arrow["start"].to_pylist()
    since = max(starts)
    later = service.results("lending", metric="confidence_mean", since=since + timedelta(hours=1))
    assert set(later.arrow["start"].to_pylist()) == {since}


def test_pandas_and_notebooks_get_the_same_rows(service: Monitor) -> None:
    rows = service.results("lending", metric="override").select(["version", "value"])
    frame = rows.pandas()
    assert list(frame.columns) == ["version", "value"]
    assert len(frame) == len(rows)
    assert ">value</th>" in rows._repr_html_()


@pytest.mark.parametrize("metric", sorted(MEANS))
def test_a_mean_over_rows_is_parted_into_mix_and_behaviour(service: Monitor, metric: str) -> None:
    column = "approve" if metric == "prediction_share" else ""
    rows = list(service.explain("lending", metric, column=column))
    number, *_ = rows
    splits = [row for row in rows if row["part"] == "split"]
    # Groups in fact add up to the whole: else it would be said that they do not.
    assert not [row for row in splits if "no mean" in (row["reason"] or "")]
    assert not [row for row in splits if "overlap" in (row["reason"] or "")]
    for row in splits:
        if row["reason"] is None:
            assert row["mix"] + row["behaviour"] == pytest.approx(number["change"], abs=1e-6)
    features = [row for row in rows if row["part"] == "feature"]
    assert len(features) == len(service.card("lending").contract.features)


def test_what_is_no_mean_has_a_reason_and_features_all_the_same(service: Monitor) -> None:
    rows = list(service.explain("lending", "roc_auc"))
    assert all("no share or mean" in row["reason"] for row in rows if row["part"] == "split")
    assert any(row["part"] == "feature" for row in rows)


def test_a_window_that_is_not_there_says_which_are(service: Monitor) -> None:
    with pytest.raises(NoWindowError, match="not closed yet"):
        service.explain("lending", "override", window=datetime(2200, 1, 1, tzinfo=UTC))
    with pytest.raises(NoWindowError, match="no predictions"):
        service.explain("lending", "override", against=datetime(2000, 1, 1, tzinfo=UTC))
    with pytest.raises(UnknownNameError, match="override"):
        service.explain("lending", "overide")


def test_the_api_explains_as_python_does(service: Monitor) -> None:
    client = client_of(service.parts)
    asked = "/api/v1/models/lending/explanation?metric=prediction_share&column=approve"
    rows = list(service.explain("lending", "prediction_share", column="approve"))
    assert client.get(asked).json == rows
    assert {row["part"] for row in rows} == {"number", "split", "group", "feature"}
    refused = client.get("/api/v1/models/lending/explanation?metric=overide")
    assert (refused.status_code, "override" in refused.text) == (HTTPStatus.NOT_FOUND, True)
    late = client.get(f"{asked}&window=2200-01-01T00:00:00Z")
    assert (late.status_code, "not closed yet" in late.text) == (HTTPStatus.NOT_FOUND, True)


def test_slices_are_found_kept_and_followed(service: Monitor) -> None:
    parts, card = service.parts, service.card("lending")
    newest = closed_window(parts.state, card)
    before = closed_window(parts.state, card, instant(newest[0] - 1))
    now = datetime.now(UTC)
    first = found_in(parts, card, before, now=now)
    assert all(one.is_found and one.examples for one in first)
    again = found_in(parts, card, newest, now=now)
    assert again == found_in(parts, card, newest, now=now)
    known = {(one.claim, one.conditions) for one in first}
    assert {(one.claim, one.conditions) for one in again if not one.is_found} <= known
    rows = service.slices("lending")
    assert len(rows) == len(first) + len(again) > 0
    example = next(one.examples[0] for one in (*first, *again) if one.examples)
    (claimed,) = service.query(
        f"SELECT count(*) AS n FROM predictions WHERE event_id = '{example}'"
    )
    assert claimed["n"] > 0


def test_a_window_without_predictions_has_no_slices(service: Monitor) -> None:
    card = service.card("lending")
    assert found_in(service.parts, card, (0, 86_400), now=datetime.now(UTC)) == []


def test_a_question_in_sql_is_answered(service: Monitor) -> None:
    (row,) = service.query("SELECT count(*) AS n FROM predictions")
    assert row["n"] > 0
    with pytest.raises(QueryError, match="read-only"):
        service.query("DELETE FROM events")


def test_unknown_names_are_refused_with_the_nearest(service: Monitor) -> None:
    assert service.models == ["lending"]
    assert service.card("lending").model == "lending"
    with pytest.raises(UnknownNameError, match='no model "lendin"; did you mean "lending"'):
        service.results("lendin")
    with pytest.raises(UnknownNameError, match='did you mean "override"'):
        service.results("lending", metric="overide")


def test_a_missing_service_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        monitor.open(tmp_path / "service.yaml")


def test_a_cell_cannot_hold_markup() -> None:
    rows = Rows(pa.table({"<b>": ["<script>alert(1)</script>", None]}))
    shown = rows._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_long_table_is_cut_for_people_only() -> None:
    rows = Rows(pa.table({"n": list(range(60))}))
    assert "and 30 more rows" in rows._repr_html_()
    assert len(list(rows)) == 60


def test_a_notebook_says_once_what_is_the_same_in_all_rows() -> None:
    rows = {"model": ["loan"] * 2, "note": [None, ""], "inputs_hash": ["a", "b"], "n": [1, 2]}
    shown = Rows(pa.table(rows))._repr_html_()
    assert "In all of these rows: model loan." in shown
    assert shown.count("<th ") == 1
    assert Rows(pa.table({"n": pa.array([], pa.int64())}))._repr_html_().count("<th ") == 1
