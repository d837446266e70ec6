"""JSON Schema of what stands in YAML files."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from monitor.settings.part import Part


class _Generator(GenerateJsonSchema):
    """Writes defaults as one would write them in YAML: 5m, not PT5M."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        written: Any = schema["schema"].get("serialization", {})
        if "default" in found and written.get("type") == "function-plain":
            found["default"] = written["function"](schema["default"])
        return found

    def encode_default(self, dft: object) -> object:
        if isinstance(dft, Part):
            return dft.model_dump(mode="json", by_alias=True, exclude_none=True)
        return super().encode_default(dft)


def json_schema(model: type[Part]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a part, for editors that check YAML while one writes."""
    schema = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": _Generator.schema_dialect, **schema}
