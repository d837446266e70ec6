"""What every rendered dashboard must be, whatever the catalogue holds."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from monitor.metrics import CATALOGUE
from monitor.metrics.base import Unit
from monitor.outputs import exported
from monitor.render.boards import boards
from monitor.render.panels import panels, quoted, selector

FOLDER = Path(__file__).parents[2] / "dashboards"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
EXPORTED = [one for some in exported.by_process().values() for one in some]
NAMES = {
    name
    for one in EXPORTED
    for name in (
        [f"{one.name}_{end}" for end in ("bucket", "sum", "count")]
        if one.kind == "histogram"
        else [one.name]
    )
}


def every_panel(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels and headings, folded ones too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def of_data(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in every_panel(board) if panel["type"] != "row"]


def expressions(board: dict[str, Any]) -> list[str]:
    """Of every panel, and of what is marked on them."""
    asked = [target["expr"] for panel in of_data(board) for target in panel["targets"]]
    return asked + [one["expr"] for one in board["annotations"].get("list", [])]


def test_there_are_five_and_their_uids_differ() -> None:
    assert set(BOARDS) == {"fleet", "model", "fairness", "quality", "service"}
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_ids_are_positive_and_stand_once(name: str) -> None:
    ids = [panel["id"] for panel in every_panel(BOARDS[name])]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_says_what_it_is_and_in_which_unit(name: str) -> None:
    for panel in of_data(BOARDS[name]):
        assert panel["title"]
        assert len(panel["description"]) > 10
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["expr"] for target in panel["targets"])
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
    rows = [row["panels"] for row in BOARDS[name]["panels"] if row["type"] == "row"]
    for row in (BOARDS[name]["panels"], *rows):
        titles = [panel["title"] for panel in row]
        assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_of_open_rows_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_is_used_and_every_used_one_is_there(name: str) -> None:
    board = BOARDS[name]
    declared = {variable["name"] for variable in board["templating"]["list"]}
    said = json.dumps({**board, "templating": {}})
    used = {one for one in re.findall(r"\$\{?(\w+)", said) if not one.startswith("__")}
    asked = json.dumps(board["templating"])
    assert declared == used | {
        one for one in re.findall(r"\$\{?(\w+)", asked) if not one.startswith("__")
    }
    stages = {one.name for one in EXPORTED if "stage" in one.labels}
    assert ("stage" in declared) == any(
        series in expr for series in stages for expr in expressions(board)
    )


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_is_promql_over_series_that_are_exported(name: str) -> None:
    for expr in expressions(BOARDS[name]):
        promql_parser.parse(expr.replace("$__rate_interval", "5m"))
        assert set(re.findall(r"mbm_\w+", expr)) <= NAMES


def test_every_series_of_the_catalogue_has_a_panel_in_its_unit() -> None:
    shown = {
        target["expr"]: panel["fieldConfig"]["defaults"]["unit"]
        for board in BOARDS.values()
        for panel in of_data(board)
        if panel["type"] == "timeseries"
        for target in panel["targets"]
    }
    for metric in CATALOGUE:
        if metric.series:
            (of_metric,) = panels([metric], {one.name for one in EXPORTED})
            for query in of_metric.queries:
                fixed = [f'{key}="{value}"' for key, value in metric.labels.items()]
                units = {
                    unit
                    for expr, unit in shown.items()
                    if query.series[0] in re.findall(r"mbm_\w+", expr)
                    and all(one in expr or f"{one.split('=')[0]}=" not in expr for one in fixed)
                }
                assert units == {metric.unit.value[1]}, metric.name


def test_descriptions_are_those_of_the_catalogue() -> None:
    said = "\n".join(panel["description"] for panel in of_data(BOARDS["model"]))
    (metric,) = (metric for metric in CATALOGUE if metric.name == "low_confidence")
    assert metric.says in said


def test_nothing_depends_on_the_order_in_which_processes_are_asked() -> None:
    assert boards(CATALOGUE, EXPORTED) == boards(CATALOGUE, EXPORTED[::-1])
    assert Unit.RATIO.value[1] == "percentunit"


def test_hostile_values_stay_inside_their_quotes() -> None:
    hostile = 'a"} or vector(1) # \\ \n'
    expr = selector("mbm_use_ratio", ("model",), {"used": hostile})
    parsed = promql_parser.parse(expr.replace("$model", ".*"))
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [m.value for m in parsed.matchers.matchers if m.name == "used"] == [hostile]
    literal = promql_parser.parse(quoted(hostile))
    assert isinstance(literal, promql_parser.StringLiteral)
    assert literal.val == hostile
