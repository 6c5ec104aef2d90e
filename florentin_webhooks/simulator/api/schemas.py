"""What the API answers with, as JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.simulator.plans import PLANS
from florentin_webhooks.simulator.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    Schema = Mapping[str, object]

__all__ = ["ERROR", "OBJECTS", "enveloped", "listed"]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_PLAN: Schema = {"type": "string", "enum": list(PLANS)}


def _object(optional: Mapping[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": list(fields),
    }


ERROR = _object(error=_object(message=_TEXT))

OBJECTS: Mapping[str, Schema] = {
    "Customer": _object({"name": _TEXT}, id=_UUID, email=_TEXT),
    "Product": _object(id=_TEXT, name=_TEXT),
    "Plan": _object(id=_PLAN, product_id=_TEXT, name=_TEXT, amount=_NUMBER, currency=_TEXT),
    "Subscription": _object(
        {"previous_plan": _PLAN},
        id=_UUID,
        customer_id=_UUID,
        plan=_PLAN,
        status={"type": "string", "enum": ["active", "cancelled"]},
    ),
    "Invoice": _object(
        id=_UUID,
        customer_id=_UUID,
        number=_TEXT,
        status={"type": "string", "enum": ["open"]},
        amount_due=_NUMBER,
        currency=_TEXT,
    ),
    "TeamMember": _object(id=_UUID, customer_id=_UUID, email=_TEXT, role=_TEXT),
    "TermsAcceptance": _object(id=_UUID, customer_id=_UUID, email=_TEXT, version=_TEXT),
    "Login": _object(id=_UUID, customer_id=_UUID, email=_TEXT),
    "Usage": _object(
        customer_id=_UUID,
        period=_TEXT,
        metrics={"type": "object", "additionalProperties": _NUMBER},
    ),
    "APIKey": _object(
        {"token": _TEXT},
        id=_TEXT,
        name=_TEXT,
        scopes={"type": "array", "items": {"type": "string", "enum": list(Scope)}},
    ),
}
"""The objects in ``data``, by their names in the document."""


def enveloped(name: str) -> Schema:
    """Return the schema of a reply with one object."""
    return _object(data=_reference(name), meta={"type": "object"})


def listed(name: str) -> Schema:
    """Return the schema of a reply with a page of objects."""
    data = {"type": "array", "items": _reference(name)}
    return _object(data=data, meta=_object(page=_NUMBER, total=_NUMBER))


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
