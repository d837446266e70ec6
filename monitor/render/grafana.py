"""Dashboards as Grafana reads them, in JSON.

The package that knows Grafana's format is installed for work on this program, not with the service.
"""

import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

with warnings.catch_warnings():
    # The second schema is read by Grafana 12 and later only.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import common as common_builders
    from grafana_foundation_sdk.builders import dashboard, prometheus, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as prometheus_model

from monitor.metrics import CATALOGUE
from monitor.render.boards import Board, boards
from monitor.render.panels import Panel
from monitor.render.series import Exported

FOLDER: Final = "dashboards"
TAG: Final = "mbm"
HEIGHT: Final = 8
SITE: Final = "http://127.0.0.1:9464"
"""Where the pages of the monitor are, unless whoever runs Grafana says otherwise."""

_SOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
_CHOICES: Final[Mapping[str, tuple[str, str]]] = {
    "model": ("Model", "label_values(mbm_model_info, model)"),
    "version": ("Version", 'label_values(mbm_model_info{model=~"$model"}, version)'),
    "stage": ("Stage", 'label_values(mbm_predictions_total{model=~"$model"}, stage)'),
}


def files(exported: Sequence[Exported]) -> Mapping[str, str]:
    """Text of each dashboard, by its path from the root of the repository."""
    return {
        f"{FOLDER}/{board.name}.json": text(board) for board in boards(CATALOGUE, tuple(exported))
    }


def text(board: Board) -> str:
    """One dashboard in JSON; the same board gives the same text."""
    built = dashboard.Dashboard(f"MBM · {board.title}")
    built.uid(f"{TAG}-{board.name}").description(board.says).tags([TAG])
    built.editable().tooltip(model.DashboardCursorSync.CROSSHAIR).refresh("1m")
    built.time("now-7d", "now").timezone("utc")
    built.variables(list(_variables(board)))
    others = dashboard.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS)
    built.link(others.tags([TAG]).as_dropdown(True).include_vars(True).keep_time(True))
    page = dashboard.DashboardLink("Pages of the monitor").type(model.DashboardLinkType.LINK)
    built.link(page.url("${site}/").icon("external link").target_blank(True))
    for mark in board.marks:
        shown = dashboard.AnnotationQuery().name(mark.name).datasource(_SOURCE).enable(True)
        shown.icon_color(mark.colour).expr(mark.query.expr).title_format(mark.name)
        shown.text_format(mark.query.legend).step("60s").use_value_for_time(mark.is_time)
        built.annotation(shown)
    number = 0
    for i, row in enumerate(board.rows):
        number += 1
        heading = dashboard.Row(row.title).id(number).collapsed(i > 0)
        made = []
        for panel in row.panels:
            number += 1
            made.append(_panel(panel, number))
        if i == 0:
            built.with_row(heading)
            for one in made:
                built.with_panel(one)
        else:
            for one in made:
                heading.with_panel(one)
            built.with_row(heading)
    written = json.dumps(built.build(), cls=JSONEncoder, indent=2, ensure_ascii=False)
    if board.of_one:
        # Of a variable with one value Grafana hides no marks of patterns: a.b would match a-b.
        written = written.replace('model=~\\"$model\\"', 'model=\\"$model\\"')
    return written + "\n"


def _variables(board: Board) -> Iterable[dashboard.QueryVariable]:
    """The source, what the queries name, and where the monitor's pages are."""
    asked = " ".join(q.expr for row in board.rows for panel in row.panels for q in panel.queries)
    used = set(re.findall(r"\$(\w+)", asked))
    source = dashboard.DatasourceVariable("datasource").label("Data source")
    yield source.type("prometheus")  # type: ignore[misc]
    if "version" in used or "stage" in used:
        used.add("model")
    for name, (label, query) in _CHOICES.items():
        if name in used:
            choice = dashboard.QueryVariable(name).label(label).datasource(_SOURCE)
            choice.query({"query": query, "refId": name}).definition(query)
            choice.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            choice.sort(model.VariableSort.ALPHABETICAL_ASC)
            if name != "model" or not board.of_one:
                # A stage may be none: to Prometheus that is a label without a value.
                choice.multi(True).include_all(True).all_value(".*")
                choice.current(model.VariableOption(text="All", value="$__all"))
            yield choice
    site = dashboard.TextBoxVariable("site").label("Pages").default_value(SITE)
    yield site.current(model.VariableOption(text=SITE, value=SITE))  # type: ignore[misc]


def _panel(panel: Panel, number: int) -> timeseries.Panel | table.Panel:
    return _table(panel, number) if panel.kind == "table" else _lines(panel, number)


def _common(built: timeseries.Panel | table.Panel, panel: Panel, number: int) -> None:
    built.id(number).title(panel.title).description(panel.says).unit(panel.unit)
    built.datasource(_SOURCE).span(panel.width).height(HEIGHT)
    if any("model" in query.expr for query in panel.queries):
        # Grafana leaves marks like ? and # as they are unless told to encode them.
        field = "__data.fields" if panel.kind == "table" else "__field.labels"
        label = f"${{{field}.model:percentencode}}"
        link = dashboard.DashboardLink("Page of this model").url(f"${{site}}/models/{label}")
        built.data_links([link.target_blank(True)])


def _lines(panel: Panel, number: int) -> timeseries.Panel:
    built = timeseries.Panel()
    _common(built, panel, number)
    for i, query in enumerate(panel.queries):
        asked = prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
        built.with_target(asked.ref_id(chr(65 + i)).range())
    built.line_width(1).fill_opacity(0).show_points(common.VisibilityMode.AUTO)
    built.legend(
        common_builders.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
    )
    if panel.limit is not None:
        below = model.Threshold(color="green", value=None)
        steps = [below, model.Threshold(color="red", value=panel.limit)]
        built.thresholds(
            dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)
        )
        line = common_builders.GraphThresholdsStyleConfig()
        built.thresholds_style(line.mode(common.GraphThresholdsStyleMode.LINE))
    if panel.has_ends:
        faint = [
            model.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash"}),
            model.DynamicConfigValue(id_val="custom.lineWidth", value=1),
            model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": "gray"}),
            model.DynamicConfigValue(
                id_val="custom.hideFrom", value={"legend": True, "tooltip": False, "viz": False}
            ),
        ]
        for ref in "BC":
            built.override_by_query(ref, faint)
    return built


def _table(panel: Panel, number: int) -> table.Panel:
    built = table.Panel()
    _common(built, panel, number)
    names = {}
    for i, query in enumerate(panel.queries):
        ref = chr(65 + i)
        asked = prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
        asked.format(prometheus_model.PromQueryFormat.TABLE).ref_id(ref).instant()
        built.with_target(asked)
        names[f"Value #{ref}" if len(panel.queries) > 1 else "Value"] = query.legend
    hidden = {"Time": True}
    built.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    options = {"renameByName": names, "excludeByName": hidden}
    built.with_transformation(model.DataTransformerConfig(id_val="organize", options=options))
    for heading, unit in panel.units.items():
        built.override_by_name(heading, [model.DynamicConfigValue(id_val="unit", value=unit)])
    built.sort_by(
        [
            common_builders.TableSortByFieldState().display_name(one).desc(True)
            for one in panel.first
        ]
    )
    return built
