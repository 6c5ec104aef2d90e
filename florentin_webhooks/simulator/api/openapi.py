"""The OpenAPI document of the API, from the table of operations."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from florentin_webhooks.simulator.api.operations import UUID, by_path
from florentin_webhooks.simulator.api.schemas import ERROR, OBJECTS, enveloped, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.simulator.api.fields import Field
    from florentin_webhooks.simulator.api.operations import Operation

    Node = Mapping[str, object]

__all__ = ["document"]

_ERRORS = {
    401: "The bearer token is invalid or missing.",
    403: "The token lacks a scope.",
    404: "There is no such object.",
    409: "The state of the object or of the domain, or the use of the key, does not allow this.",
    413: "The body is too large.",
    422: "A field is missing or wrong.",
    503: "The database of the simulator has failed.",
}


@cache
def document() -> Node:
    """Return the document, of OpenAPI 3.1."""
    operations, no_scope = by_path(), list[str]()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Simulated Florentin", "version": "1"},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": no_scope}],
        "paths": {
            path: {method.lower(): _operation(each) for method, each in methods.items()}
            for path, methods in operations.items()
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**OBJECTS, "Error": ERROR},
        },
    }


def _operation(operation: Operation) -> Node:
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Needs the scope `{operation.scope}`.",
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body:
        needed = any(field.required for field in operation.body)
        described["requestBody"] = {"required": needed, "content": _json(_body(operation.body))}
    return described


def _parameters(operation: Operation) -> list[Node]:
    schema = {"type": "string"} if operation.path.startswith("/api-keys") else UUID.schema
    path = {"name": "id", "in": "path", "required": True, "schema": schema}
    query = [
        {"name": each.name, "in": "query", "required": each.required, "schema": each.kind.schema}
        for each in operation.query
    ]
    return [path, *query] if operation.has_id else [*query]


def _body(fields: tuple[Field, ...]) -> Node:
    return {
        "type": "object",
        "properties": {each.name: _property(each) for each in fields},
        "required": [each.name for each in fields if each.required],
    }


def _property(field: Field) -> Node:
    about = {"description": field.description} if field.description else {}
    return {**field.kind.schema, **about}


def _responses(operation: Operation) -> Node:
    reply = (listed if operation.listing else enveloped)(operation.reply)
    success = {"description": operation.message or "The reply.", "content": _json(reply)}
    statuses = [status for status in (400, *_ERRORS) if _can_fail(operation, status)]
    return {str(operation.status): success} | {str(each): _error(each) for each in statuses}


def _can_fail(operation: Operation, status: int) -> bool:
    takes_customer = any(each.name == "customer_id" for each in (*operation.body, *operation.query))
    match status:
        case 400 | 413:
            return bool(operation.body)
        case 404:
            return operation.has_id or (takes_customer and operation.listing is None)
        case 409:
            return operation.method != "GET"
        case 422:
            return bool(operation.body or operation.query)
        case _:
            return True


def _error(status: int) -> Node:
    content = _json({"$ref": "#/components/schemas/Error"})
    return {"description": _ERRORS.get(status, "The body is not JSON."), "content": content}


def _json(schema: Node) -> Node:
    return {"application/json": {"schema": schema}}
