"""Text of the runbook, a page per alert."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from monitor.render.alert import Alert, Scope, Severity
from monitor.render.alert_rules import ALERTS, expression
from monitor.settings.values import duration_text

FOLDER: Final = "docs/runbook"
"""Where the pages lie, from the root of the repository."""

_NOTE: Final = "Rendered from `monitor/render` by `mbm render`; change it there."

_INDEX: Final = f"""\
# Runbook

{_NOTE}

One page per alert: what it means, where to look first, what is likely, what to do, and how to \
silence it so that the next real one is still heard. The rules are in `alerts/`; an example for \
Alertmanager, which sends them to the owner that each model's card names, is \
`alerts/alertmanager.yaml`.
"""

_TITLES: Final = {Scope.SERVICE: "The service itself", Scope.MODEL: "Models"}
_SOON: Final = {
    Severity.CRITICAL: "now, it pages",
    Severity.WARNING: "in working hours",
    Severity.INFO: "when there is time, nobody is told",
}
_WHO: Final = {
    Scope.SERVICE: "who runs this service",
    Scope.MODEL: "the owner in the model's card, or its rota (`pager`)",
}


def files() -> Mapping[str, str]:
    """Text of each rendered page, by its path from the root of the repository."""
    pages = {f"{FOLDER}/{alert.name}.md": page(alert) for alert in ALERTS}
    return {f"{FOLDER}/README.md": index(ALERTS), **pages}


def index(alerts: Iterable[Alert]) -> str:
    """The page that lists all others, in Markdown."""
    parts = [_INDEX]
    listed = list(alerts)
    for scope, title in _TITLES.items():
        rows = [
            f"| [{alert.name}]({alert.name}.md) | {alert.severity} | {_first(alert.meaning)} |"
            for alert in listed
            if alert.scope is scope
        ]
        parts.append("\n".join([f"## {title}", "", "| alert | severity | says |", "|---|---|---|"]))
        parts[-1] += "\n" + "\n".join(rows) + "\n"
    return "\n".join(parts)


def page(alert: Alert) -> str:
    """The page of one alert, in Markdown."""
    lasts = f"after it lasted {duration_text(alert.lasts)}" if alert.lasts else "at once"
    return f"""\
# {alert.name}

{_NOTE}

Severity **{alert.severity}**: somebody should look {_SOON[alert.severity]}. Told {lasts}, to \
{_WHO[alert.scope]}. [All alerts](README.md).

## Meaning

{alert.meaning}

## First look

{_steps(alert.look)}

## Likely causes

{_items(alert.causes)}

## What to do

{_steps(alert.remedy)}

## How to silence it rightly

{alert.silence}

## Rule

```promql
{expression(alert)}
```
"""


def _first(text: str) -> str:
    """The first sentence."""
    return text.partition(". ")[0].removesuffix(".") + "."


def _items(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def _steps(texts: Sequence[str]) -> str:
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, start=1))
