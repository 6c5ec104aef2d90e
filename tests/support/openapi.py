"""OpenAPI documents: the targets of references, and values against schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

JSON = dict[str, Any]  # Any: what JSON can spell.

_KINDS = {"string": str, "integer": int, "number": float, "null": type(None)}


def operation(app: FastAPI, path: str = "/webhooks/florentin") -> JSON:
    found: JSON = app.openapi()["paths"][path]["post"]
    return found


def resolve(document: JSON, schema: JSON) -> JSON:
    """Return the target of *schema*, or itself without a reference."""
    if "$ref" not in schema:
        return schema
    found = document
    for name in schema["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def references(value: object) -> Iterator[str]:
    """Yield every reference in *value*, those of discriminators included."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield each
            elif key == "mapping":
                yield from each.values()
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def fits(document: JSON, schema: JSON, value: object) -> bool:
    """Check *value* against *schema*, as far as our schemas go."""
    schema = resolve(document, schema)
    if "anyOf" in schema:
        return any(fits(document, each, value) for each in schema["anyOf"])
    if "oneOf" in schema:
        return [fits(document, each, value) for each in schema["oneOf"]].count(True) == 1
    if "const" in schema or "enum" in schema:
        return value in (schema.get("enum") or [schema["const"]])
    if not isinstance(value, dict):
        return isinstance(value, _KINDS.get(schema.get("type", ""), object))
    properties = schema.get("properties", {})
    return set(schema.get("required", ())) <= set(value) and all(
        fits(document, properties[name], each) for name, each in value.items() if name in properties
    )
