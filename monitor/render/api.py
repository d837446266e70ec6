"""Text of the reference of the API, from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

PATH: Final = "docs/reference/api.md"
"""Where the page lies, from the root of the repository."""

Schema = Mapping[str, Any]

_HEAD: Final = """\
# API

Rendered from `monitor/outputs/web/api.py` by `mbm render`; change it there.

`mbm serve` answers under the address of `serve.listen`, and gives the whole description as \
OpenAPI 3.1 under `/api/v1/openapi.json`. Times are RFC 3339 in UTC. A program sends its token as \
`Authorization: Bearer ...`; [who may read and act](../how-to/pages.md#who-may-do-what) says when \
it needs one. An error is JSON too: `error` says why, `status` repeats the status of HTTP.
"""


def page(openapi: Schema) -> str:
    """The page, in Markdown: the operations in their order, then the types of their answers."""
    types: Schema = openapi["components"]["schemas"]
    return "".join(
        [
            _HEAD,
            *(_operation(*one) for one in _operations(openapi)),
            "\n## Types\n",
            *(_type(name, schema) for name, schema in types.items()),
        ]
    )


def _operations(openapi: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _operation(method: str, path: str, operation: Schema) -> str:
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    lines = [f"\n## {method} {path}\n", operation["summary"], "", f"Answers: {_kind(answer)}."]
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        lines.append(f"Takes: {_kind(body)}.")
    queries = [one for one in operation["parameters"] if one["in"] == "query"]
    if queries:
        lines += ["", "| parameter | says |", "|---|---|"]
        lines += [f"| `{one['name']}` | {_cell(one['description'])} |" for one in queries]
    return "\n".join(lines) + "\n"


def _type(name: str, schema: Schema) -> str:
    lines = [f"\n### {name}\n", schema.get("description", "")]
    if "enum" in schema:
        lines += ["", "One of " + ", ".join(f"`{one}`" for one in schema["enum"]) + "."]
    if properties := schema.get("properties"):
        lines += ["", "| key | value | says |", "|---|---|---|"]
        lines += [
            f"| `{key}` | {_kind(value)} | {_cell(value.get('description', ''))} |"
            for key, value in properties.items()
        ]
    return "\n".join(lines) + "\n"


def _kind(value: Schema) -> str:
    """What stands there, in a few words."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if value.get("type") == "array":
        return f"a list of {_kind(value.get('items', {}))}"
    if isinstance(inner := value.get("additionalProperties"), Mapping):
        return f"by name: {_kind(inner)}"
    return _WORDS.get(value.get("type", ""), "anything")


_WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "a mapping",
    "null": "null",
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
