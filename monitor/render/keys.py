"""Text of the reference of settings and cards, from their JSON Schemas."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from monitor.cards.schema import card_schema
from monitor.settings import settings_schema

Schema = Mapping[str, Any]

_HEADS: Final = {
    "docs/reference/settings.md": """\
# Settings

Rendered from `monitor/settings` by `mbm render`; change it there.

Every key of `service.yaml`. Durations are a whole number with s, m, h, d or w (`90d`); relative \
paths are seen from the file's folder. A secret never stands in the file: write `{env: NAME}` or \
`{file: PATH}`. `mbm check` tells every mistake at once, and `mbm check --schema service` prints \
the same as JSON Schema, for editors.
""",
    "docs/reference/card.md": """\
# Model card

Rendered from `monitor/cards` by `mbm render`; change it there.

Every key of a model's YAML file in the folder `cards`. How to write one is told in [Write a model \
card](../how-to/card.md); `mbm check` tells every mistake at once, and `mbm check --schema card` \
prints the same as JSON Schema, for editors.
""",
}


def files() -> Mapping[str, str]:
    """Text of each rendered page, by its path from the root of the repository."""
    schemas = (settings_schema(), card_schema())
    return {
        path: page(head, schema)
        for (path, head), schema in zip(_HEADS.items(), schemas, strict=True)
    }


def page(head: str, schema: Schema) -> str:
    """The page, in Markdown, a section per mapping, each where it first stands."""
    return head + "".join(_section(path, part, schema) for path, part in _parts(schema).items())


def _parts(schema: Schema) -> Mapping[str, Schema]:
    """The mappings of a document by their place, outer before inner, each once."""
    found: dict[str, Schema] = {"": schema}
    seen: set[str] = set()

    def look(path: str, part: Schema) -> None:
        for name, value in part.get("properties", {}).items():
            for place, reference in _references(value):
                inner = _at(path, f"{name}{place}")
                if reference not in seen:
                    seen.add(reference)
                    target = _target(schema, reference)
                    if "properties" in target:
                        found[inner] = target
                    look(inner, target)

    look("", schema)
    return found


def _references(value: Schema) -> Iterator[tuple[str, str]]:
    """(what stands behind the key, reference) of every mapping that a value may be or hold."""
    if "$ref" in value:
        yield "", value["$ref"]
    for one in value.get("anyOf", ()):
        yield from _references(one)
    for place, reference in _references(value.get("items", {})) if "items" in value else ():
        yield f"[]{place}", reference
    for inner in _named(value):
        for place, reference in _references(inner):
            yield f".NAME{place}", reference


def _named(value: Schema) -> Iterator[Schema]:
    """What stands under names that people choose."""
    if isinstance(value.get("additionalProperties"), Mapping):
        yield value["additionalProperties"]
    yield from value.get("patternProperties", {}).values()


def _section(path: str, part: Schema, schema: Schema) -> str:
    title = f"\n## `{path}`\n" if path else ""
    rows = "".join(
        f"| `{name}` | {_cell(_kind(value, schema, _at(path, name)))} | {_fallback(name, part)} "
        f"| {_cell(value.get('description', 'as in [events](events.md)'))} |\n"
        for name, value in part["properties"].items()
    )
    table = f"\n| key | value | default | says |\n|---|---|---|---|\n{rows}" if rows else ""
    return f"{title}\n{part.get('description', '')}\n{table}"


def _kind(value: Schema, schema: Schema, path: str) -> str:
    """What may stand there, in a few words."""
    if "$ref" in value:
        target = _target(schema, value["$ref"])
        if "properties" not in target:
            return _kind(target, schema, path)
        place = next(at for at, part in _parts(schema).items() if part is target)
        return f"[a mapping](#{_anchor(place)})"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "anyOf" in value:
        kinds = [_kind(one, schema, path) for one in value["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in value:
        return f"`{value['const']}`"
    if named := list(_named(value)):
        return f"by name: {_kind(named[0], schema, path)}"
    if value.get("type") == "array":
        return f"a list of: {_kind(value['items'], schema, path)}" if "items" in value else "a list"
    return _plain(value)


def _plain(value: Schema) -> str:
    """Words for a text, a number with its bounds, or a small mapping with its keys."""
    if "properties" in value:
        return " or ".join(f"`{{{name}: …}}`" for name in value["properties"])
    kinds = value.get("type", "anything")
    names = [_WORDS.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    text = " or ".join(name for name in names if name)
    if examples := value.get("examples"):
        text += f" such as `{examples[0]}`"
    bounds = [f"{sign} {value[key]:,}" for key, sign in _BOUNDS.items() if key in value]
    return ", ".join([text, *bounds])


_WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "object": "a mapping",
    "null": "",
}
_BOUNDS: Final = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def _fallback(name: str, part: Schema) -> str:
    if name in part.get("required", ()):
        return "needed"
    default = part["properties"][name].get("default")
    if default is None or isinstance(default, Mapping):
        return ""
    written = str(default).lower() if isinstance(default, bool) else default
    return "" if written in ("", []) else f"`{written}`"


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _target(schema: Schema, reference: str) -> Schema:
    found: Schema = schema["$defs"][reference.rpartition("/")[2]]
    return found


def _anchor(path: str) -> str:
    """The id that a heading with this path gets."""
    return "".join(one for one in path if one.isalnum() or one in "_-").lower()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
