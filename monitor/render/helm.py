"""Files of the Helm chart that rest on facts from elsewhere: its schema of values, its copies.

The chart can hold no file from outside of its folder, and links are dropped by some of the tools
that bring charts to a cluster, so that rules and dashboards stand in it a second time.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from monitor.settings import settings_schema

FOLDER: Final = "helm/mbm"
"""Where the chart lies, from the root of the repository."""

_COPIED: Final = ("alerts/", "dashboards/")

_OURS: Final = (
    ("Serve", "listen"),
    ("Ingest", "metrics"),
    ("Evaluate", "metrics"),
    ("Schedule", "metrics"),
)
"""Addresses that the chart sets, because its services and probes name the same ports."""

_PARTS: Final = ("ingest", "evaluate", "schedule", "serve")

_VARIABLE: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
_LABEL: Final = "^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$"
"""What a volume may be called."""

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_NAME: Final[Schema] = {"type": "string", "minLength": 1}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 1}
_PORT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 65535}
_TEXTS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_KUBERNETES: Final[Schema] = {"type": "object"}
"""What Kubernetes itself checks."""


def files(rendered: Mapping[str, str]) -> Mapping[str, str]:
    """Text of each file of the chart that is rendered, by its path from the repository's root.

    Args:
        rendered: the files of the repository, of which the chart holds rules and dashboards.
    """
    copies = {
        f"{FOLDER}/files/{name}": text
        for name, text in rendered.items()
        if name.startswith(_COPIED)
    }
    schema = json.dumps(values_schema(), indent=2, ensure_ascii=False) + "\n"
    return {f"{FOLDER}/values.schema.json": schema, **copies}


def values_schema() -> Schema:
    """JSON Schema of the chart's values; draft 7, which every Helm 3 understands."""
    settings = settings_schema()
    definitions = settings.pop("$defs")
    for part, name in _OURS:
        del definitions[part]["properties"][name]
    del settings["properties"]["cards"]
    # A cluster's own values may fill in what a shared file leaves open: the template asks.
    for key in ("$schema", "required", "title"):
        settings.pop(key, None)
    values = _object(
        image=_object(
            repository=_NAME,
            tag=_TEXT,
            digest={"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
            pullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
        ),
        imagePullSecrets=_list(_KUBERNETES),
        settings=_plain(settings),
        secrets=_object(
            env=_by_name(_VARIABLE, _secret(key=_NAME)), files=_by_name(_LABEL, _secret())
        ),
        cards={
            **_object(files=_TEXTS, configMap=_TEXT, volume=_KUBERNETES, subPath=_TEXT),
            # Kubernetes does not follow the changes of a config map through a subPath.
            "dependencies": {"subPath": ["volume"]},
            "not": {
                "anyOf": [
                    {"required": ["files", "configMap"]},
                    {"required": ["files", "volume"]},
                    {"required": ["configMap", "volume"]},
                ]
            },
        },
        addresses=_object(site=_address(), grafana=_address()),
        **{part: _part() for part in _PARTS},
        migrate=_object(
            enabled=_FLAG,
            resources=_resources(),
            deadlineSeconds=_COUNT,
            extraEnv=_list(_KUBERNETES),
        ),
        serviceMonitor=_object(enabled=_FLAG, interval=_TEXT, labels=_TEXTS),
        prometheusRule=_object(enabled=_FLAG, labels=_TEXTS),
        dashboards=_object(enabled=_FLAG, labels=_TEXTS, annotations=_TEXTS),
        networkPolicy=_object(
            enabled=_FLAG,
            **{"from": _list(_KUBERNETES)},
            egress=_object(
                **{name: _egress() for name in ("dns", "kafka", "database", "storage", "notices")},
                extra=_list(_KUBERNETES),
            ),
        ),
        podDisruptionBudget=_object(
            enabled=_FLAG,
            maxUnavailable={"anyOf": [_COUNT, {"type": "string", "pattern": "^[0-9]{1,3}%$"}]},
        ),
        service=_object(
            type={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]}, annotations=_TEXTS
        ),
        user={"type": ["integer", "null"], "minimum": 1},
        scratch=_NAME,
        labels=_TEXTS,
        extraEnv=_list(_KUBERNETES),
        extraEnvFrom=_list(_KUBERNETES),
        extraVolumes=_list(_KUBERNETES),
        extraVolumeMounts=_list(_KUBERNETES),
        nameOverride=_TEXT,
        fullnameOverride=_TEXT,
        # Helm's own: values that a chart above hands down.
        **{"global": _KUBERNETES},
    )
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart mbm",
    }
    return {**head, **values, "$defs": _plain(definitions)}


def _part() -> Schema:
    return _object(
        replicas={"type": "integer", "minimum": 0},
        resources=_resources(),
        autoscaling=_object(
            enabled=_FLAG, min=_COUNT, max=_COUNT, cpu={"type": "integer", "minimum": 1}
        ),
        graceSeconds=_COUNT,
        serviceAccount=_object(name=_TEXT, annotations=_TEXTS),
        extraEnv=_list(_KUBERNETES),
        podLabels=_TEXTS,
        podAnnotations=_TEXTS,
        priorityClassName=_TEXT,
        nodeSelector=_TEXTS,
        tolerations=_list(_KUBERNETES),
        affinity=_KUBERNETES,
        topologySpreadConstraints=_list(_KUBERNETES),
    )


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _by_name(pattern: str, entry: Schema) -> Schema:
    names = {"pattern": pattern}
    return {"type": "object", "propertyNames": names, "additionalProperties": entry}


def _secret(**more: Schema) -> Schema:
    parts = _list({"enum": [*_PARTS, "migrate"]})
    return {**_object(secret=_NAME, **more, parts=parts), "required": ["secret", *more]}


def _egress() -> Schema:
    return _object(ports=_list(_PORT), to=_list(_KUBERNETES))


def _resources() -> Schema:
    return _object(requests=_KUBERNETES, limits=_KUBERNETES, claims=_list(_KUBERNETES))


def _address() -> Schema:
    return {"type": "string", "pattern": "^(https?://.+)?$"}


def _plain(schema: Any) -> Any:  # noqa: ANN401 - JSON of any depth
    """The schema without titles, which repeat the names, and without defaults, which Helm ignores.

    Below `properties` the same words are names of settings.
    """
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(part) for name, part in value.items()}
        if key in ("properties", "patternProperties")
        else _plain(value)
        for key, value in schema.items()
        if key not in ("title", "default")
    }
