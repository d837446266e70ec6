"""Which address leads where."""

from collections.abc import Mapping
from typing import Final

from werkzeug.routing import Rule

from monitor.outputs.web import api, pages
from monitor.outputs.web.access import Access
from monitor.outputs.web.facts import Facts
from monitor.outputs.web.site import Site, View

_PAGES: Final[tuple[tuple[str, str, str, View], ...]] = (
    ("GET", "/", "fleet", pages.fleet),
    ("GET", "/models/<name:model>", "model", pages.model),
    ("GET", "/models/<name:model>/card", "card", pages.card),
    ("GET", "/models/<name:model>/metrics/<name:metric>", "metric", pages.metric),
    ("GET", "/models/<name:model>/metrics/<name:metric>.svg", "chart", pages.chart),
    ("GET", "/models/<name:model>/drilldowns", "drilldowns", pages.drilldowns),
    ("GET", "/models/<name:model>/drilldowns/<name:week>", "drilldown", pages.drilldown),
    ("GET", "/incidents", "incidents", pages.incident_list),
    ("GET", "/incidents/<name:identity>", "incident", pages.incident),
    ("POST", "/incidents/<name:identity>", "act", pages.act),
    ("GET", "/trace", "trace", pages.trace),
    ("GET", "/quarantine", "quarantine", pages.quarantine),
    ("GET", "/ledger", "ledger", pages.accounts),
    ("GET", "/audit", "audit", pages.audit),
    ("GET", "/token", "token", pages.sign_in),
    ("POST", "/token", "token_kept", pages.sign_in_with),
    ("GET", "/static/<name>.css", "style", pages.style),
    ("GET", "/static/icon.svg", "icon", pages.icon),
    ("GET", f"{api.ROOT}/openapi.json", "openapi", api.description),
)


def site(facts: Facts, access: Access) -> Site:
    """The application."""
    views: Mapping[str, View] = {
        **{endpoint: view for _, _, endpoint, view in _PAGES},
        **{one.name: one.view for one in api.OPERATIONS},
    }
    rules = [
        *(Rule(path, endpoint=endpoint, methods=[method]) for method, path, endpoint, _ in _PAGES),
        *(
            Rule(
                api.ROOT + one.path.replace("{", "<name:").replace("}", ">"),
                endpoint=one.name,
                methods=[one.method],
            )
            for one in api.OPERATIONS
        ),
    ]
    return Site(facts, access, views, rules)
