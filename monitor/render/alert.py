"""What one alert declares, and nothing about how it is rendered."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How soon somebody should look."""

    CRITICAL = "critical"
    """Now: it pages."""
    WARNING = "warning"
    """In working hours."""
    INFO = "info"
    """When there is time; it is sent to nobody."""


class Scope(StrEnum):
    """Who is told."""

    SERVICE = "service"
    """Who runs this service."""
    MODEL = "model"
    """The owner of the model that the alert names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something to be told of, declared once; its rule and its runbook page come from here.

    Attributes:
        name: in CamelCase, after Mbm; unique.
        scope: who is told; of a model, `when` gives the label `model`.
        severity: how soon somebody should look.
        when: PromQL; one alert for each series that it gives.
        lasts: how long it must be so before anybody is told.
        summary: one line, a template of Prometheus.
        description: what is so, with values, a template of Prometheus.
        meaning: what it says to somebody who meets it for the first time.
        look: where to look first, in order.
        causes: likely ones, the likeliest first.
        remedy: what to do, in order.
        silence: how to silence it rightly, and when not to.
    """

    name: str
    scope: Scope
    severity: Severity
    when: str
    lasts: timedelta = timedelta(0)
    summary: str
    description: str
    meaning: str
    look: tuple[str, ...]
    causes: tuple[str, ...]
    remedy: tuple[str, ...]
    silence: str


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the links of an alert lead.

    Attributes:
        runbook: of a page of the runbook; "{alert}" stands for the alert's name.
        dashboards: of Grafana, without a slash at its end.
    """

    runbook: str = "http://127.0.0.1:9464/runbook/{alert}"
    dashboards: str = "http://127.0.0.1:3000"


DASHBOARDS: Final = {Scope.SERVICE: "mbm-service", Scope.MODEL: "mbm-model"}
"""Ids of the dashboards that alerts link to."""


def counted(series: str, by: str, span: str) -> str:
    """PromQL of how much a counter grew in a span, from its birth on where it is younger.

    `increase` alone loses what a series brings along when it is first seen.
    """
    return f"sum by ({by}) (({series} unless {series} offset {span}) or increase({series}[{span}]))"
