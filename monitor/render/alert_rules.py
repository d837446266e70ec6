"""Text of the alert rules, as Prometheus reads them."""

from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import Any, Final

import yaml

from monitor.render.alert import DASHBOARDS, Addresses, Alert, Scope
from monitor.render.model_alerts import MODEL_ALERTS
from monitor.render.service_alerts import SERVICE_ALERTS
from monitor.render.shift_alerts import SHIFT_ALERTS
from monitor.settings.values import duration_text

ALERTS: Final = (*SERVICE_ALERTS, *SHIFT_ALERTS, *MODEL_ALERTS)
"""Every alert, in the order in which people see them."""

OWNER: Final = ("owner", "team", "pager")
"""Labels of a model's alerts that say who is told; from the card, `pager` only if it has one."""

_HEAD: Final = "# Rendered from monitor/render by `mbm render`; change it there.\n"

# Of two owners (a card that changes while two replicas answer) one is taken: a join with two
# would be an error, and the alert lost.
_OWNED: Final = f"""\
(
{{when}}
)
* on (model) group_left ({", ".join(OWNER)})
topk by (model) (1, max by (model, {", ".join(OWNER)}) (mbm_model_info))"""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def files(addresses: Addresses) -> Mapping[str, str]:
    """Text of each file of rules, by its path from the root of the repository."""
    return {
        f"alerts/{scope}.yaml": rules((a for a in ALERTS if a.scope is scope), scope, addresses)
        for scope in Scope
    }


def rules(alerts: Iterable[Alert], group: str, addresses: Addresses) -> str:
    """A file of rules with one group."""
    listed = [rule(alert, addresses) for alert in alerts]
    content = {"groups": [{"name": f"mbm-{group}", "rules": listed}]}
    return _HEAD + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=10_000)


def rule(alert: Alert, addresses: Addresses) -> dict[str, Any]:
    """One rule as a mapping."""
    board = f"{addresses.dashboards}/d/{DASHBOARDS[alert.scope]}"
    if alert.scope is Scope.MODEL:
        board += "?var-model={{ $labels.model | urlquery }}"
    lasts = {"for": duration_text(alert.lasts)} if alert.lasts else {}
    return {
        "alert": alert.name,
        "expr": expression(alert) + "\n",
        **lasts,
        "labels": {"severity": str(alert.severity), "scope": str(alert.scope)},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": addresses.runbook.replace("{alert}", alert.name),
            "dashboard_url": board,
        },
    }


def expression(alert: Alert) -> str:
    """PromQL of an alert, with the labels that say who is told."""
    if alert.scope is Scope.SERVICE:
        return alert.when
    return _OWNED.replace("{when}", indent(alert.when, "  "))
